import asyncio
import os
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from callstats import store as stores
from callstats.clock import SystemClock
from callstats.store import Engine, Rows, Store, Unavailable, Writer
from tests.store.made import event, row, vouched
from tests.store.waiting import until

pytestmark = pytest.mark.anyio


@pytest.fixture
async def writer(store: Store) -> AsyncIterator[Writer]:
    async with Writer(store, clock=SystemClock()) as running:
        yield running


def stored(store: Store, app_id: int) -> list[int]:
    answer = store.query_sql("SELECT DISTINCT seq FROM events ORDER BY seq", app_id=app_id)
    seqs: list[int] = answer.column("seq").to_pylist()
    return seqs


def acknowledged(store: Store, app_id: int, client: str = "client-1") -> int:
    (answer,) = store.rows("highest_seq", app_id=app_id, client=client)
    highest: int = answer["highest_seq"]
    return highest


async def test_what_was_written_can_be_asked_at_once(
    writer: Writer, store: Store, app_id: int
) -> None:
    await writer.write(vouched(app_id, 1))

    assert stored(store, app_id) == [1]
    assert acknowledged(store, app_id) == 1


async def test_writes_at_the_same_time_become_few_commits(store: Store, app_id: int) -> None:
    counted = Counting(store)
    async with Writer(counted, clock=SystemClock(), linger=0.2) as writer:
        await asyncio.gather(*(writer.write(vouched(app_id, seq)) for seq in range(1, 501)))

    assert stored(store, app_id) == list(range(1, 501))
    assert counted.inserts["events"] <= 3


async def test_commits_keep_their_distance(store: Store, app_id: int) -> None:
    counted = Counting(store)
    async with Writer(counted, clock=SystemClock(), linger=0.001, spacing=3600) as writer:
        await writer.write(vouched(app_id, 1))
        waiting = [asyncio.create_task(writer.write(vouched(app_id, seq))) for seq in (2, 3)]
        for _ in range(100):
            await asyncio.sleep(0)

        assert counted.inserts["events"] == 1
    await asyncio.gather(*waiting)

    assert counted.inserts["events"] == 2


async def test_many_rows_do_not_wait(store: Store, app_id: int) -> None:
    async with Writer(store, clock=SystemClock(), linger=3600, max_rows=20) as writer:
        await asyncio.gather(*(writer.write(vouched(app_id, seq)) for seq in range(1, 11)))

    assert stored(store, app_id) == list(range(1, 11))


async def test_the_journal_is_written_last(store: Store, app_id: int) -> None:
    counted = Counting(store)
    async with Writer(counted, clock=SystemClock()) as writer:
        rows = vouched(app_id, 1)
        rows.add("reports", row("reports", app_id=app_id))
        await writer.write(rows)

    assert set(counted.order[:2]) == {"events", "reports"}
    assert counted.order[2:] == ["clients"]


async def test_rows_of_two_days_are_two_inserts(store: Store, app_id: int) -> None:
    counted = Counting(store)
    rows = Rows()
    for seq, at in enumerate((1_800_057_599.9, 1_800_057_600.1), start=1):
        rows.add("events", event(app_id, seq, at=at))
    async with Writer(counted, clock=SystemClock()) as writer:
        await writer.write(rows)

    assert counted.order == ["events", "events"]
    assert stored(store, app_id) == [1, 2]


async def test_nothing_to_write_is_written_at_once(writer: Writer) -> None:
    await writer.write(Rows())


async def test_a_full_queue_says_when_to_come_again(store: Store, app_id: int) -> None:
    async with Writer(store, clock=SystemClock(), max_bytes=1000) as writer:
        large = vouched(app_id, 1, data="x" * 2000)

        with pytest.raises(Unavailable, match="full") as caught:
            await writer.write(large)

        assert caught.value.retry_after
        assert writer.queued_bytes == 0
        await writer.write(vouched(app_id, 2))
    assert stored(store, app_id) == [2]


async def test_stopping_commits_what_was_taken(store: Store, app_id: int) -> None:
    writer = Writer(store, clock=SystemClock(), linger=60)
    await writer.start()
    writes = [asyncio.create_task(writer.write(vouched(app_id, seq))) for seq in (1, 2)]
    await asyncio.sleep(0)

    await writer.stop()
    await asyncio.gather(*writes)

    assert stored(store, app_id) == [1, 2]
    with pytest.raises(Unavailable, match="not running"):
        await writer.write(vouched(app_id, 3))


async def test_a_hiccup_is_bridged_and_counted_once(store: Store, app_id: int) -> None:
    answers_lost = Faulty(store, failures=2)
    async with Writer(answers_lost, clock=SystemClock()) as writer:
        await writer.write(vouched(app_id, 1))

    every = store.query_sql("SELECT count() AS rows FROM events", app_id=app_id)
    assert every.column("rows").to_pylist() == [1]


async def test_a_store_that_stays_away_fails_who_waits(
    store: Store, app_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callstats.store.writer.PATIENCE", 0.1)
    async with Writer(Faulty(store, failures=10**6), clock=SystemClock()) as writer:
        results = await asyncio.gather(
            *(writer.write(vouched(app_id, seq)) for seq in (1, 2)), return_exceptions=True
        )

    assert [type(result) for result in results] == [Unavailable, Unavailable]
    assert acknowledged(store, app_id) == 0


async def test_wrong_rows_fail_only_who_brought_them(store: Store, app_id: int) -> None:
    wrong = Rows()
    wrong.add("events", event(app_id, 2**70))
    async with Writer(store, clock=SystemClock()) as writer:
        good, bad = await asyncio.gather(
            writer.write(vouched(app_id, 1)), writer.write(wrong), return_exceptions=True
        )

    assert good is None
    assert isinstance(bad, OverflowError)
    assert stored(store, app_id) == [1]


async def test_who_gives_up_waiting_harms_nobody(writer: Writer, store: Store, app_id: int) -> None:
    impatient = asyncio.create_task(writer.write(vouched(app_id, 1)))
    patient = asyncio.create_task(writer.write(vouched(app_id, 2)))
    await asyncio.sleep(0)

    impatient.cancel()
    await patient

    assert stored(store, app_id) == [1, 2]


async def test_an_engine_killed_in_the_middle_loses_nothing_acknowledged(
    tmp_path: Path, app_id: int
) -> None:
    with Engine(tmp_path / "data") as engine, stores.of_engine(engine) as store:
        async with Writer(store, clock=SystemClock(), spacing=0) as writer:
            done = {
                client: asyncio.create_task(_send(writer, app_id, client))
                for client in ("client-1", "client-2", "client-3")
            }
            for seq in (10, 25, 40):
                reached = partial(_has_reached, store, app_id, seq)
                await asyncio.to_thread(until, reached)
                os.kill(engine.address.pid, signal.SIGKILL)
            told = {client: await task for client, task in done.items()}

        for client, highest in told.items():
            kept = store.query_sql(
                f"SELECT DISTINCT seq FROM events WHERE client = '{client}' AND seq <= {highest}"
            )
            assert kept.num_rows == highest
            assert acknowledged(store, app_id, client) >= highest


def _has_reached(store: Store, app_id: int, seq: int) -> bool:
    try:
        return acknowledged(store, app_id) >= seq
    except Unavailable:
        return False


async def _send(writer: Writer, app_id: int, client: str) -> int:
    """Send records one after the other, repeating what was refused; return the last one."""
    for seq in range(1, 61):
        while True:
            try:
                await writer.write(vouched(app_id, seq, client=client))
                break
            except Unavailable:
                await asyncio.sleep(0.05)
    return 60


class Counting(Store):
    """A store that notes what is inserted."""

    def __init__(self, real: Store) -> None:
        super().__init__(real._locate)
        self.real = real
        self.order: list[str] = []

    @property
    def inserts(self) -> dict[str, int]:
        return {table: self.order.count(table) for table in self.order}

    def insert(self, table: str, block: Any, *, token: str) -> None:
        self.real.insert(table, block, token=token)
        self.order.append(table)


class Faulty(Store):
    """A store whose first answers get lost after the work is done."""

    def __init__(self, real: Store, *, failures: int) -> None:
        super().__init__(real._locate)
        self.real = real
        self.failures = failures

    def insert(self, table: str, block: Any, *, token: str) -> None:
        if table == "events":
            self.real.insert(table, block, token=token)
        if self.failures:
            self.failures -= 1
            raise Unavailable("the answer got lost", retry_after=1.0)
        if table != "events":
            self.real.insert(table, block, token=token)
