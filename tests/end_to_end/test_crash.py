"""Does what was acknowledged survive the death of the server?"""

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import callstats
from callstats import calls
from callstats.cli.announcement import Server
from callstats.cli.child import ServerProcess
from callstats.cli.rehearsal import Plan, clients, hold
from callstats.testing import lab
from callstats.testing.lab.peer import until

pytestmark = pytest.mark.anyio

PLAN = Plan(participants=lab.names(2), seconds=9, engine="wrtc", interval=0.5)
Counts = dict[str, tuple[int, int]]
"""By user: reports, and events with errors."""


def in_the_call(server: Server, call_id: str) -> Counts:
    with calls.open(server.url, token=server.token) as source:
        call = source.call(call_id)
    return {each.user: (each.reports, sum(each.events.values())) for each in call.participants}


def acknowledged(reporting: Iterable[callstats.Client]) -> Counts:
    """Return what the server told the clients to be stored."""
    sent = {client.user: client.sent for client in reporting}
    return {
        user: (of.get("report", 0), of.get("event", 0) + of.get("error", 0))
        for user, of in sent.items()
    }


async def test_a_killed_server_loses_nothing_it_acknowledged_and_the_rest_arrives(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    with ServerProcess(folder, port=0) as first:
        port = urlsplit(first.server.url).port or 0
        app = first.server.api.create_app("crash")
        reporting = clients(PLAN, url=first.server.url, app=app)
        talking = asyncio.create_task(hold(PLAN, reporting))
        await until(
            lambda: all(client.sent.get("report", 0) >= 3 for client in reporting.values()),
            what="nothing was acknowledged",
            seconds=60,
        )
        os.kill(first.server.pid or 0, signal.SIGKILL)
        await asyncio.to_thread(first.wait)
        before = acknowledged(reporting.values())
        (call_id,) = {client.calls[PLAN.conference] for client in reporting.values()}
    with ExitStack() as running:
        again = ServerProcess(folder, port=port)
        second = (await asyncio.to_thread(running.enter_context, again)).server
        after = await asyncio.to_thread(in_the_call, second, call_id)
        assert all(after[user] >= before[user] for user in before)
        reported = await talking
        assert [(each.pending, dict(each.dropped)) for each in reported] == [(0, {}), (0, {})]
        assert {each.call for each in reported} == {call_id}
        final = await asyncio.to_thread(in_the_call, second, call_id)
        assert final == acknowledged(reporting.values())
        assert all(final[user] > before[user] for user in before)
        with calls.open(second.url, token=second.token) as source:
            assert [each.id for each in source.listing()] == [call_id]
