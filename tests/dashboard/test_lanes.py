from datetime import timedelta

from callstats.calls import Happening
from callstats.dashboard import lanes

from . import examples

SPAN = lanes.Span(examples.after(0), examples.after(40))


def happening(at: float, kind: str = "event", name: str = "track", **facts: object) -> Happening:
    return Happening(
        at=examples.after(at), type=kind, name=name, user="bob", device="d1", data=facts or None
    )


def test_moments_lie_in_the_picture_by_their_time() -> None:
    assert SPAN.place(examples.after(10)) == 25.0
    assert SPAN.place(examples.after(-5)) == 0.0
    assert SPAN.place(examples.after(99)) == 100.0


def test_what_lasted_only_a_moment_can_still_be_seen() -> None:
    bar = SPAN.bar(examples.after(40), examples.after(40), "severe", "")

    assert bar.width == lanes.MIN_WIDTH
    assert bar.start + bar.width <= 100


def test_a_call_of_no_length_can_be_drawn() -> None:
    span = lanes.Span(examples.after(0), examples.after(0))

    assert span.place(examples.after(0)) == 0.0
    assert [tick.label for tick in lanes.ticks(span)] == ["0:00"]


def test_the_picture_covers_what_happened_after_the_call_was_over() -> None:
    call = examples.healthy()

    span = lanes.span_of(call, [happening(45)], examples.after(31))

    assert span.end == examples.after(45)


def test_an_open_issue_lasts_to_the_end() -> None:
    call = examples.impaired()

    bob = lanes.draw(call, call.participants[1:2], [], SPAN)[0]

    assert [(bar.start, round(bar.start + bar.width)) for bar in bob.issues] == [
        (15.0, 60),
        (12.5, 100),
        (30.0, 33),
    ]


def test_failures_stand_out_from_events() -> None:
    call = examples.impaired()
    happenings = [
        happening(1, "joined"),
        happening(2),
        happening(3, "error", "createOffer"),
        happening(4, name="iceconnectionstatechange", state="disconnected"),
        happening(5, "feedback"),
    ]

    bob = lanes.draw(call, call.participants[1:2], happenings, SPAN)[0]

    assert [dot.shape for dot in bob.dots] == ["event", "failure", "failure", "feedback"]
    assert "3 issues, 2 failures" in bob.summary


def test_ticks_stand_at_round_times() -> None:
    hour = lanes.Span(examples.after(0), examples.after(0) + timedelta(minutes=70))

    assert [tick.label for tick in lanes.ticks(SPAN)] == ["0:00", "0:10", "0:20", "0:30", "0:40"]
    assert [tick.label for tick in lanes.ticks(hour)] == [
        "0:00",
        "15:00",
        "30:00",
        "45:00",
        "1:00:00",
    ]
