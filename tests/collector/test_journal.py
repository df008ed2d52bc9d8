"""The journal knows up to which record a client is stored, and whose turn it is."""

import asyncio

import pytest

from callstats.collector.journal import Journal

pytestmark = pytest.mark.anyio


class Asked:
    """Answers as the store would, and counts."""

    def __init__(self, highest: int = 0) -> None:
        self.clients: list[str] = []
        self._highest = highest

    async def __call__(self, _: int, client: str) -> int:
        self.clients.append(client)
        return self._highest


async def highest(journal: Journal, client: str) -> int:
    async with journal.turn(1, client) as entry:
        await journal.look_up(1, client, entry)
        return entry.highest


async def test_the_store_is_asked_once_for_each_client() -> None:
    asked = Asked(7)
    journal = Journal(asked)

    assert [await highest(journal, "a") for _ in range(3)] == [7, 7, 7]
    assert asked.clients == ["a"]


async def test_batches_of_one_client_wait_for_each_other_and_others_do_not() -> None:
    journal = Journal(Asked())
    order: list[str] = []
    may_end = asyncio.Event()

    async def first() -> None:
        async with journal.turn(1, "a"):
            order.append("first begins")
            await may_end.wait()
            order.append("first ends")

    async def second() -> None:
        async with journal.turn(1, "a"):
            order.append("second")

    async with asyncio.TaskGroup() as group:
        group.create_task(first())
        group.create_task(second())
        await highest(journal, "b")
        may_end.set()

    assert order == ["first begins", "first ends", "second"]


async def test_memory_is_bounded_and_whose_turn_it_is_stays() -> None:
    asked = Asked()
    journal = Journal(asked, capacity=2)
    async with journal.turn(1, "busy") as entry:
        entry.highest, entry.is_asked = 5, True
        for client in ("a", "b", "c", "a"):
            await highest(journal, client)

    assert await highest(journal, "busy") == 5
    assert asked.clients.count("a") == 2
