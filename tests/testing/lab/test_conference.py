import asyncio
import sys
from typing import Any

import pytest

from callstats.errors import BadInput, Unavailable
from callstats.testing import lab

pytestmark = pytest.mark.anyio
engines = pytest.mark.parametrize("engine", lab.ENGINES)


async def total(pc: Any, kind: str, member: str) -> int:
    """Add up one member of a connection's stats of one type, whichever the library."""
    report = await (pc.get_stats() if hasattr(pc, "get_stats") else pc.getStats())
    chosen = [each for each in report.values() if str(each.type) == kind]
    return sum(getattr(each, member, None) or 0 for each in chosen)


async def until_total(pc: Any, member: str, least: int) -> None:
    """Wait until the inbound streams' counter has reached a number."""
    async with asyncio.timeout(30):
        while await total(pc, "inbound-rtp", member) < least:  # noqa: ASYNC110 - counters are polled
            await asyncio.sleep(0.2)


@engines
async def test_everyone_is_connected_to_everyone_and_nothing_is_left_behind(engine: str) -> None:
    before = asyncio.all_tasks()
    seen: list[tuple[str, str]] = []
    async with lab.Conference(
        ["alice", "bob", "carol"],
        engine=engine,
        observer=lambda user, remote, _: seen.append((user, remote)),
    ) as conference:
        pairs = [
            (participant.name, remote)
            for participant in conference.participants.values()
            for remote in participant.connections
        ]
        assert sorted(seen) == sorted(pairs)
        assert len(set(pairs)) == 6
        for participant in conference.participants.values():
            for pc in participant.connections.values():
                await until_total(pc, "packetsReceived", 20)
    assert asyncio.all_tasks() == before


@engines
async def test_loss_shows_at_the_impaired_participant_and_nowhere_else(engine: str) -> None:
    bob = lab.Access(downlink=lab.Impairment(loss=0.2))
    async with lab.Conference(["alice", "bob"], engine=engine, access={"bob": bob}) as conference:
        alices = conference.participants["alice"].connections["bob"]
        bobs = conference.participants["bob"].connections["alice"]
        await until_total(bobs, "packetsLost", 10)
        assert await total(alices, "inbound-rtp", "packetsLost") == 0
        assert conference.network.lines["bob"].downlink.lost >= 10
        assert conference.network.lines["bob"].uplink.lost == 0


async def test_every_byte_of_the_impaired_participant_passes_the_relay() -> None:
    async with lab.Conference(["alice", "bob"], access={"bob": lab.Access()}) as conference:
        bobs = conference.participants["bob"].connections["alice"]
        await until_total(bobs, "packetsReceived", 100)
        sent = await total(bobs, "transport", "bytesSent")
        received = await total(bobs, "transport", "bytesReceived")
        (relay,) = conference.network.relays["alice", "bob"]
        await conference.run(0.2)
        assert relay.bytes_from_near >= sent > 0
        assert relay.bytes_from_far >= received > 0


@engines
async def test_a_severed_line_is_silent(engine: str) -> None:
    dead = lab.Impairment(loss=1.0)
    bob = lab.Access(steps=[lab.Step(at=0, downlink=dead, uplink=dead)])
    async with lab.Conference(["alice", "bob"], engine=engine, access={"bob": bob}) as conference:
        line = conference.network.lines["bob"]
        await conference.run(0.5)
        passed = line.downlink.passed, line.uplink.passed
        await conference.run(0.5)
        assert (line.downlink.passed, line.uplink.passed) == passed
        assert line.downlink.lost > 0


async def test_progress_is_told_while_they_talk() -> None:
    told: list[float] = []
    async with lab.Conference(["alice", "bob"]) as conference:
        await conference.run(0.3, progress=told.append)
    assert told[0] < 0.1
    assert told == sorted(told)


async def test_peers_that_cannot_connect_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callstats.testing.lab.conference.CONNECT_SECONDS", 0.5)
    dead = lab.Access(downlink=lab.Impairment(loss=1.0))
    before = asyncio.all_tasks()
    with pytest.raises(Unavailable, match=r"alice and bob did not connect within 0\.5 s"):
        async with lab.Conference(["alice", "bob"], access={"bob": dead}):
            pytest.fail("they connected")
    assert asyncio.all_tasks() == before


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(BadInput, match="engine: found carrier pigeon, allowed wrtc or aiortc"):
        lab.Conference(["alice", "bob"], engine="carrier pigeon")


@pytest.mark.parametrize(("engine", "library"), [("wrtc", "webrtc"), ("aiortc", "aiortc")])
def test_a_missing_library_is_named_with_its_extra(
    engine: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"callstats.testing.lab.{engine}", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unavailable) as missing:
        lab.Conference(["alice", "bob"], engine=engine)
    assert str(missing.value) == (
        f"the engine {engine} needs {library}: pip install 'callstats[{engine}]'"
    )


def test_a_stranger_cannot_be_impaired() -> None:
    with pytest.raises(BadInput, match="found mallory, allowed alice or bob"):
        lab.Conference(["alice", "bob"], access={"mallory": lab.Access()})


@pytest.mark.parametrize("participants", [[], ["alice"], ["alice", "alice"]])
def test_a_conference_needs_two_with_different_names(participants: list[str]) -> None:
    with pytest.raises(BadInput, match="two or more, named differently"):
        lab.Conference(participants)


@pytest.mark.parametrize("count", [1, 11])
def test_there_are_names_for_two_to_ten(count: int) -> None:
    assert lab.names(3) == ["alice", "bob", "carol"]
    with pytest.raises(BadInput, match="allowed 2 to 10"):
        lab.names(count)
