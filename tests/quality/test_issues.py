import pytest

from callstats.quality import Interval, issues
from callstats.quality.issues import ConnectionFacts, Finding, ParticipantFacts
from callstats.quality.setup import State
from tests.quality.made import STATES, connection, lossy, picture, run, speech, stream


def find(facts: ConnectionFacts) -> list[Finding]:
    return list(issues.find_in_connection(facts))


def only(facts: ConnectionFacts, name: str) -> Finding:
    (finding,) = find(facts)
    assert finding.name == name
    return finding


def states(*ice: tuple[float, str]) -> dict[str, list[State]]:
    return {"ice_connection": [State(at, state) for at, state in ice]}


# Healthy calls are silent


def test_a_healthy_connection_has_no_issue() -> None:
    audio, video = run(*[speech()] * 6), run(*[picture()] * 6)

    assert find(connection(stream(audio), stream(video, "video"))) == []


def test_the_start_of_a_video_may_be_slow_and_stumble() -> None:
    ramp = picture(fps=4.0, bitrate=40_000.0, freeze_duration=2.0, freezes=3)

    assert find(connection(stream(run(ramp, *[picture()] * 5), "video"))) == []


def test_the_end_of_a_stream_is_no_issue() -> None:
    silence = speech(packets=0, bytes=0, expected=0, bitrate=0.0)
    ended = stream(run(speech(), speech(), *[silence] * 6))
    far = stream(run(speech(), speech()), direction="outbound")

    assert find(connection(ended, far_streams=[far], is_direct=True)) == []


def test_a_camera_that_is_switched_off_is_no_issue() -> None:
    off = picture(fps=1.0, bitrate=2_000.0, bytes=2_500)

    assert find(connection(stream(run(*[picture()] * 4, *[off] * 6), "video"))) == []


def test_a_shared_screen_has_few_frames_and_no_issue() -> None:
    screen = [picture(fps=fps) for fps in (5.0, 5.0, 1.0, 5.0, 0.2, 0.2, 5.0)]

    assert find(connection(stream(run(*screen), "video"))) == []


def test_a_camera_that_adapts_from_30_to_15_frames_is_no_issue() -> None:
    slower = run(*[picture(fps=30.0)] * 4, *[picture(fps=14.0)] * 4)

    assert find(connection(stream(slower, "video"))) == []


def test_a_hiccup_is_no_issue() -> None:
    hiccup = run(speech(), lossy(0.06), speech(), speech(rtt=0.9), speech())

    assert find(connection(stream(hiccup))) == []


# High loss


def test_loss_is_found_with_its_evidence() -> None:
    windows = run(speech(), lossy(0.04), lossy(0.06), speech(), speech())

    finding = only(connection(stream(windows, scores=())), "high_loss")

    assert finding.severity == "warning"
    assert (finding.opened_at, finding.closed_at) == (10.0, 30.0)
    assert finding.sentence == "5.0 % of the audio packets from bob did not arrive"
    assert finding.evidence["worst_loss"] == pytest.approx(0.06)


def test_much_loss_is_severe() -> None:
    finding = only(connection(stream(run(*[lossy(0.2)] * 3), scores=())), "high_loss")

    assert finding.severity == "severe"
    assert finding.closed_at is None


def test_loss_of_what_is_sent_shows_at_its_receiver_if_that_one_reports() -> None:
    sent = stream(run(*[lossy(0.1)] * 3), direction="outbound", scores=())
    seen = stream(run(*[lossy(0.1)] * 3), direction="outbound", scores=(), is_seen_by_receiver=True)

    assert only(connection(sent), "high_loss").sentence.startswith("10.0 % of the audio packets to")
    assert find(connection(seen)) == []


# Delay, audio, video


def test_a_long_round_trip_is_found_once_for_a_connection() -> None:
    slow = run(*[speech(rtt=0.5)] * 3)

    finding = only(connection(stream(slow, scores=()), stream(slow, scores=())), "high_rtt")

    assert finding.sentence == "a round trip to bob takes 500 ms"


def test_bad_audio_is_found_by_its_mos() -> None:
    concealed = run(*[speech(samples=480_000, concealed=48_000)] * 3)

    finding = only(connection(stream(concealed)), "low_audio_mos")

    assert finding.sentence == "audio from bob has a MOS of 2.6"


def test_one_frozen_window_is_enough() -> None:
    windows = run(picture(), picture(), picture(freeze_duration=1.5, freezes=2), picture())

    finding = only(connection(stream(windows, "video")), "freezes")

    assert (finding.opened_at, finding.closed_at) == (20.0, 30.0)
    assert finding.sentence == "video from bob stood still 15.0 % of the time"


def test_few_frames_are_found_against_what_is_usual() -> None:
    windows = run(*[picture()] * 5, *[picture(fps=4.0)] * 3)

    finding = only(connection(stream(windows, "video")), "low_frame_rate")

    assert finding.sentence == "video from bob shows 4 frames/s instead of 25"
    assert finding.severity == "severe"


# No media


def dry(*, seconds: float, kind: str = "audio") -> list[Interval]:
    make = speech if kind == "audio" else picture
    nothing = make(seconds=seconds, packets=0, bytes=0, expected=0, bitrate=0.0)
    return run(make(), make(), nothing, make())


def test_what_is_sent_and_does_not_arrive_is_found() -> None:
    far = stream(run(*[speech()] * 5), direction="outbound")
    facts = connection(stream(dry(seconds=20.0)), far_streams=[far], is_direct=True)

    finding = only(facts, "no_media")

    assert (finding.opened_at, finding.closed_at) == (20.0, 40.0)
    assert finding.sentence == "no audio arrived from bob for 20 s"


def test_a_stream_that_never_began_although_it_was_sent_is_found() -> None:
    far = stream(run(*[picture()] * 4), "video", direction="outbound")
    facts = connection(stream(run(*[speech()] * 4)), far_streams=[far], is_direct=True)

    assert only(facts, "no_media").kind == "video"


def test_silence_of_a_sender_who_is_muted_is_no_issue() -> None:
    far = stream(dry(seconds=20.0), direction="outbound")

    assert find(connection(stream(dry(seconds=20.0)), far_streams=[far], is_direct=True)) == []


def test_what_a_server_pauses_is_no_issue_while_anything_arrives() -> None:
    far = stream(run(*[picture()] * 5), "video", direction="outbound")
    streams = (stream(run(*[speech()] * 5)), stream(dry(seconds=20.0, kind="video"), "video"))

    assert find(connection(*streams, far_streams=[far])) == []


def test_a_server_that_delivers_nothing_at_all_is_found() -> None:
    far = stream(run(*[speech()] * 5), direction="outbound")
    streams = (stream(dry(seconds=20.0)), stream(dry(seconds=20.0, kind="video"), "video"))

    finding = only(connection(*streams, far_streams=[far]), "no_media")

    assert finding.sentence == "no media arrived from bob for 20 s"


def test_where_nothing_was_reported_nothing_is_claimed() -> None:
    gap = Interval(start=0, end=0, seconds=60.0)
    far = stream(run(*[speech()] * 8), direction="outbound")
    silent = run(speech(), gap, speech())
    known = [interval for interval in silent if interval.is_known]
    facts = connection(stream(known, intervals=silent), far_streams=[far], is_direct=True)

    assert find(facts) == []


# Connections


def test_a_failure_is_found() -> None:
    failed = {**STATES, "connection": [*STATES["connection"], State(30.0, "failed")]}

    finding = only(connection(states=failed), "ice_failed")

    assert finding.severity == "severe"
    assert (finding.opened_at, finding.closed_at) == (30.0, None)


def test_a_failure_ends_when_the_connection_is_up_again() -> None:
    changes = states((0.0, "checking"), (1.0, "connected"), (30.0, "failed"), (35.0, "connected"))

    assert only(connection(states=changes), "ice_failed").closed_at == 35.0


def test_both_kinds_of_state_tell_of_one_failure() -> None:
    both = {
        "ice_connection": [State(0.0, "checking"), State(1.0, "connected"), State(30.0, "failed")],
        "connection": [State(1.0, "connected"), State(30.0, "failed")],
    }

    only(connection(states=both), "ice_failed")


def test_a_failure_after_the_other_end_left_is_no_issue() -> None:
    changes = states((0.0, "checking"), (1.0, "connected"), (50.0, "failed"))

    assert find(connection(states=changes, far_left_at=20.0)) == []


def test_a_long_interruption_is_found() -> None:
    changes = states(
        (0.0, "checking"), (1.0, "connected"), (30.0, "disconnected"), (38.0, "connected")
    )

    finding = only(connection(states=changes, known_until=60.0), "ice_disconnected")

    assert finding.sentence == "the connection to bob was interrupted for 8.0 s"
    assert finding.severity == "warning"


@pytest.mark.parametrize(
    "facts",
    [
        {"states": states((0.0, "checking"), (1.0, "connected"), (30.0, "disconnected"),
                          (33.0, "connected")), "known_until": 60.0},
        {"states": states((0.0, "checking"), (1.0, "connected"), (30.0, "disconnected")),
         "known_until": 60.0, "far_left_at": 31.0},
        {"states": states((0.0, "checking"), (1.0, "connected"), (30.0, "disconnected")),
         "known_until": 60.0, "closed_at": 32.0},
    ],
    ids=["short", "the other end leaves", "closed at once"],
)  # fmt: skip
def test_other_interruptions_are_no_issue(facts: dict[str, object]) -> None:
    assert find(connection(**facts)) == []


def test_a_slow_setup_is_found() -> None:
    slow = states((0.0, "checking"), (7.5, "connected"))

    finding = only(connection(states=slow), "slow_setup")

    assert finding.sentence == "the connection to bob took 7.5 s to come up"
    assert finding.closed_at == 7.5


def test_a_setup_without_end_is_severe() -> None:
    finding = only(connection(states=states((0.0, "checking")), known_until=12.0), "slow_setup")

    assert finding.sentence == "the connection to bob was not up after 12 s"
    assert finding.severity == "severe"
    assert finding.closed_at is None


def test_a_connection_that_is_only_prepared_is_no_issue() -> None:
    prepared = {"signaling": [State(0.0, "have-local-offer")]}

    assert find(connection(states=prepared, known_until=60.0)) == []


# Participants


def test_missing_data_is_said() -> None:
    facts = ParticipantFacts(
        dropped={"outbox full": 12},
        dropped_at=5.0,
        damaged=1,
        damaged_at=9.0,
        gaps=[(20.0, 60.0)],
    )

    said = [finding.sentence for finding in issues.find_in_participant(facts)]

    assert said == [
        "the client dropped 12 records (outbox full)",
        "1 member of reports could not be read",
        "nothing was reported for 40 s",
    ]


def test_complete_data_is_no_issue() -> None:
    assert list(issues.find_in_participant(ParticipantFacts(dropped={}))) == []


def test_every_issue_has_a_name_of_its_own() -> None:
    assert len(set(issues.NAMES)) == len(issues.NAMES) == 10
