"""The classic class on the real client: what arrives at a collector, and when it does not."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from callstats import wire
from callstats.errors import BadInput
from callstats.sdk import CallStats, ClientBackend, Session, Status, UserId
from callstats.testing.clock import FakeClock

from .conftest import Connect
from .peers import aiortc_pair, connect_aiortc, until
from .recording import SECRET, Answer, Collector, courier_threads, eventually

pytestmark = pytest.mark.anyio


class Connection:
    """A peer connection of a library that is not known."""


@pytest.fixture
def session(collector: Collector) -> Iterator[Session]:
    session = Session()
    assert session.init_backend(
        call_stats_id="42",
        call_stats_secret=SECRET,
        alias_name="alice-1",
        user_name="Alice",
        backend=lambda: ClientBackend(collector.url, linger=0.01),
    )
    yield session
    session.close(2.0)
    eventually(lambda: not courier_threads())


def make(session: Session, *, conf_id: str = "standup", pc: object = None) -> CallStats:
    return CallStats(pc or Connection(), conf_id=conf_id, remote_user_id="bob", session=session)


def data_of(record: Any) -> Any:
    return json.loads(bytes(record.data)) if bytes(record.data) else None


def said(collector: Collector) -> list[tuple[str, str]]:
    """What arrived, in order of its numbers: kind, and name or message."""
    records = sorted(collector.records.values(), key=lambda record: record.seq)
    return [
        (type(one).__name__, str(getattr(one, "name", "") or getattr(one, "message", "")))
        for one in records
        if not isinstance(one, wire.Dropped)
    ]


def test_everything_the_class_can_say_arrives_in_order(
    session: Session, collector: Collector
) -> None:
    fabric = make(session)

    CallStats.send_mute_event(True, "video", fabric)
    fabric.send_dominant_speaker_event()
    fabric.associate_stream_with_video_tag(7, True, None, "mic", "audio-1")
    fabric.send_create_offer_failed(ValueError("no codec"))
    fabric.send_ice_connection_failed_event()
    CallStats.send_get_user_media_failed("NotAllowedError", fabric)
    CallStats.send_application_log("a line", fabric)
    fabric.send_terminate_event()

    eventually(lambda: ("Left", "") in said(collector))
    assert said(collector) == [
        ("Joined", ""),
        ("Event", "userDetails"),
        ("Event", "videoPause"),
        ("Event", "dominantSpeaker"),
        ("Event", "ssrcMap"),
        ("Error", "createOffer"),
        ("Error", "iceConnectionFailure"),
        ("Error", "getUserMedia"),
        ("Log", "a line"),
        ("Event", "fabricTerminated"),
        ("Left", ""),
    ]
    joined = collector.of_type(wire.Joined)[0]
    assert (joined.user, joined.conference) == ("alice-1", "standup")
    data = {one.name: data_of(one) for one in collector.of_type(wire.Event)}
    assert data["userDetails"] == {"userName": "Alice"}
    stream = {"ssrc": "7", "userID": "alice-1", "usageLabel": "mic"}
    assert data["ssrcMap"] == {"ssrcData": [{**stream, "associatedVideoTag": "audio-1"}]}
    messages = {one.name: one.message for one in collector.of_type(wire.Error)}
    assert messages == {
        "createOffer": "no codec",
        "iceConnectionFailure": "ICE connection failed",
        "getUserMedia": "NotAllowedError",
    }


def test_the_user_leaves_with_the_last_fabric_of_a_conference(
    session: Session, collector: Collector
) -> None:
    first, second, other = make(session), make(session), make(session, conf_id="other")

    first.send_terminate_event()
    second.send_terminate_event()

    eventually(lambda: collector.of_type(wire.Left))
    assert [one.conference for one in collector.of_type(wire.Left)] == ["standup"]
    joined = [one.conference for one in collector.of_type(wire.Joined)]
    assert (joined, other.is_ended) == (["standup", "other"], False)


def test_what_was_reported_before_the_call_keeps_its_time_within_the_call(
    connect: Connect, collector: Collector
) -> None:
    clock = FakeClock()
    began = clock.now()
    session = Session(clock=clock)
    session.report(*_device_list())
    clock.advance(100)
    session.report(*_device_list())
    clock.advance(5)

    assert session.init_backend(
        backend=lambda: ClientBackend(client=connect(clock=clock), clock=clock)
    )
    make(session)

    eventually(lambda: collector.names().count("activeDeviceList") == 2)
    lists = [one for one in collector.of_type(wire.Event) if one.name == "activeDeviceList"]
    assert [one.at_ms / 1e3 - began for one in lists] == [85, 100]
    session.close(2.0)


def _device_list() -> Any:
    from callstats.sdk.reports_queue import EventData, ReportType

    return ReportType.EVENT, None, EventData("activeDeviceList", {"deviceList": []})


def test_feedback_tells_when_the_collector_has_stored_it(
    session: Session, collector: Collector
) -> None:
    status = session.send_feedback("standup", 4, "fine").result(10)

    feedback = collector.of_type(wire.Feedback)[0]
    assert status.is_success
    assert (feedback.overall, feedback.comment, feedback.conference) == (4, "fine", "standup")
    assert not collector.of_type(wire.Joined), "feedback alone brings nobody into the call"


async def test_feedback_can_be_awaited(session: Session, collector: Collector) -> None:
    status = await session.send_feedback("standup", 5)

    assert status == Status("success", "")
    assert len(collector.of_type(wire.Feedback)) == 1


def test_feedback_without_a_rating_keeps_its_words(session: Session, collector: Collector) -> None:
    assert session.send_feedback("standup", -1, "too loud").result(10).is_success
    assert session.send_feedback("standup", -1).result(10).status == "nothing to send"

    assert [one.overall for one in collector.of_type(wire.Feedback)] == [None]


def test_feedback_that_the_collector_refuses_says_so(
    session: Session, collector: Collector
) -> None:
    collector.batch_answers.append(Answer(refuse={0: "wrong form"}))

    status = session.send_feedback("standup", 5).result(10)

    assert (status.status, status.message) == ("failed", "wrong form")


def test_feedback_that_cannot_be_sent_is_known_when_the_session_closes() -> None:
    session = Session()
    session.init_backend(
        call_stats_id=42,
        call_stats_secret=SECRET,
        alias_name="alice-1",
        backend=lambda: ClientBackend("http://127.0.0.1:9", linger=0.01),
    )
    delivery = session.send_feedback("standup", 5)

    session.close(0.1)

    assert not delivery.result(10).is_success
    eventually(lambda: not courier_threads())


@pytest.mark.parametrize(
    ("credentials", "found"),
    [
        ({"call_stats_secret": SECRET, "alias_name": "a"}, "call_stats_id"),
        ({"call_stats_id": "x", "call_stats_secret": SECRET, "alias_name": "a"}, "call_stats_id"),
        ({"call_stats_id": 42, "alias_name": "a"}, "app_secret"),
        ({"call_stats_id": 42, "call_stats_secret": SECRET}, "user"),
    ],
)
def test_credentials_that_cannot_be_are_refused_at_once(
    credentials: dict[str, Any], found: str, collector: Collector
) -> None:
    session = Session()
    errors: list[Exception] = []
    session.error_handler = errors.append

    assert not session.init_backend(**credentials, url=collector.url)

    assert isinstance(errors[0], BadInput)
    assert found in str(errors[0])
    assert SECRET not in str(errors[0])
    assert session.backend is None


def test_refused_credentials_are_told_as_a_status(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.token_answers.extend([Answer(status=401)] * 5)
    session = Session()
    with caplog.at_level("INFO", logger="callstats"):
        session.init_backend(
            call_stats_id=42,
            call_stats_secret=SECRET,
            alias_name="alice-1",
            backend=lambda: ClientBackend(collector.url, linger=0.01),
        )
        make(session)
        eventually(lambda: "callstats status: authError" in caplog.text)
    session.close(0.1)
    assert SECRET not in caplog.text


async def test_a_real_connection_is_watched_once_however_many_fabrics_share_it(
    session: Session, collector: Collector
) -> None:
    async with aiortc_pair() as (first, second):
        one, other = make(session, pc=first), make(session, pc=first)
        await connect_aiortc(first, second)
        await until(lambda: collector.of_type(wire.Report))
        CallStats.send_mute_event(True, "audio", one)
        one.send_terminate_event()
        other.send_dominant_speaker_event()
        other.send_terminate_event()
        await until(lambda: collector.of_type(wire.Left))

    events = collector.of_type(wire.Event)
    told = [event.name for event in events if event.connection is not None]
    assert [told.count(name) for name in ("watchstart", "watchend", "fabricTerminated")] == [
        1,
        1,
        2,
    ]
    assert told.index("audioMute") < told.index("dominantSpeaker") < told.index("watchend")
    assert {event.connection for event in events} - {None} == {
        report.connection for report in collector.of_type(wire.Report)
    }
    assert {event.remote for event in events if event.connection} == {"bob"}


def test_what_the_class_had_to_drop_is_told_to_the_collector(
    connect: Connect, collector: Collector
) -> None:
    session = Session(max_reports=3)
    for _ in range(5):
        session.report(*_device_list())

    session.init_backend(backend=lambda: ClientBackend(client=connect()))
    make(session)

    eventually(lambda: collector.of_type(wire.Dropped))
    assert collector.of_type(wire.Dropped)[0].counts["queue full"] == 2
    session.close(2.0)


def test_a_client_of_the_application_is_used_and_left_open(
    connect: Connect, collector: Collector
) -> None:
    client = connect()
    session = Session()
    assert session.init_backend(backend=lambda: ClientBackend(client=client))
    make(session).send_dominant_speaker_event()

    session.close()
    client.event("still here", conference="standup")

    eventually(lambda: "still here" in collector.names())
    assert "dominantSpeaker" in collector.names()


def test_reports_of_many_threads_all_arrive_once(session: Session, collector: Collector) -> None:
    fabrics = [make(session, conf_id=f"room-{number}") for number in range(4)]

    def report(fabric: CallStats) -> None:
        for _ in range(100):
            fabric.send_dominant_speaker_event()

    threads = [threading.Thread(target=report, args=(fabric,)) for fabric in fabrics * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    eventually(lambda: collector.names().count("dominantSpeaker") == 800)
    assert not session.dropped
    assert len(session.reports_queue) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_send_what_its_parent_kept() -> None:
    session = Session()
    session.report(*_device_list())

    child = os.fork()
    if child == 0:
        session.report(*_device_list())
        os._exit(len(session.reports_queue))

    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    assert len(session.reports_queue) == 1


def test_a_backend_needs_a_url_or_a_client() -> None:
    with pytest.raises(BadInput, match="url or client"):
        ClientBackend()
    with pytest.raises(BadInput, match="after initialize"):
        _ = ClientBackend("http://127.0.0.1:9").client


def test_a_conference_without_a_name_is_refused(connect: Connect) -> None:
    backend = ClientBackend(client=connect())
    backend.initialize(None, None, UserId("a", None), lambda *_: None)

    status = backend.add_new_fabric(Connection(), "bob", "multiplex", "", lambda *_: None)

    assert status.status == "invalidConference"
