from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.store import Rows, Store, tables
from callstats.store.rows import make_block, split_by_partition
from tests.store.made import NOW, event, row

DAY = 86_400.0


def test_a_moment_is_seconds_or_a_datetime(store: Store, app_id: int) -> None:
    noon = datetime(2027, 1, 15, 12, 0, 0, 123_000, UTC)
    berlin = noon.astimezone(timezone(timedelta(hours=1)))
    moments = {1: noon, 2: noon.timestamp(), 3: berlin}

    store.append("events", [event(app_id, seq, at=at) for seq, at in moments.items()])
    kept = store.query_sql("SELECT at FROM events", app_id=app_id).column("at").to_pylist()

    assert kept == [noon] * 3


def test_text_may_be_bytes(store: Store, app_id: int) -> None:
    store.append("events", [event(app_id, 1, data='{"mood":"☃"}'.encode())])

    kept = store.query_sql("SELECT data FROM events", app_id=app_id)

    assert kept.column("data").to_pylist() == ['{"mood":"☃"}']


@pytest.mark.parametrize("value", [2**63, -(2**70), "many"])
def test_what_a_column_cannot_hold_is_unknown(value: Any) -> None:
    block = make_block(
        tables.SAMPLES, [row("samples", packets_lost=value), row("samples", packets_lost=3)]
    )

    assert block.column("packets_lost").to_pylist() == [None, 3]


def test_what_must_be_known_is_not_made_up() -> None:
    with pytest.raises((OverflowError, ValueError)):
        make_block(tables.EVENTS, [event(1, 2**70)])


def test_a_block_lies_in_one_partition() -> None:
    midnight = NOW // DAY * DAY
    rows = [event(1, seq, at=midnight + seq - 3) for seq in range(6)]

    parts = {name: len(run) for name, run in split_by_partition(tables.EVENTS, rows)}

    assert sorted(parts.values()) == [3, 3]


@given(st.lists(st.floats(min_value=0, max_value=4e9), min_size=1))
def test_splitting_loses_nothing(moments: list[float]) -> None:
    rows = [event(1, seq, at=at) for seq, at in enumerate(moments)]

    runs = [run for _, run in split_by_partition(tables.EVENTS, rows)]

    assert sorted(each for run in runs for each in run) == sorted(rows)
    for run in runs:
        assert len({round(each[2] * 1000) // 86_400_000 for each in run}) == 1


def test_a_table_without_partitions_is_not_split() -> None:
    rows = [row("clients", at=NOW), row("clients", at=NOW + 3 * DAY)]

    assert [run for _, run in split_by_partition(tables.CLIENTS, rows)] == [rows]


def test_rows_know_how_much_memory_they_take() -> None:
    small, large = Rows(), Rows()
    small.add("reports", row("reports", payload=b"[]"))
    large.add("reports", row("reports", payload=b"x" * 100_000))

    assert large.size - small.size == 100_000 - 2
    assert small.size > 100
    small.extend(large)
    assert (small.count, small.size) == (2, 2 * (large.size - 100_000) + 100_002)
