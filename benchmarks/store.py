"""How fast does the Writer write, and how small does it lie on disk?

Two ratios, each measured in one run on what two real peers (wrtc) report of a call:

- rows/s through the Writer (rows as tuples, group commit, engine process, fsync) against chDB's own
  insert of the finished blocks of the same rows in this process. Goal: at least 0.7. Merging is
  off on both sides: it is the same work for the same parts, and comes when it likes.
- bytes on disk (samples and reports, merged) per byte of the raw JSON. Goal: at most 8 %.

Run: python benchmarks/store.py [--json] [--seconds 25]
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import chdb
import msgspec

from callstats import store as stores
from callstats.clock import SystemClock
from callstats.collector.unchanged import Unchanged
from callstats.store import Rows, Store, Writer, tables
from callstats.store.rows import make_block, stream
from callstats.store.schema import OneMachine
from callstats.testing import lab
from callstats.wire import samples

SPEED_GOAL = 0.7
SIZE_GOAL = 0.08
ROUNDS = 7
SENDERS = 1_000
"""Clients that wait for their report at the same time."""
ROWS = 80_000
"""Rows written in a round."""
COMMITS = 8
"""Commits in which the Writer does a round: full ones, as when more rows always wait."""
APP = 123_456_789
START = 1_800_000_000.0

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Heard:
    """One report: who sent it, the how many-th it is, and the stats as JSON."""

    client: str
    seq: int
    stats: bytes


def main() -> int:
    """Record a call, measure, print; return the exit code."""
    asked = _arguments()
    heard = asyncio.run(_record(asked.seconds))
    reports = [_rows(report, unchanged) for unchanged in [Unchanged()] for report in heard]
    with tempfile.TemporaryDirectory() as folder:
        speed = _measure_speed(Path(folder), reports)
        size = _measure_size(Path(folder), reports, raw=sum(len(each.stats) for each in heard))
    results = {"speed": speed, "size": size}
    print(json.dumps(results) if asked.json else _sentences(results))
    return 0 if all(result["pass"] for result in results.values()) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="How fast, and how small, is the store?")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--seconds", type=float, default=25, help="length of the recorded call")
    return parser.parse_args()


async def _record(seconds: float) -> list[Heard]:
    """Let two peers talk, and ask each for its stats about ten times a second."""
    ends: list[Any] = []
    heard: list[Heard] = []
    people = lab.names(2)
    async with lab.Conference(people, observer=lambda *watched: ends.append(watched[-1])):
        until = time.monotonic() + seconds
        seq = 0
        while time.monotonic() < until:
            seq += 1
            for number, pc in enumerate(ends):
                report = await pc.get_stats()
                stats = msgspec.json.encode([each.to_json() for each in report.values()])
                heard.append(Heard(f"client-{number}", seq, stats))
            await asyncio.sleep(0.1)
    return heard


def _rows(report: Heard, unchanged: Unchanged) -> Rows:
    """Return the rows that the collector would store, as if a report came every 5 s."""
    found, damaged = samples.decode(report.stats)
    at = START + 5 * report.seq
    place = (report.client, "device", f"connection-{report.client}", "peer")
    identity = (report.client, report.seq)
    head = (APP, "call", at, at, *place, *identity)
    news = unchanged.news((APP, "call", report.client, *place[:3]), found)
    rows = Rows()
    rows.add_all("samples", [head + sample for sample in news])
    rows.add(
        "reports",
        (APP, "call", at, at, at, *place, *identity, report.stats, len(found), damaged),
    )
    return rows


def _measure_speed(folder: Path, reports: list[Rows]) -> dict[str, Any]:
    every = [row for report in reports for row in report.by_table["samples"]]
    rows = [every[index % len(every)] for index in range(ROWS)]
    ours, floor = [], []
    with stores.open(folder / "writer") as store, _own_insert(folder / "own") as insert:
        store.command("SYSTEM STOP MERGES")
        for number in range(ROUNDS + 1):
            portions = _portions(rows, number)
            full = sum(portion.count for portion in portions) // COMMITS
            ours.append(asyncio.run(_write(store, portions, max_rows=full)))
            floor.append(insert(rows))
    ratio = statistics.median(b / a for a, b in list(zip(ours, floor, strict=True))[1:])
    return {
        "writer_rows_per_second": round(ROWS / statistics.median(ours[1:])),
        "own_insert_rows_per_second": round(ROWS / statistics.median(floor[1:])),
        "ratio": round(ratio, 3),
        "goal": SPEED_GOAL,
        "pass": ratio >= SPEED_GOAL,
    }


def _portions(rows: list[Row], number: int) -> list[Rows]:
    """Share the rows out among senders, each with its word in the journal."""
    portions = []
    each = ROWS // SENDERS
    for sender in range(SENDERS):
        portion = Rows()
        portion.add_all("samples", rows[sender * each : (sender + 1) * each])
        client = f"client-{sender}"
        portion.add("clients", (APP, client, number, START, START, 0.0, "", client, "device"))
        portions.append(portion)
    return portions


async def _write(store: Store, portions: list[Rows], *, max_rows: int = 10_000) -> float:
    """Write all portions at the same time; return the seconds until the last is on disk."""
    large = 1 << 30
    async with Writer(store, clock=SystemClock(), max_rows=max_rows, max_bytes=large) as writer:
        began = time.perf_counter()
        await asyncio.gather(*map(writer.write, portions))
        return time.perf_counter() - began


@contextmanager
def _own_insert(folder: Path) -> Iterator[Any]:
    """Yield what inserts rows by chDB itself, in blocks as large as the Writer's commits."""
    connection = chdb.connect(str(folder))
    for statement in OneMachine().statements(replace(tables.SAMPLES, name="own")):
        connection.query(statement)
    connection.query("SYSTEM STOP MERGES")
    connection.query("SET insert_deduplicate = 0")
    columns = ", ".join(f"`{name}`" for name in tables.SAMPLES.names)

    def insert(rows: list[Row]) -> float:
        blocks = [
            make_block(tables.SAMPLES, rows[start : start + ROWS // COMMITS])
            for start in range(0, ROWS, ROWS // COMMITS)
        ]
        finished = [stream([block], block.schema) for block in blocks]
        began = time.perf_counter()
        for block in finished:
            with connection.send_insert(f"INSERT INTO own ({columns})", "ArrowStream") as inserter:
                inserter.append(block)
                inserter.finish()
        return time.perf_counter() - began

    yield insert
    connection.close()


def _measure_size(folder: Path, reports: list[Rows], *, raw: int) -> dict[str, Any]:
    with stores.open(folder / "size") as store:
        asyncio.run(_write(store, reports))
        for table in ("samples", "reports"):
            store.command(f"OPTIMIZE TABLE {table} FINAL")
        found = store.query_sql(
            "SELECT table, sum(bytes_on_disk) AS bytes FROM system.parts "
            "WHERE active AND table IN ('samples', 'reports') GROUP BY table"
        )
    on_disk = dict(zip(found["table"].to_pylist(), found["bytes"].to_pylist(), strict=True))
    ratio = sum(on_disk.values()) / raw
    return {
        "reports": len(reports),
        "raw_json_bytes": raw,
        "samples_bytes": on_disk["samples"],
        "reports_bytes": on_disk["reports"],
        "ratio": round(ratio, 4),
        "goal": SIZE_GOAL,
        "pass": ratio <= SIZE_GOAL,
    }


def _sentences(results: dict[str, dict[str, Any]]) -> str:
    speed, size = results["speed"], results["size"]
    fast = (
        f"speed: {speed['ratio']:.2f} of chDB's own insert, at least {SPEED_GOAL}: {_word(speed)} "
        f"({speed['writer_rows_per_second']} against {speed['own_insert_rows_per_second']} rows/s)"
    )
    small = (
        f"size: {size['ratio']:.1%} of the raw JSON, at most {SIZE_GOAL:.0%}: {_word(size)} "
        f"({size['reports']} reports, {size['raw_json_bytes']} bytes; "
        f"samples {size['samples_bytes']}, reports {size['reports_bytes']})"
    )
    return f"{fast}\n{small}"


def _word(result: dict[str, Any]) -> str:
    return "pass" if result["pass"] else "FAIL"


if __name__ == "__main__":
    sys.exit(main())
