"""How does a real conference get reported? Every participant has a client, as an application has.

Nothing reaches the server but what the SDK saw on real peer connections.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from callstats import sdk
from callstats.cli.api import AppGiven
from callstats.testing import lab

CONFERENCE = "demo"
INTERVAL = 1.0
"""Seconds between two reports: many enough to see something within a short demo."""
CLOSE_SECONDS = 20.0
"""Too short leaves reports behind on a busy machine."""


class Plan(Struct, frozen=True, kw_only=True):
    """What kind of conference to hold; seconds and names."""

    participants: Sequence[str]
    seconds: float
    engine: str
    access: Mapping[str, lab.Access] = {}
    conference: str = CONFERENCE
    interval: float = INTERVAL
    seed: int = 1


class Reported(Struct, frozen=True, kw_only=True):
    """What one participant's client says it brought home."""

    user: str
    call: str | None
    """The id of the call, None where the server never told."""
    stored: Mapping[str, int]
    """Records that the server acknowledged, by type."""
    dropped: Mapping[str, int]
    pending: int


def clients(plan: Plan, *, url: str, app: AppGiven) -> dict[str, sdk.Client]:
    """Return a client for each participant; ``hold`` closes them."""
    return {user: _client(user, plan, url, app) for user in plan.participants}


async def hold(
    plan: Plan,
    reporting: Mapping[str, sdk.Client],
    *,
    progress: Callable[[float], object] | None = None,
) -> list[Reported]:
    """Hold the conference, let the clients report it, and return what they brought home."""
    async with AsyncExitStack() as closing:
        for client in reporting.values():
            closing.push_async_callback(asyncio.to_thread, client.close, CLOSE_SECONDS)
        async with lab.Conference(
            plan.participants,
            engine=plan.engine,
            access=plan.access,
            seed=plan.seed,
            observer=lambda user, remote, pc: reporting[user].watch(
                pc, conference=plan.conference, remote=remote
            ),
        ) as conference:
            await conference.run(plan.seconds, progress=progress)
            for client in reporting.values():
                client.leave(plan.conference)
    return [_reported(client, plan.conference) for client in reporting.values()]


def _client(user: str, plan: Plan, url: str, app: AppGiven) -> sdk.Client:
    return sdk.Client(
        url, app_id=app.app_id, app_secret=app.app_secret, user=user, interval=plan.interval
    )


def _reported(client: sdk.Client, conference: str) -> Reported:
    return Reported(
        user=client.user,
        call=client.calls.get(conference),
        stored=client.sent,
        dropped=client.dropped,
        pending=client.pending,
    )
