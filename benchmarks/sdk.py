"""What does reporting cost the application, and how much memory does it take at most?

Two claims, each measured against something of this machine in this run:

* ``client.event()`` costs the caller's thread at most twice what ``logging.info`` costs through the
  standard ``QueueHandler``, the usual way to log without waiting. A bare ``deque.append`` is the
  floor: no way to hand something to another thread costs less.
* While the server is away the outbox stays within its configured bytes, by its own count and by
  ``tracemalloc``'s.

Run ``python benchmarks/sdk.py [--json]``; the exit status is 0 only if both hold.
"""

import argparse
import gc
import json
import logging
import logging.handlers
import queue
import socket
import statistics
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import callstats

Measured = dict[str, float | bool]

MOST_COST = 2.0
ROUNDS = 15
CALLS = 2_000
MAX_BYTES = 2 << 20
SIZES = {"small": (100, 20_000), "large": (30_000, 1_000)}
"""Characters of data in an event, and how many events: as in mute events and in reports."""


def main() -> int:
    """Measure, print, and say by the exit status whether both claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    logging.getLogger("callstats").setLevel(logging.CRITICAL)
    with closed_port() as port:
        cost = measure_cost(port)
        memory = {name: measure_memory(port, *size) for name, size in SIZES.items()}
    if as_json:
        print(json.dumps({"cost": cost, "memory": memory}))
    else:
        show(cost, memory)
    return 0 if cost["pass"] and all(each["pass"] for each in memory.values()) else 1


def measure_cost(port: int) -> Measured:
    """Time the three ways in turn, so that a busy machine slows them alike; medians of rounds."""
    client = new_client(port, max_records=CALLS * ROUNDS * 2, max_bytes=1 << 30)
    logger, drain = new_logger()
    floor: deque[object] = deque()

    def report(index: int) -> None:
        client.event("audioMute", conference="standup", data={"muted": True, "index": index})

    def log(index: int) -> None:
        logger.info("audioMute %s %s", "standup", {"muted": True, "index": index})

    def append(index: int) -> None:
        floor.append(("audioMute", "standup", {"muted": True, "index": index}))

    seconds: dict[str, list[float]] = {"event": [], "logging": [], "append": []}
    for _ in range(ROUNDS):
        seconds["event"].append(time_calls(report))
        seconds["logging"].append(time_calls(log))
        seconds["append"].append(time_calls(append))
        drain()
        floor.clear()
    client.close(0)
    event, logging_, append_ = (statistics.median(each) for each in seconds.values())
    ratio = event / logging_
    return {
        "event_us": round(event * 1e6, 2),
        "logging_us": round(logging_ * 1e6, 2),
        "floor_us": round(append_ * 1e6, 2),
        "ratio": round(ratio, 2),
        "allowed": MOST_COST,
        "pass": ratio <= MOST_COST,
    }


def time_calls(call: Callable[[int], None]) -> float:
    """Return the CPU seconds of this thread for one call."""
    gc.collect()
    began = time.thread_time()
    for index in range(CALLS):
        call(index)
    return (time.thread_time() - began) / CALLS


def new_logger() -> tuple[logging.Logger, Callable[[], None]]:
    """Return a logger with the standard QueueHandler, and what empties its queue."""
    waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.handlers.QueueHandler(waiting))

    def drain() -> None:
        while not waiting.empty():
            waiting.get()

    return logger, drain


def measure_memory(port: int, characters: int, events: int) -> Measured:
    """Report much more than there is room for, and see what is kept."""
    warm_up(port)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    client = new_client(port, max_records=1_000_000, max_bytes=MAX_BYTES)
    counted = 0
    for index in range(events):
        data = {"text": "x" * (characters + index % 50)}
        client.event(f"event {index}", conference="standup", data=data)
        counted = max(counted, client.pending_bytes)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    client.close(0)
    return {
        "configured_bytes": MAX_BYTES,
        "counted_bytes": counted,
        "traced_peak_bytes": peak,
        "ratio": round(peak / MAX_BYTES, 2),
        "allowed": 1.0,
        "pass": counted <= MAX_BYTES and peak <= MAX_BYTES,
    }


def warm_up(port: int) -> None:
    """Make what is made once (the interpreter's caches, urllib3's modules) before counting."""
    client = new_client(port, max_records=100, max_bytes=MAX_BYTES)
    client.event("x", conference="standup", data={"text": "x"})
    client.flush(0.1)
    client.close(0)


def new_client(port: int, *, max_records: int, max_bytes: int) -> callstats.Client:
    """Return a client whose server is away."""
    return callstats.Client(
        f"http://127.0.0.1:{port}",
        app_id=1,
        app_secret="unused",
        user="alice",
        max_records=max_records,
        max_bytes=max_bytes,
        timeout=0.5,
    )


@contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port at which nobody listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def show(cost: Measured, memory: dict[str, Measured]) -> None:
    """Print all measurements for people."""
    print("caller's thread, CPU per call")
    print(f"  client.event()                  {cost['event_us']:10.2f} µs")
    print(f"  logging.info, QueueHandler      {cost['logging_us']:10.2f} µs")
    print(f"  floor: deque.append             {cost['floor_us']:10.2f} µs")
    print(f"  ratio {cost['ratio']}, at most {cost['allowed']}: {verdict(cost)}")
    for name, measured in memory.items():
        print(f"outbox while the server is away, {name} records")
        print(f"  configured                      {measured['configured_bytes']:10,} bytes")
        print(f"  counted, at most                {measured['counted_bytes']:10,} bytes")
        print(f"  traced, at most                 {measured['traced_peak_bytes']:10,} bytes")
        print(f"  ratio {measured['ratio']}, at most {measured['allowed']}: {verdict(measured)}")


def verdict(measured: Measured) -> str:
    """Return the word for pass or fail."""
    return "pass" if measured["pass"] else "FAIL"


if __name__ == "__main__":
    sys.exit(main())
