"""What did the application report? A collector for tests, and the questions a test asks it.

    with Recorder() as recorder:
        run_my_bot(recorder.client(user="bot"))
        recorder.wait_for("left")
        assert recorder.events("audioMute")

Nothing is replaced: a real client reports to it, over HTTP on loopback.
"""

import asyncio
import json
import time
from collections import Counter
from types import TracebackType
from typing import Any, NamedTuple, Self

import callstats.sdk
from callstats.testing.recording_collector import APP_ID, SECRET, RecordingCollector
from callstats.wire import AnyRecord

WAIT = 10.0
"""Seconds to wait unless told otherwise. Reporting takes a fraction of one; a busy machine takes
its time."""
CLOSE = 5.0


class Told(NamedTuple):
    """One thing that was reported."""

    type: str
    """``joined``, ``left``, ``event``, ``error``, ``log``, ``feedback``, ``report``, ``dropped``"""
    name: str
    """Of an event or an error; empty otherwise."""
    user: str
    conference: str | None
    at: float
    """Seconds since 1970, by the application's clock."""
    data: Any
    """What came with an event or an error; the stats objects of a report; None otherwise."""
    record: AnyRecord
    """The record as it is on the wire, with everything else."""


class Recorder:
    """A collector on loopback that keeps what it is told, in the order in which it came."""

    def __init__(self) -> None:
        self.collector = RecordingCollector()
        """What it is made of; tell it here to refuse, to be slow or to lose answers."""
        self._clients: list[callstats.sdk.Client] = []

    def __enter__(self) -> Self:
        self.collector.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close(CLOSE)
        self.collector.stop()

    # What an application needs

    @property
    def settings(self) -> dict[str, Any]:
        """Return what a ``Client`` needs to report here: ``Client(**settings, user=…)``."""
        return {"url": self.collector.url, "app_id": APP_ID, "app_secret": SECRET}

    @property
    def environment(self) -> dict[str, str]:
        """Return the same as variables, for an application that reads them."""
        return {f"CALLSTATS_{name.upper()}": str(value) for name, value in self.settings.items()}

    def client(self, user: str = "tester", **options: Any) -> callstats.sdk.Client:
        """Return a client that reports here; it is closed with the recorder at the latest."""
        client = callstats.sdk.Client(**{"linger": 0.01, **self.settings, "user": user, **options})
        self._clients.append(client)
        return client

    # What a test asks

    def told(
        self, what: str | None = None, *, user: str | None = None, conference: str | None = None
    ) -> list[Told]:
        """Return what was reported: everything, or the records of a type or a name."""
        with self.collector.changed:
            told = [_told(record) for record in self.collector.records.values()]
        return [
            each
            for each in told
            if (what is None or what in (each.type, each.name))
            and (user is None or each.user == user)
            and (conference is None or each.conference == conference)
        ]

    def events(
        self, name: str | None = None, *, user: str | None = None, conference: str | None = None
    ) -> list[Told]:
        """Return the events, or those of one name."""
        told = self.told(name, user=user, conference=conference)
        return [each for each in told if each.type == "event"]

    def errors(
        self, name: str | None = None, *, user: str | None = None, conference: str | None = None
    ) -> list[Told]:
        """Return the errors, or those of one name."""
        told = self.told(name, user=user, conference=conference)
        return [each for each in told if each.type == "error"]

    def wait_for(
        self,
        what: str,
        *,
        times: int = 1,
        timeout: float = WAIT,
        user: str | None = None,
        conference: str | None = None,
    ) -> Told:
        """Wait until something was reported so many times; returns the last of these.

        Fails the test if it does not come, and says what came instead. It blocks: in a test that
        runs in the event loop of what it tests, await ``eventually``.
        """
        ends_at = time.monotonic() + timeout
        with self.collector.changed:
            while True:
                found = self.told(what, user=user, conference=conference)
                if len(found) >= times:
                    return found[times - 1]
                if not self.collector.changed.wait(ends_at - time.monotonic()):
                    raise AssertionError(self._say_missing(what, times, len(found), timeout))

    async def eventually(
        self,
        what: str,
        *,
        times: int = 1,
        timeout: float = WAIT,  # noqa: ASYNC109 - waited for in a thread
        user: str | None = None,
        conference: str | None = None,
    ) -> Told:
        """Wait as ``wait_for`` does, while the event loop goes on."""
        return await asyncio.to_thread(
            self.wait_for, what, times=times, timeout=timeout, user=user, conference=conference
        )

    def _say_missing(self, what: str, times: int, found: int, timeout: float) -> str:
        counts = Counter(each.name or each.type for each in self.told())
        told = ", ".join(f"{name} ({number})" for name, number in counts.items())
        return (
            f"{what!r} was reported {found} of {times} times within {timeout:g} s; "
            f"reported were: {told or 'nothing'}"
        )


def _told(record: AnyRecord) -> Told:
    content = bytes(getattr(record, "data", b"") or getattr(record, "stats", b""))
    return Told(
        type=str(record.__struct_config__.tag),
        name=str(getattr(record, "name", "")),
        user=record.user,
        conference=record.conference,
        at=record.at_ms / 1e3,
        data=json.loads(content) if content else None,
        record=record,
    )
