from datetime import UTC, datetime

import msgspec
import pytest

from callstats import calls
from callstats.calls import reading
from callstats.store import Rows, Store
from tests.calls.generate import CALL, CONFERENCE, START, Call, write


def later(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def concluded(store: Store, call: Call, *, version: int = 1) -> calls.Call:
    judged = calls.judge(store, call.app_id, call.id, now=later(call.seconds + 60))
    write(store, calls.conclusions(judged, version=version))
    return judged


def listed(store: Store, app_id: int, number: int, **members: object) -> None:
    """Write the row of one more call, a minute after the one before."""
    row = {
        "conference": CONFERENCE,
        "started_at": START + 60 * number,
        "ended_at": None,
        "state": "live",
        "participants": 2,
        "issues": 0,
        "verdict": "good",
        "sentence": "all is well for all 2",
        "document": "",
        "version": 1,
    } | members
    rows = Rows()
    rows.add("calls", (app_id, f"{number:026d}", *row.values()))
    write(store, rows)


# One call


def test_a_concluded_call_is_read_as_it_was_written(store: Store, app_id: int) -> None:
    judged = concluded(store, Call(app_id=app_id).store_in(store))

    read = calls.read(store, app_id, CALL, now=later(999))

    assert msgspec.json.encode(read) == msgspec.json.encode(judged)


def test_what_was_written_counts_and_not_what_would_be_judged_now(
    store: Store, app_id: int
) -> None:
    judged = concluded(store, Call(app_id=app_id).store_in(store))
    verdict = calls.Verdict(word="fair", sentence="as somebody once judged")
    head = msgspec.structs.replace(judged.call, verdict=verdict)
    write(store, calls.conclusions(msgspec.structs.replace(judged, call=head), version=2))

    read = calls.read(store, app_id, CALL, now=later(999))

    assert read.call.verdict.sentence == "as somebody once judged"


def test_a_call_is_judged_again_when_more_came_in(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id).store_in(store)
    before = concluded(store, call)
    late = Rows()
    call.event(late, "alice", 59.0, "feedback", data={"overall": 2, "comment": "choppy"})
    write(store, late)

    read = calls.read(store, app_id, CALL, now=later(999))

    assert len(before.feedback) == 0
    assert [said.comment for said in read.feedback] == ["choppy"]
    assert read.call.records == before.call.records + 1


def test_a_document_of_another_version_is_not_read(store: Store, app_id: int) -> None:
    judged = concluded(store, Call(app_id=app_id).store_in(store))
    rows = calls.conclusions(judged, version=2)
    rows.by_table["calls"] = [(*row[:10], '{"version":0}', 2) for row in rows.by_table["calls"]]
    write(store, rows)

    read = calls.read(store, app_id, CALL, now=later(999))

    assert msgspec.json.encode(read) == msgspec.json.encode(judged)


def test_what_was_concluded_stays_when_old_reports_are_deleted(store: Store, app_id: int) -> None:
    judged = concluded(store, Call(app_id=app_id).store_in(store))
    store.command(f"DELETE FROM reports WHERE app_id = {app_id}")

    read = calls.read(store, app_id, CALL, now=later(999))

    assert msgspec.json.encode(read) == msgspec.json.encode(judged)


def test_a_live_call_is_judged_now(store: Store, app_id: int) -> None:
    listed(store, app_id, 0, version=1)
    Call(app_id=app_id, id=f"{0:026d}", leaves=False).store_in(store)

    read = calls.read(store, app_id, f"{0:026d}", now=later(61))

    assert read.call.state == "live"
    assert len(read.participants) == 3


def test_a_call_of_another_app_is_unknown(store: Store, app_id: int) -> None:
    concluded(store, Call(app_id=app_id).store_in(store))

    with pytest.raises(calls.UnknownCall):
        calls.read(store, 1, CALL, now=later(0))


# The list


def test_the_newest_calls_come_first_and_once(store: Store, app_id: int) -> None:
    for number in range(4):
        listed(store, app_id, number)
    listed(store, app_id, 2, version=2, state="ended", verdict="poor", started_at=START + 121)

    found = calls.listing(store, app_id)

    assert [call.id for call in found] == [f"{number:026d}" for number in (3, 2, 1, 0)]
    assert [call.state for call in found] == ["live", "ended", "live", "live"]
    assert found[1].verdict.word == "poor"


def test_the_list_goes_on_before_a_moment(store: Store, app_id: int) -> None:
    for number in range(5):
        listed(store, app_id, number)

    first = calls.listing(store, app_id, limit=2)
    second = calls.listing(store, app_id, limit=2, before=first[-1].started_at)

    assert [call.id[-1] for call in first + second] == ["4", "3", "2", "1"]


def test_the_list_can_be_narrowed(store: Store, app_id: int) -> None:
    listed(store, app_id, 0, conference="Daily Stand-up")
    listed(store, app_id, 1, conference="Größe & Ähnliches", verdict="bad")
    listed(store, app_id, 2, conference="daily", verdict="fair")
    # a conclusion replaced what it was: it must not be found by that
    listed(store, app_id, 3, conference="daily", verdict="bad")
    listed(store, app_id, 3, conference="daily", verdict="good", version=2)

    def ids(**narrowed: object) -> list[str]:
        return [call.id[-1] for call in calls.listing(store, app_id, **narrowed)]  # type: ignore[arg-type]

    assert ids(conference="daily") == ["3", "2"]
    assert ids(matching="DAILY") == ["3", "2", "0"]
    assert ids(matching="ähnl") == ["1"]
    assert ids(words=["bad", "fair"]) == ["2", "1"]
    assert ids(matching="daily", words=["good"]) == ["3", "0"]
    assert ids(conference="' OR 1 = 1 --") == []


# Events


def test_the_timeline_tells_everything_but_reports_and_logs(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"), seconds=10.0)
    rows = call.rows()
    call.event(rows, "alice", 3.0, "log", "info", data={"message": "hello"})
    call.event(rows, "alice", 4.0, "error", "createOffer", data={"message": "no"})
    write(store, rows)
    write(store, rows)

    told = calls.timeline(store, app_id, CALL)
    with_logs = calls.timeline(store, app_id, CALL, logs=True)

    assert [each.at for each in told] == sorted(each.at for each in told)
    assert {each.type for each in told} == {"joined", "event", "error", "left"}
    assert len(told) == len(rows.by_table["events"]) - 1
    assert len(with_logs) == len(told) + 1
    (error,) = [each for each in told if each.type == "error"]
    assert (error.name, error.data) == ("createOffer", {"message": "no"})
    change = next(each for each in told if each.name == "signalingstatechange")
    assert (change.connection, change.remote) == ("alice-bob", "bob")


def test_data_that_cannot_be_read_is_told_as_text(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id)
    rows = Rows()
    call.event(rows, "alice", 1.0, "event", "odd")
    rows.by_table["events"] = [
        (*row[:12], '{"lone": "\\ud800"', *row[13:]) for row in rows.by_table["events"]
    ]
    write(store, rows)

    (told,) = calls.timeline(store, app_id, CALL)

    assert told.data == '{"lone": "\\ud800"'
    msgspec.json.encode(told)


# Series


def test_series_have_a_point_for_each_interval(store: Store, app_id: int) -> None:
    Call(app_id=app_id).store_in(store)

    found = calls.series(store, app_id, CALL, user="alice", connection="alice-bob")

    assert [(each.kind, each.direction) for each in found] == [
        ("audio", "inbound"),
        ("video", "inbound"),
        ("audio", "outbound"),
        ("video", "outbound"),
    ]
    audio, video = found[0], found[1]
    assert audio.times == pytest.approx([START + 5.4 + 5 * n for n in range(11)])
    assert audio.bitrate == [32_000.0] * 11
    assert audio.loss == [0.0] * 11
    assert audio.rtt == pytest.approx([0.04] * 11)
    assert all(score is not None and score > 4 for score in audio.mos)
    assert video.mos == [None] * 11
    assert all(score is not None and score > 4 for score in video.video)
    assert video.fps == [25.0] * 11


@pytest.mark.parametrize("points", [3, 10, 50])
def test_series_have_no_more_points_than_asked_for(store: Store, app_id: int, points: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"), seconds=600.0).store_in(store)

    found = calls.series(store, app_id, call.id, points=points)

    assert all(points / 3 <= len(each.times) <= points for each in found)
    assert all(each.bitrate == pytest.approx([each.bitrate[0]] * len(each.times)) for each in found)


def test_a_call_without_reports_has_no_series(store: Store, app_id: int) -> None:
    assert calls.series(store, app_id, CALL, points=100) == []


# Reports


def test_reports_come_as_they_were_and_once(
    store: Store, app_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PAGE", 7)
    rows = Call(app_id=app_id).rows()
    write(store, rows)
    write(store, rows)

    found = list(calls.reports(store, app_id, CALL))

    assert len(found) == 72
    assert len({(each["client"], each["seq"]) for each in found}) == 72
    first = found[0]
    assert (first["user"], first["connection"], first["remote"]) == ("alice", "alice-bob", "bob")
    assert bytes(first["stats"]) == rows.by_table["reports"][0][11].encode()


def test_reports_of_one_connection_are_only_those(store: Store, app_id: int) -> None:
    Call(app_id=app_id).store_in(store)

    found = list(calls.reports(store, app_id, CALL, user="bob", connection="bob-carol"))

    assert {each["connection"] for each in found} == {"bob-carol"}
    assert len(found) == 12
