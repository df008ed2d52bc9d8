"""What do the clients of the old service cost? Reports, events, and being there.

    python benchmarks/rest.py [--rounds N] [--json]

Three questions, each with a bare uvicorn (httptools, uvloop) beside it, measured in the same run:

stats    a report of 30 kB (42 stats of a call that goes on) in ``…/stats``. The collector's CPU
         against *receive* (the same requests, decoded into the same typed structs, a fixed answer),
         at most 2 times; collector and engine together against *receive* + *insert* (the engine,
         given the finished blocks), at most 2 times
events   300 bytes in ``…/events/…``. The collector's CPU against a server that reads the body and
         answers, at most 3 times
alive    1,000 participants in 125 calls who are alive every 10 s: memory at most 20 kB each, CPU at
         most half a core
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.chrome_report import stats
from benchmarks.ingest import (
    CLIENTS,
    PER_CALL,
    Worker,
    blocks_of,
    collect,
    cpu,
    measure_insert,
    serve_bare,
)

from callstats import store as stores
from callstats import wire
from callstats.access import Apps, Tokens, server_key

PARTICIPANTS = 1_000
EVENTS = 40
"""Events of each client."""
LIMITS = {
    "stats, collector": 2.0,
    "stats, everything": 2.0,
    "events, collector": 3.0,
    "alive, kB each": 20.0,
    "alive, cores": 0.5,
}


class StatsBody(msgspec.Struct):
    """What is decoded of a report at least."""

    localID: str  # noqa: N815 - the wire's name
    deviceID: str  # noqa: N815
    timestamp: float
    connectionID: str  # noqa: N815
    stats: msgspec.Raw


def receive(line: Connection, *, is_decoding: bool) -> None:
    """Be the floor: read, decode if asked to, and answer."""
    decoder = msgspec.json.Decoder(StatsBody)
    head = [(b"content-type", b"application/json"), (b"content-length", b"2")]

    async def application(_: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        if is_decoding and body.startswith(b'{"localID":"user') and b'"stats"' in body[:400]:
            wire.samples.decode(decoder.decode(body).stats)
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": b"{}"})

    serve_bare(application, line)


def decode_all(line: Connection) -> None:
    """Be the floor of reports."""
    receive(line, is_decoding=True)


def read_all(line: Connection) -> None:
    """Be the floor of events."""
    receive(line, is_decoding=False)


# The clients


@dataclass(frozen=True)
class Target:
    """Whom to send to."""

    url: str
    token: str
    app_id: int


def common(client: int, **members: Any) -> bytes:
    who = {"localID": f"user{client}", "deviceID": "d1", "timestamp": time.time() * 1000}
    return msgspec.json.encode({**who, "remoteID": "sfu", "connectionID": "pc1", **members})


def report(client: int, n: int, now_ms: float) -> bytes:
    return common(client, eventType="stats", stats=stats(client, n, now_ms))


def event(client: int, n: int) -> bytes:
    states = {"changedState": "iceConnectionState", "prevState": "new", "newState": "checking"}
    body = common(client, eventType="fabricStateChange", callstatsVersion="3.73.16", **states)
    return body[:-1] + b',"n":' + b"%d" % n + b',"pad":"' + b"x" * (280 - len(body)) + b'"}'


def load(line: Connection, rounds: int) -> None:
    """Be the clients: make all requests first, then join and send them whenever asked."""
    now_ms = time.time() * 1000
    bodies = {
        "stats": [[report(c, n, now_ms) for n in range(rounds)] for c in range(CLIENTS)],
        "events/fabric/statechange": [[event(c, n) for n in range(EVENTS)] for c in range(CLIENTS)],
    }
    line.send(None)
    while (asked := line.recv()) != "stop":
        tail, target, first, last = asked
        chosen = [each[first:last] for each in bodies[tail]]
        line.send(asyncio.run(send_all(target, tail, chosen)))


async def send_all(target: Target, tail: str, bodies: Sequence[Sequence[bytes]]) -> float:
    """Let each client join and send what it has, in its order; return the seconds of the latter."""
    people = [Person(target, number) for number in range(len(bodies))]
    await asyncio.gather(*(person.join() for person in people))
    began = time.perf_counter()
    await asyncio.gather(
        *(person.send(tail, own) for person, own in zip(people, bodies, strict=True))
    )
    seconds = time.perf_counter() - began
    await asyncio.gather(*(person.leave() for person in people))
    return seconds


class Person:
    """One client with a connection of its own."""

    def __init__(self, target: Target, number: int) -> None:
        self.number = number
        self._target = target
        self._room = f"/v1/apps/{target.app_id}/conferences/room{number // PER_CALL}"
        self._call = "none"

    async def join(self) -> None:
        host, _, port = self._target.url.removeprefix("http://").partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        answer = await self._post(self._room, common(self.number, eventType="userJoined"))
        self._call = answer.get("ucID", "none")

    async def send(self, tail: str, bodies: Sequence[bytes]) -> None:
        for body in bodies:
            await self._post(f"{self._room}/{self._call}/{tail}", body)

    async def leave(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def _post(self, path: str, body: bytes) -> Any:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._target.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return json.loads(await self._reader.readexactly(length))


def stay(line: Connection) -> None:
    """Be the participants who are alive."""
    while (asked := line.recv()) != "stop":
        target, seconds = asked
        line.send(asyncio.run(stay_all(line, target, seconds)))


async def stay_all(line: Connection, target: Target, seconds: float) -> int:
    # What the first hundred load and allocate for good is not the others' weight.
    first = [Person(target, number) for number in range(100)]
    await asyncio.gather(*(person.join() for person in first))
    line.send("warm")
    people = [Person(target, 1000 + number) for number in range(PARTICIPANTS)]
    for some in range(0, PARTICIPANTS, 50):
        await asyncio.gather(*(person.join() for person in people[some : some + 50]))
    line.send("joined")
    ends_at = time.monotonic() + seconds

    async def be_alive(person: Person) -> int:
        await asyncio.sleep(person.number % PARTICIPANTS / PARTICIPANTS * 10)
        said = 0
        while time.monotonic() < ends_at:
            await person.send("events/user/alive", [common(person.number, eventType="userAlive")])
            said += 1
            await asyncio.sleep(10)
        return said

    said = sum(await asyncio.gather(*map(be_alive, people)))
    await asyncio.gather(*(person.leave() for person in [*first, *people]))
    return said


# What is measured


@dataclass(frozen=True)
class Measured:
    """CPU seconds for one request, and what being alive takes."""

    stats_collector: float
    stats_engine: float
    stats_receive: float
    stats_insert: float
    events_collector: float
    events_engine: float
    events_receive: float
    alive_kilobytes: float
    alive_cores: float

    @property
    def ratios(self) -> dict[str, float]:
        floor = self.stats_receive + self.stats_insert
        return {
            "stats, collector": self.stats_collector / self.stats_receive,
            "stats, everything": (self.stats_collector + self.stats_engine) / floor,
            "events, collector": self.events_collector / self.events_receive,
            "alive, kB each": self.alive_kilobytes,
            "alive, cores": self.alive_cores,
        }


def measure(rounds: int, seconds: float) -> Measured:
    clients, participants = Worker(load, rounds), Worker(stay)
    clients.line.recv()
    with tempfile.TemporaryDirectory() as folder:
        reports = CLIENTS * (rounds - 1)
        events = CLIENTS * (EVENTS - 1)
        tail = "events/fabric/statechange"
        with Hosted(Path(folder) / "a") as hosted:
            collector, engine, inserts = hosted.spend(clients, "stats", rounds)
        receiving = floor(decode_all, clients, "stats", rounds)
        inserting = measure_insert(blocks_of(inserts, rounds), Path(folder) / "b")
        with Hosted(Path(folder) / "c") as hosted:
            event_collector, event_engine, _ = hosted.spend(clients, tail, EVENTS)
        event_receiving = floor(read_all, clients, tail, EVENTS)
        with Hosted(Path(folder) / "d") as hosted:
            kilobytes, cores = hosted.hold(participants, seconds)
    clients.stop()
    participants.stop()
    return Measured(
        stats_collector=collector / reports,
        stats_engine=engine / reports,
        stats_receive=receiving / reports,
        stats_insert=inserting / reports,
        events_collector=event_collector / events,
        events_engine=event_engine / events,
        events_receive=event_receiving / events,
        alive_kilobytes=kilobytes,
        alive_cores=cores,
    )


def floor(work: Callable[..., None], clients: Worker, tail: str, rounds: int) -> float:
    """Return the CPU seconds that a bare server spends on the same requests."""
    worker = Worker(work)
    target = Target(worker.line.recv(), "x" * 1200, 1)
    clients.ask((tail, target, 0, 1))
    before = cpu(worker.cpu)
    clients.ask((tail, target, 1, rounds))
    spent = cpu(worker.cpu) - before
    worker.stop()
    return spent


class Hosted:
    """A collector and an engine, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> "Hosted":
        self._engine = stores.Engine(self._folder)
        self._engine.start()
        with stores.of_engine(self._engine) as store:
            app = Apps(store).create("benchmark")
            more = {"pad": "x" * 700}  # as much as the browser's library is told
            token = Tokens(server_key(store)).issue("send", app.app_id, more=more)
        self._collector = Worker(collect, str(self._folder))
        self._target = Target(self._collector.line.recv(), token, app.app_id)
        return self

    def __exit__(self, *_: object) -> None:
        self._collector.stop()
        self._engine.stop()

    def spend(self, clients: Worker, tail: str, rounds: int) -> tuple[float, float, Any]:
        """Return the CPU seconds of collector and engine for all but the first round."""
        engine = psutil.Process(self._engine.address.pid)
        clients.ask((tail, self._target, 0, 1))
        self._collector.ask("inserts")
        before = cpu(self._collector.cpu), cpu(engine)
        clients.ask((tail, self._target, 1, rounds))
        after = cpu(self._collector.cpu), cpu(engine)
        inserts = self._collector.ask("inserts")
        return after[0] - before[0], after[1] - before[1], inserts

    def hold(self, participants: Worker, seconds: float) -> tuple[float, float]:
        """Return the kilobytes that a participant takes, and the cores that all of them take."""
        participants.line.send((self._target, seconds))
        participants.line.recv()
        memory = self._collector.cpu.memory_info().rss
        participants.line.recv()
        before, began = cpu(self._collector.cpu), time.monotonic()
        participants.line.recv()
        cores = (cpu(self._collector.cpu) - before) / (time.monotonic() - began)
        grown = self._collector.cpu.memory_info().rss - memory
        return grown / 1000 / PARTICIPANTS, cores


def show(measured: Measured) -> None:
    for name, value in asdict(measured).items():
        is_time = not name.startswith("alive")
        print(f"{name:18} {value * 1e6 if is_time else value:8.2f}{' µs CPU' if is_time else ''}")
    print()
    for name, ratio in measured.ratios.items():
        verdict = "PASS" if ratio <= LIMITS[name] else "FAIL"
        print(f"{verdict}: {name:18} {ratio:6.2f}, allowed {LIMITS[name]:g}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=16, help="reports of each client")
    parser.add_argument("--seconds", type=float, default=25, help="how long participants stay")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measured = measure(arguments.rounds, arguments.seconds)
    has_passed = all(ratio <= LIMITS[name] for name, ratio in measured.ratios.items())
    if arguments.json:
        figures = {**asdict(measured), "ratios": measured.ratios, "limits": LIMITS}
        print(json.dumps({**figures, "passed": has_passed}))
    else:
        show(measured)
    return 0 if has_passed else 1


if __name__ == "__main__":
    sys.exit(main())
