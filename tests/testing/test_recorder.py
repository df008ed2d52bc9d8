"""A test asks the recorder what was reported, and is told the truth."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

import callstats
from callstats.testing import Answer, Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def test_what_a_client_reports_can_be_asked_for(recorder: Recorder) -> None:
    client = recorder.client("bot")
    client.event("audioMute", conference="standup", data={"muted": True})
    client.error("getUserMedia", ValueError("no device"), conference="standup")
    client.leave("standup")

    left = recorder.wait_for("left")

    assert (left.user, left.conference, left.name) == ("bot", "standup", "")
    assert [each.data for each in recorder.events("audioMute")] == [{"muted": True}]
    assert [each.name for each in recorder.errors()] == ["getUserMedia"]
    assert [each.type for each in recorder.told()] == ["joined", "event", "error", "left"]
    assert recorder.events("audioUnmute") == []


def test_users_and_conferences_are_told_apart(recorder: Recorder) -> None:
    for user in ("alice", "bob"):
        recorder.client(user).event("audioMute", conference=f"room of {user}")

    told = recorder.wait_for("audioMute", user="bob")

    assert told.conference == "room of bob"
    assert recorder.events(user="bob") == [told]
    assert recorder.events(conference="room of bob") == [told]
    assert recorder.told(user="nobody") == []


def test_what_comes_later_is_waited_for(recorder: Recorder) -> None:
    client = recorder.client()
    threading.Timer(0.1, client.event, ["late"], {"conference": "c"}).start()

    assert recorder.wait_for("late").name == "late"
    client.event("late", conference="c", data=2)
    assert recorder.wait_for("late", times=2).data == 2


def test_what_does_not_come_fails_the_test_and_says_what_came(recorder: Recorder) -> None:
    client = recorder.client()
    client.event("audioMute", conference="c")
    client.event("audioMute", conference="c")
    recorder.wait_for("audioMute", times=2)

    with pytest.raises(AssertionError) as failure:
        recorder.wait_for("left", timeout=0.05)

    assert str(failure.value) == (
        "'left' was reported 0 of 1 times within 0.05 s; reported were: joined (1), audioMute (2)"
    )


@pytest.mark.anyio
async def test_the_event_loop_goes_on_while_something_is_awaited(recorder: Recorder) -> None:
    client = recorder.client()
    asyncio.get_running_loop().call_later(0.05, client.join, "c")

    assert (await recorder.eventually("joined")).conference == "c"


def test_an_application_may_bring_its_own_client(recorder: Recorder) -> None:
    with callstats.Client(**recorder.settings, user="bot") as client:
        client.join("c")

    assert recorder.wait_for("left").user == "bot"
    assert recorder.environment == {
        "CALLSTATS_URL": recorder.collector.url,
        "CALLSTATS_APP_ID": "42",
        "CALLSTATS_APP_SECRET": recorder.settings["app_secret"],
    }


def test_the_collector_can_be_told_to_be_away(recorder: Recorder) -> None:
    recorder.collector.batch_answers.append(Answer(status=503, headers={"Retry-After": "0"}))
    recorder.client().join("c")

    assert recorder.wait_for("joined")


def test_clients_end_with_the_recorder() -> None:
    with Recorder() as recorder:
        client = recorder.client()
        client.join("c")

    assert [each.type for each in recorder.told()] == ["joined", "left"]
    assert not [each for each in threading.enumerate() if "callstats" in each.name]
