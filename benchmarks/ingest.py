"""What does a report cost, from the socket to the disk, and how much of that is ours?

    python benchmarks/ingest.py [--rounds N] [--json]

A report of 30 kB (42 stats of a call that goes on) is sent by many clients, each in a request of
its own, gzipped, as the SDK does it. Counted is the CPU time of the collector's and the engine's
process together, against two floors measured in the same run:

receive   bare uvicorn (httptools, uvloop): the same requests, inflated and decoded into the same
          typed structs, a fixed answer
insert    the engine, given the finished blocks of the same rows, as large as the Writer made them

Passes when the whole is at most 3 times their sum. What is said once per connection (codecs,
candidates, …) is sent before the counting begins, as in a call of some minutes.
"""

import argparse
import asyncio
import gzip
import json
import multiprocessing
import secrets
import sys
import tempfile
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import uvicorn

from callstats import store as stores
from callstats import wire
from callstats.access import Apps, Tokens, server_key
from callstats.collector import Server, Settings, create_app
from callstats.collector.prepare import Delivery, Draft
from callstats.collector.presence import Presence
from callstats.collector.unchanged import Unchanged
from callstats.store.rows import make_block
from callstats.store.tables import BY_NAME

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.chrome_report import stats

LIMIT = 3.0
CLIENTS = 512
"""Requests under way at once: what some thousand participants make of a commit's duration."""
PER_CALL = 8
GZIP = 3
SPAWN = multiprocessing.get_context("spawn")


def batch(client: int, n: int, now_ms: float) -> bytes:
    """Return the n-th batch of a client: one report, and its joining before the first."""
    who = {"user": f"user{client}", "device": "d1", "conference": f"room{client // PER_CALL}"}
    header = wire.batch.Header(client=f"client-{client:08}", sent_at_ms=now_ms, agent="benchmark")
    report = wire.Report(
        **who,
        seq=n + 1,
        at_ms=now_ms,
        connection="pc1",
        remote="sfu",
        stats=wire.batch.raw(stats(client, n, now_ms)),
    )
    return wire.batch.encode(header, [wire.batch.encode_record(report)])


# Who works: each in a process of its own


@dataclass
class Insert:
    """One block that the Writer made: of which table, and how many rows."""

    table: str
    rows: int


def collect(line: Connection, folder: str) -> None:
    """Be the collector; tell which blocks were inserted when asked."""
    inserts: list[Insert] = []
    with stores.open(folder) as opened:
        kept = opened.insert

        def insert(table: str, block: pa.RecordBatch, *, token: str) -> None:
            inserts.append(Insert(table, block.num_rows))
            kept(table, block, token=token)

        opened.insert = insert  # type: ignore[method-assign]
        settings = Settings(port=0)
        server = Server(create_app(settings, opened), settings)

        def answer() -> None:
            line.send(server.url)
            while line.recv() != "stop":
                line.send(inserts.copy())
                inserts.clear()
            server.stop()

        threading.Thread(target=answer).start()
        server.run()


def receive(line: Connection) -> None:
    """Be the floor of receiving."""

    async def application(_: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        _, lines, _ = wire.batch.decode(zlib.decompress(body, wbits=31))
        for each in lines:
            if isinstance(each.record, wire.Report):
                wire.samples.decode(each.record.stats)
        head = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"{}"})

    serve_bare(application, line)


def serve_bare(application: Any, line: Connection) -> None:
    """Run an ASGI application in a uvicorn with nothing added; tell its URL, stop when told."""
    config = uvicorn.Config(
        application, port=0, http="httptools", loop="uvloop", lifespan="off", log_config=None
    )
    bare = uvicorn.Server(config)

    async def run() -> None:
        serving = asyncio.create_task(bare.serve())
        while not bare.started:  # noqa: ASYNC110 - uvicorn sets a flag and no event
            await asyncio.sleep(0.01)
        line.send(f"http://127.0.0.1:{bare.servers[0].sockets[0].getsockname()[1]}")
        await asyncio.to_thread(line.recv)
        bare.should_exit = True
        await serving

    asyncio.run(run())


def load(line: Connection, rounds: int) -> None:
    """Be the clients: make all requests first, then send them whenever asked."""
    now_ms = time.time() * 1000
    bodies = [
        [gzip.compress(batch(client, n, now_ms), GZIP, mtime=0) for n in range(rounds)]
        for client in range(CLIENTS)
    ]
    line.send(None)
    while (asked := line.recv()) != "stop":
        url, token, first, last = asked
        line.send(asyncio.run(send_all(url, token, [each[first:last] for each in bodies])))


async def send_all(url: str, token: str, bodies: Sequence[Sequence[bytes]]) -> float:
    """Send what each client has, in its order and each over its own connection; return seconds."""
    host, _, port = url.removeprefix("http://").partition(":")
    head = (
        f"POST /v1/batch HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\nContent-Length: "
    )

    async def one(own: Sequence[bytes]) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for body in own:
            writer.write(f"{head}{len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        writer.close()
        await writer.wait_closed()

    began = time.perf_counter()
    await asyncio.gather(*map(one, bodies))
    return time.perf_counter() - began


# What is measured


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


class Worker:
    """A process and the line to it."""

    def __init__(self, work: Callable[..., None], *arguments: Any) -> None:
        self.line, other = SPAWN.Pipe()
        self.process = SPAWN.Process(target=work, args=(other, *arguments), daemon=True)
        self.process.start()
        other.close()
        self.cpu = psutil.Process(self.process.pid)

    def ask(self, question: Any) -> Any:
        self.line.send(question)
        return self.line.recv()

    def stop(self) -> None:
        self.line.send("stop")
        self.process.join()


def rows_of(rounds: int) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the rows that the collector makes of everything after the first round."""
    presence = Presence(lambda *_: secrets.token_hex(13))
    unchanged = Unchanged()
    now = time.time()
    for n in range(rounds):
        for client in range(CLIENTS):
            header, lines, _ = wire.batch.decode(batch(client, n, now * 1000))
            draft = Draft(Delivery(client, header, now + n / 1000), presence, unchanged)
            draft.take(lines, stored=0)
            draft.settle()
            if n:
                for table, rows in draft.rows.by_table.items():
                    yield from ((table, row) for row in rows)


def blocks_of(inserts: Sequence[Insert], rounds: int) -> list[tuple[str, pa.RecordBatch]]:
    """Cut the same rows into blocks as large as those that were inserted."""
    rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for table, row in rows_of(rounds):
        rows[table].append(row)
    made = []
    for each in inserts:
        taken, rows[each.table] = rows[each.table][: each.rows], rows[each.table][each.rows :]
        if taken:
            made.append((each.table, make_block(BY_NAME[each.table], taken)))
    return made


@dataclass(frozen=True)
class Measured:
    """CPU seconds for one report, and what else was seen."""

    collector: float
    engine: float
    receive: float
    insert: float
    reports: int
    seconds: float
    bytes: float
    rows: float
    block_rows: float

    @property
    def whole(self) -> float:
        return self.collector + self.engine

    @property
    def ratio(self) -> float:
        return self.whole / (self.receive + self.insert)


def measure(rounds: int) -> Measured:
    reports = CLIENTS * (rounds - 1)
    with tempfile.TemporaryDirectory() as folder:
        clients = Worker(load, rounds)
        clients.line.recv()
        inserts, collector, engine, seconds = measure_whole(clients, Path(folder) / "a", rounds)
        receiving = measure_receive(clients, rounds)
        clients.stop()
        inserting = measure_insert(blocks_of(inserts, rounds), Path(folder) / "b")
    samples = [each.rows for each in inserts if each.table == "samples"]
    return Measured(
        collector=collector / reports,
        engine=engine / reports,
        receive=receiving / reports,
        insert=inserting / reports,
        reports=reports,
        seconds=seconds,
        bytes=len(batch(1, rounds, 1.7e12)),
        rows=sum(each.rows for each in inserts) / reports,
        block_rows=sum(samples) / len(samples),
    )


def measure_whole(
    clients: Worker, folder: Path, rounds: int
) -> tuple[list[Insert], float, float, float]:
    with stores.Engine(folder) as engine, stores.of_engine(engine) as store:
        app = Apps(store).create("benchmark")
        token = Tokens(server_key(store)).issue("send", app.app_id)
        worker = Worker(collect, str(folder))
        url = worker.line.recv()
        clients.ask((url, token, 0, 1))
        worker.ask("inserts")
        process = psutil.Process(engine.address.pid)
        before = cpu(worker.cpu), cpu(process)
        seconds = clients.ask((url, token, 1, rounds))
        after = cpu(worker.cpu), cpu(process)
        inserts = worker.ask("inserts")
        worker.stop()
    return inserts, after[0] - before[0], after[1] - before[1], seconds


def measure_receive(clients: Worker, rounds: int) -> float:
    worker = Worker(receive)
    url = worker.line.recv()
    clients.ask((url, "x" * 200, 0, 1))
    before = cpu(worker.cpu)
    clients.ask((url, "x" * 200, 1, rounds))
    spent = cpu(worker.cpu) - before
    worker.stop()
    return spent


def measure_insert(blocks: Sequence[tuple[str, pa.RecordBatch]], folder: Path) -> float:
    with stores.Engine(folder) as engine, stores.of_engine(engine) as store:
        process = psutil.Process(engine.address.pid)
        store.ping()
        before = cpu(process)
        for number, (table, block) in enumerate(blocks):
            store.insert(table, block, token=f"block-{number}")
        return cpu(process) - before


def show(measured: Measured) -> None:
    print(
        f"{measured.reports} reports of {measured.bytes / 1000:.1f} kB, {measured.rows:.1f} rows "
        f"each, {measured.block_rows:.0f} samples in a block\n"
    )
    floor = measured.receive + measured.insert
    for name, spent, beside in (
        ("receive, bare", measured.receive, None),
        ("insert, bare", measured.insert, None),
        ("collector", measured.collector, measured.receive),
        ("engine", measured.engine, measured.insert),
        ("everything", measured.whole, floor),
    ):
        ratio = "" if beside is None else f"   {spent / beside:4.2f} × its floor"
        print(f"{name:15} {spent * 1e6:7.0f} µs CPU a report{ratio}")
    print(
        f"\n{measured.reports / measured.seconds:.0f} reports/s went through beside the clients; "
        f"two cores alone would take {2 / measured.whole:.0f}"
    )
    verdict = "PASS" if measured.ratio <= LIMIT else "FAIL"
    print(f"{verdict}: {measured.ratio:.2f} × the floors, allowed {LIMIT:g}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=8, help="reports of each client")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds)
    if arguments.json:
        shown = {name: getattr(measured, name) for name in measured.__dataclass_fields__}
        figures = {**shown, "ratio": measured.ratio, "limit": LIMIT}
        print(json.dumps({**figures, "passed": measured.ratio <= LIMIT}))
    else:
        show(measured)
    return 0 if measured.ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
