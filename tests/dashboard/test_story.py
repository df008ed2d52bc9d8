from callstats.calls import Happening
from callstats.dashboard.story import tell

from . import examples


def happening(at: float, kind: str, name: str = "", data: object = None) -> Happening:
    return Happening(
        at=examples.after(at), type=kind, name=name, user="bob", device="d1", data=data
    )


def told(*happenings: Happening) -> list[tuple[str, str, bool]]:
    return [(line.tone, line.text, line.is_milestone) for line in tell(happenings, [])]


def test_every_kind_of_record_is_told_in_words() -> None:
    assert told(
        happening(0, "joined", data={"agent": "wrtc"}),
        happening(1, "event", "track"),
        happening(2, "event", "audioMute", {"by": "host"}),
        happening(3, "error", "createOffer", {"message": "closed"}),
        happening(4, "log", "warning", {"message": "slow"}),
        happening(5, "feedback", data={"overall": 4, "comment": "fine"}),
        happening(6, "dropped", data={"outbox full": 1}),
        happening(7, "left"),
    ) == [
        ("plain", "joined with wrtc", True),
        ("plain", "track", False),
        ("plain", 'audioMute {"by": "host"}', False),
        ("failure", "createOffer failed: closed", True),
        ("plain", "log (warning): slow", False),
        ("feedback", "feedback: overall 4 of 5, “fine”", True),
        ("plain", "the client dropped 1 record (outbox full)", False),
        ("plain", "left", True),
    ]


def test_a_connection_that_comes_back_is_a_milestone_and_one_that_comes_up_is_not() -> None:
    name = "connectionstatechange"
    states = ("connected", "disconnected", "connected")

    lines = told(
        *(happening(at, "event", name, {"state": state}) for at, state in enumerate(states))
    )

    assert [(tone, milestone) for tone, _, milestone in lines] == [
        ("plain", False),
        ("failure", True),
        ("relief", True),
    ]


def test_issues_begin_and_end_in_their_place() -> None:
    issues = [examples.issue("bob", "alice"), examples.issue("bob", "carol", closed_at=None)]

    lines = tell([happening(10, "event", "track")], issues)

    assert [line.tone for line in lines] == ["issue", "issue", "plain", "relief"]


def test_odd_payloads_are_told_and_not_fatal() -> None:
    odd: list[object] = [None, "text", 7, [], {"message": {"a": 1}}, {"overall": "x"}, {"n": "?"}]

    for kind in ("joined", "left", "event", "error", "log", "feedback", "dropped", "future"):
        for data in odd:
            assert told(happening(0, kind, "name", data))
