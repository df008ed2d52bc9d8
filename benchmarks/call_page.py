"""How long does the data of a call's page take, with ten calls of ten people and an hour stored?

Goal: under 300 ms for what the page of an ended call shows first (the call as concluded, its
timeline, the series of one participant). Every figure is the median of several runs, and stands
beside a plain ``SELECT count()`` over the same call's samples, measured in the same run.

Run: python benchmarks/call_page.py [--calls 10] [--people 10] [--minutes 60]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.calls.generate import START, Call, Way, write

from callstats import calls
from callstats import store as stores
from callstats.store import Rows, Store, tables

APP = 123_456_789
GOAL = 0.300
RUNS = 7


def main() -> None:
    """Store the calls, ask for their page, print what it took."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder, stores.open(folder) as store:
        ids = [f"{number:026d}" for number in range(asked.calls)]
        rows = _store(store, ids, people=asked.people, minutes=asked.minutes)
        now = datetime.fromtimestamp(START + asked.minutes * 60 + 120, UTC)
        _measure(store, ids[-1], now=now, rows=rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--minutes", type=int, default=60)
    return parser.parse_args()


def _store(store: Store, ids: list[str], *, people: int, minutes: int) -> int:
    """Store the same call under every id, each concluded; return the samples of one."""
    began = time.perf_counter()
    names = [f"user{number}" for number in range(people)]
    made = Call(
        people=names, seconds=minutes * 60, is_mesh=False, ways=_ways, app_id=APP, id=ids[0]
    ).rows()
    samples = len(made.by_table["samples"])
    print(f"one call: {samples} samples, made in {time.perf_counter() - began:.1f} s")
    blocks = {name: _block(name, made) for name in made.by_table}
    for call_id in ids:
        for name, block in blocks.items():
            store.insert(name, _renamed(block, call_id), token=f"{name} {call_id}")
        _conclude(store, call_id, minutes=minutes)
    print(f"{len(ids)} calls stored and concluded in {time.perf_counter() - began:.1f} s")
    return samples


def _ways(_sender: str, receiver: str, second: float) -> Way:
    """Lose packets towards one of them for ten minutes, so that there is something to say."""
    is_bad = receiver == "user3" and 600 <= second < 1200
    return Way(loss=0.06 if is_bad else 0.001, frozen=0.12 if is_bad else 0.0)


def _block(name: str, made: Rows) -> pa.Table:
    table = tables.BY_NAME[name]
    columns = zip(*made.by_table[name], strict=True)
    arrays = [_array(c.arrow, values) for c, values in zip(table.columns, columns, strict=True)]
    return pa.Table.from_arrays(arrays, names=table.names)


def _array(kind: pa.DataType, values: tuple[Any, ...]) -> pa.Array:
    if pa.types.is_timestamp(kind):
        return pa.array([round(value * 1000) for value in values], pa.int64()).cast(kind)
    return pa.array(values, kind)


def _renamed(block: pa.Table, call_id: str) -> pa.Table:
    if "call" not in block.column_names:
        return block
    place = block.column_names.index("call")
    return block.set_column(place, "call", pa.array([call_id] * len(block), pa.string()))


def _conclude(store: Store, call_id: str, *, minutes: int) -> None:
    now = datetime.fromtimestamp(START + minutes * 60 + 60, UTC)
    write(store, calls.conclusions(calls.judge(store, APP, call_id, now=now), version=1))


@dataclass(frozen=True)
class Part:
    """One question of the page, and whether an ended call's page asks it at once."""

    name: str
    ask: Callable[[], Any]
    is_first: bool


def _parts(store: Store, call_id: str, now: datetime) -> Iterator[Part]:
    yield Part("call as concluded", lambda: calls.read(store, APP, call_id, now=now), True)
    yield Part("timeline", lambda: calls.timeline(store, APP, call_id), True)
    yield Part(
        "series of one participant, 500 points",
        lambda: calls.series(store, APP, call_id, user="user3", points=500),
        True,
    )
    yield Part(
        "call judged now, as while live",
        lambda: calls.judge(store, APP, call_id, now=now),
        False,
    )
    yield Part("list of calls", lambda: calls.listing(store, APP), False)


def _measure(store: Store, call_id: str, *, now: datetime, rows: int) -> None:
    count = f"SELECT count() FROM samples WHERE app_id = {APP} AND call = '{call_id}'"
    floor = _median(lambda: store.query_sql(count))
    print(f"\nSELECT count() over the call's {rows} samples: {floor * 1000:.0f} ms")
    page = 0.0
    for part in _parts(store, call_id, now):
        taken = _median(part.ask)
        page += taken if part.is_first else 0.0
        print(f"{part.name}: {taken * 1000:.0f} ms, {taken / floor:.1f} × count()")
    document = msgspec.json.encode(calls.read(store, APP, call_id, now=now))
    said = "within" if page < GOAL else "ABOVE"
    print(f"call document: {len(document) / 1000:.0f} kB")
    print(f"call page of an ended call: {page * 1000:.0f} ms, {said} the goal of 300 ms")


def _median(ask: Callable[[], Any]) -> float:
    ask()
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
