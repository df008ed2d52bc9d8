"""The client takes what it is given, and raises nothing but BadInput, and that only at set-up."""

import asyncio
import datetime as dt
import json
import time
import uuid
from typing import Any

import pytest

import callstats
from callstats.errors import BadInput
from callstats.wire import Error, Event, Feedback, Joined, Left, Log

from .conftest import Connect
from .recording import SECRET, Collector


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "ftp://example.org"}, "url: found scheme 'ftp'"),
        ({"url": "stats.example.org"}, "url: found no scheme"),
        ({"url": "https://"}, "url: found no host"),
        ({"url": "https://example.org:port"}, "url: found no URL"),
        ({"url": "https://me:pass@example.org"}, "url: found credentials"),
        ({"url": None}, "url: found nothing"),
        ({"app_id": "42"}, "app_id: found str"),
        ({"app_id": 0}, "app_id: found int"),
        ({"app_id": True}, "app_id: found bool"),
        ({"app_secret": " "}, "app_secret: found no text"),
        ({"app_secret": None}, "app_secret: found nothing"),
        ({"user": ""}, "user: found text of 0 characters"),
        ({"user": "x" * 513}, "user: found text of 513 characters"),
        ({"device": 7}, "device: found int"),
        ({"device": ""}, "device: found text of 0 characters"),
        ({"interval": 0}, "interval: found 0"),
        ({"interval": float("nan")}, "interval: found nan"),
        ({"interval": "5"}, "interval: found str"),
        ({"max_records": 0}, "max_records: found 0"),
        ({"max_bytes": 10}, "max_bytes: found 10"),
        ({"linger": -1}, "linger: found -1"),
        ({"timeout": 0}, "timeout: found 0"),
    ],
)
def test_impossible_settings_are_refused_with_what_was_found(
    change: dict[str, Any], told: str
) -> None:
    settings = {"url": "https://example.org", "app_id": 42, "app_secret": SECRET, "user": "u"}

    with pytest.raises(BadInput) as caught:
        callstats.Client(**{**settings, **change})

    assert str(caught.value).startswith(told)
    assert "allowed" in str(caught.value)
    assert "pass@" not in str(caught.value)


def test_everything_that_can_be_said_arrives_as_it_was_said(
    collector: Collector, connect: Connect
) -> None:
    with connect(device="laptop") as client:
        client.event("audioMute", conference="standup", data={"track": "mic"})
        client.error("createOffer", ValueError("no codec"), conference="standup")
        client.error("custom", "just text")
        client.log("hello", "debug", conference="standup")
        client.feedback(conference="standup", overall=4, audio=5, comment="fine")
        client.leave("standup")

    joined, event, error, custom, log, feedback, left = (
        record for _, record in sorted(collector.records.items())
    )
    assert isinstance(joined, Joined)
    assert (joined.user, joined.device, joined.conference) == ("alice", "laptop", "standup")
    assert isinstance(event, Event)
    assert (event.name, json.loads(bytes(event.data))) == ("audioMute", {"track": "mic"})
    assert isinstance(error, Error)
    assert (error.name, error.message) == ("createOffer", "no codec")
    assert json.loads(bytes(error.data)) == {"type": "ValueError"}
    assert isinstance(custom, Error)
    assert (custom.message, custom.conference) == ("just text", None)
    assert isinstance(log, Log)
    assert (log.message, log.level) == ("hello", "debug")
    assert isinstance(feedback, Feedback)
    assert (feedback.overall, feedback.audio, feedback.video) == (4, 5, None)
    assert isinstance(left, Left)
    assert joined.at_ms <= event.at_ms <= left.at_ms


def test_joined_is_said_once_before_anything_else_and_again_after_leaving(
    collector: Collector, connect: Connect
) -> None:
    with connect() as client:
        client.join("a")
        client.event("x", conference="a")
        client.leave("a")
        client.leave("a")
        client.event("y", conference="a")

    kinds = [type(record).__name__ for _, record in sorted(collector.records.items())]
    assert kinds == ["Joined", "Event", "Left", "Joined", "Event", "Left"]


def test_feedback_after_leaving_does_not_join_again(collector: Collector, connect: Connect) -> None:
    with connect() as client:
        client.join("a")
        client.leave("a")
        client.feedback(conference="a", overall=1)

    assert collector.kinds() == {"joined": 1, "left": 1, "feedback": 1}


def test_a_moment_can_be_told(collector: Collector, connect: Connect) -> None:
    then = time.time() - 3_600
    with connect() as client:
        client.event("early", conference="a", at=then)
        client.event("impossible", conference="a", at=float("nan"))

    joined = collector.of_type(Joined)[0]
    early, now = collector.of_type(Event)
    assert joined.at_ms == early.at_ms == then * 1e3
    assert now.at_ms > then * 1e3


def test_data_is_read_at_once(collector: Collector, connect: Connect) -> None:
    data = {"devices": ["a"]}
    with connect() as client:
        client.event("x", conference="c", data=data)
        data["devices"].append("b")

    assert bytes(collector.of_type(Event)[0].data) == b'{"devices":["a"]}'


class Odd:
    def __str__(self) -> str:
        return "odd"


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError


def test_data_that_json_does_not_know_is_told_by_its_text(
    collector: Collector, connect: Connect
) -> None:
    moment = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    number = uuid.UUID(int=1)
    with connect() as client:
        client.event("x", conference="c", data=[Odd(), moment, number, float("nan"), b"a", (1,)])

    assert json.loads(bytes(collector.of_type(Event)[0].data)) == [
        "odd",
        "2026-01-02T00:00:00Z",
        str(number),
        None,
        "YQ==",
        [1],
    ]


def test_data_that_cannot_be_told_is_counted_and_the_event_arrives(
    collector: Collector, connect: Connect
) -> None:
    circle: list[object] = []
    circle.append(circle)
    with connect() as client:
        for data in (Hostile(), circle):
            client.event("x", conference="c", data=data)

    assert collector.kinds()["event"] == 2
    assert client.dropped == {"not JSON": 2}


def test_unusable_arguments_are_counted_and_told_but_not_raised(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: Any = None
    with connect() as client:
        client.event(wrong, conference="c")
        client.event("x", conference=wrong)
        client.event("x", conference="")
        client.event("x" * 513, conference="c")
        client.error("", "y")
        client.log("x", conference=["unhashable"])  # type: ignore[arg-type]
        client.feedback(conference="c", overall=0)
        client.feedback(conference="c", overall=True)
        client.feedback(conference=wrong, overall=1)
        client.watch(object(), conference="c")
        client.join(wrong)
        client.leave(wrong)

    assert client.dropped == {"unusable argument": 11}
    assert "no text of 1 to 512 characters" in caplog.text


def test_a_long_message_becomes_several(collector: Collector, connect: Connect) -> None:
    text = "".join(chr(97 + index % 26) for index in range(150_000))
    with connect() as client:
        client.log(text)
        client.log("")

    assert "".join(log.message for log in collector.of_type(Log)) == text
    assert len(collector.of_type(Log)) == 4


def test_an_own_defect_is_logged_without_payload_and_not_raised(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect()

    def fail(*_: object) -> None:
        raise KeyError("payload")

    with monkeypatch.context() as patch:
        patch.setattr(client._participant, "enter", fail)
        client.event("x", conference="c", data="payload")

    assert "callstats failed in Client.event with KeyError" in caplog.text
    assert "payload" not in caplog.text
    caplog.clear()


@pytest.mark.anyio
async def test_asyncio_goes_on_while_the_rest_is_sent(
    collector: Collector, connect: Connect
) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(tick())
    async with connect(linger=60) as client:
        client.event("x", conference="c")
        before = ticks
    assert ticks > before + 1
    task.cancel()

    assert collector.kinds() == {"joined": 1, "event": 1, "left": 1}


def test_what_was_not_closed_is_sent_when_the_interpreter_ends(collector: Collector) -> None:
    import subprocess
    import sys

    code = f"""
import callstats
client = callstats.Client({collector.url!r}, app_id=42, app_secret={SECRET!r}, user="u", linger=60)
client.event("x", conference="c")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)

    assert done.stderr == b""
    assert collector.names() == ["", "x"]


def test_importing_the_package_imports_neither_client_nor_server() -> None:
    import subprocess
    import sys

    code = """
import sys, callstats
assert callstats.__version__
assert "Client" in dir(callstats) and "open" in dir(callstats)
heavy = {"callstats.sdk", "callstats.calls", "urllib3", "msgspec", "asyncio"} & set(sys.modules)
assert not heavy, heavy
callstats.Client
heavy = {"callstats.calls", "callstats.store", "aiortc", "webrtc", "numpy"} & set(sys.modules)
assert not heavy, heavy
try:
    callstats.nothing
except AttributeError as error:
    assert "nothing" in str(error)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
