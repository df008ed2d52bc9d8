"""Is the client a good guest? What it costs the application, next to what others cost.

Five claims, all measured in this run:

* ``Client.event()`` and ``CallStats.send_mute_event()`` take less of the caller's CPU than
  ``sentry_sdk.add_breadcrumb`` and than starting and ending an OpenTelemetry span with a batch
  processor. (Both are set up as in production, with a transport that drops everything.)
* Sampling one connection every 5 s costs at most 1 % of the CPU that the call itself uses.
* Two hundred connections take no thread each.
* Importing the client takes at most 1.5 times what importing urllib3 and msgspec takes.
* Ten minutes without a server at 50 events/s stay within the configured bytes.

Run ``python benchmarks/guest.py [--json]``; the exit status is 0 only if all hold. It needs
``sentry-sdk``, ``opentelemetry-sdk`` and ``aiortc``.
"""

import argparse
import asyncio
import gc
import json
import logging
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiortc
import sentry_sdk
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

import callstats
from callstats.sdk import ClientBackend, Session

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.sdk import closed_port, new_client, warm_up

Measured = dict[str, Any]

ROUNDS = 15
CALLS = 1_000
CALL_SECONDS = 12.0
SAMPLES = 200
EVERY = 5.0
MOST_SAMPLING = 0.01
CONNECTIONS = 200
MOST_IMPORT = 1.5
IMPORTS = 9
EVENTS = 30_000
MAX_BYTES = 2 << 20


def main() -> int:
    """Measure, print, and say by the exit status whether all claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    logging.getLogger("callstats").setLevel(logging.CRITICAL)
    with closed_port() as port:
        results = {
            "caller": measure_caller(port),
            "sampling": asyncio.run(measure_sampling(port)),
            "threads": asyncio.run(measure_threads(port)),
            "import": measure_import(),
            "away": measure_away(port),
        }
    if as_json:
        print(json.dumps(results))
    else:
        for name, measured in results.items():
            show(name, measured)
    return 0 if all(each["pass"] for each in results.values()) else 1


# What the caller's thread pays


def measure_caller(port: int) -> Measured:
    """Time the four ways in turn, so that a busy machine slows them alike; medians of rounds."""
    ways = {
        "event": new_event(port),
        "send_mute_event": new_mute_event(port),
        "sentry_breadcrumb": new_breadcrumb(),
        "otel_span": new_span(),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, call in ways.items():
            seconds[name].append(time_calls(call))
    cost = {name: statistics.median(each) * 1e6 for name, each in seconds.items()}
    ours = max(cost["event"], cost["send_mute_event"])
    theirs = min(cost["sentry_breadcrumb"], cost["otel_span"])
    return {
        **{f"{name}_us": round(each, 2) for name, each in cost.items()},
        "event_to_breadcrumb": round(cost["event"] / cost["sentry_breadcrumb"], 2),
        "event_to_span": round(cost["event"] / cost["otel_span"], 2),
        "send_to_breadcrumb": round(cost["send_mute_event"] / cost["sentry_breadcrumb"], 2),
        "send_to_span": round(cost["send_mute_event"] / cost["otel_span"], 2),
        "ratio": round(ours / theirs, 2),
        "allowed": 1.0,
        "pass": ours < theirs,
    }


def time_calls(call: Callable[[int], object]) -> float:
    """Return the CPU seconds of this thread for one call."""
    gc.collect()
    began = time.thread_time()
    for index in range(CALLS):
        call(index)
    return (time.thread_time() - began) / CALLS


def new_event(port: int) -> Callable[[int], object]:
    """Return what reports through a client."""
    client = new_client(port, max_records=CALLS * ROUNDS * 2, max_bytes=1 << 30)

    def report(index: int) -> None:
        client.event("audioMute", conference="standup", data={"muted": True, "index": index})

    return report


def new_mute_event(port: int) -> Callable[[int], object]:
    """Return what reports through the classic class, with a fabric that is active."""
    client = new_client(port, max_records=CALLS * ROUNDS * 2, max_bytes=1 << 30)

    class Room(callstats.CallStats):
        session = Session()

    Room.init_backend(alias_name="alice", backend=lambda: ClientBackend(client=client))
    fabric = Room(object(), conf_id="standup", remote_user_id="bob")
    assert fabric.has_fabric

    def report(_: int) -> None:
        Room.send_mute_event(True, "audio", fabric)

    return report


def new_breadcrumb() -> Callable[[int], object]:
    """Return what leaves a breadcrumb with Sentry; nothing leaves the machine."""
    sentry_sdk.init(dsn="http://key@127.0.0.1:9/1", transport=lambda _: None)

    def report(index: int) -> None:
        sentry_sdk.add_breadcrumb(
            category="standup", message="audioMute", data={"muted": True, "index": index}
        )

    return report


class Nowhere(SpanExporter):
    """Takes spans and drops them."""

    def export(self, spans: Any) -> SpanExportResult:  # noqa: ARG002
        """Drop them."""
        return SpanExportResult.SUCCESS


def new_span() -> Callable[[int], object]:
    """Return what starts and ends a span of OpenTelemetry."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Nowhere(), max_queue_size=CALLS * ROUNDS * 2))
    tracer = provider.get_tracer("benchmark")

    def report(index: int) -> None:
        attributes: dict[str, str | int] = {"conference": "standup", "muted": True, "index": index}
        tracer.start_span("audioMute", attributes=attributes).end()

    return report


# What sampling costs


async def measure_sampling(port: int) -> Measured:
    """Let a call go on, see what it uses, then take many samples, and see what one of them uses."""
    async with call_of_two() as pc:
        began = time.process_time()
        await asyncio.sleep(CALL_SECONDS)
        call = (time.process_time() - began) / CALL_SECONDS
        client = new_client(port, max_records=10_000, max_bytes=64 << 20)
        watch = client.watch(pc, conference="standup", remote="bob")
        await asyncio.sleep(0.2)
        sample = await time_samples(watch, pc)
        ticks = await time_idle_watch(watch)
        await asyncio.to_thread(client.close, 0)
    share = (sample / EVERY + ticks) / (call / 2)
    return {
        "call_cpu_percent": round(call / 2 * 100, 2),
        "sample_ms": round(sample * 1e3, 3),
        "ticks_us_per_s": round(ticks * 1e6, 1),
        "share": round(share, 5),
        "allowed": MOST_SAMPLING,
        "pass": share <= MOST_SAMPLING,
    }


async def time_samples(watch: Any, pc: object) -> float:
    """Return the CPU seconds of one sample, from getStats to its place in the outbox."""
    spent = 0.0
    for _ in range(SAMPLES):
        # Nothing else runs in this thread while the coroutine does not wait.
        began = time.thread_time()
        await watch._sample(pc)
        spent += time.thread_time() - began
        await asyncio.sleep(0)
    return spent / SAMPLES


async def time_idle_watch(watch: Any) -> float:
    """Return the CPU seconds per second of looking whether a sample is due."""
    spent = 0.0
    for _ in range(SAMPLES):
        watch._due_at = asyncio.get_running_loop().time() + 60
        began = time.thread_time()
        watch._tick()
        spent += time.thread_time() - began
        watch._timer.cancel()
    return spent / SAMPLES / 0.5


class call_of_two:  # noqa: N801 - used as a function
    """A call of two in this process, audio and video each way; yields one end."""

    async def __aenter__(self) -> aiortc.RTCPeerConnection:
        settings = aiortc.RTCConfiguration(iceServers=[])
        self.pair = [aiortc.RTCPeerConnection(settings) for _ in range(2)]
        self.sinks = [MediaBlackhole() for _ in self.pair]
        for pc, sink in zip(self.pair, self.sinks, strict=True):
            pc.addTrack(AudioStreamTrack())
            pc.addTrack(VideoStreamTrack())
            pc.on("track", sink.addTrack)
        first, second = self.pair
        await first.setLocalDescription(await first.createOffer())
        await second.setRemoteDescription(first.localDescription)
        await second.setLocalDescription(await second.createAnswer())
        await first.setRemoteDescription(second.localDescription)
        for sink in self.sinks:
            await sink.start()
        while first.connectionState != "connected":  # noqa: ASYNC110 - told by no future
            await asyncio.sleep(0.05)
        return first

    async def __aexit__(self, *_: object) -> None:
        for pc, sink in zip(self.pair, self.sinks, strict=True):
            await sink.stop()
            await pc.close()


async def measure_threads(port: int) -> Measured:
    """Watch many connections, and count threads and tasks."""
    settings = aiortc.RTCConfiguration(iceServers=[])
    pcs = [aiortc.RTCPeerConnection(settings) for _ in range(CONNECTIONS)]
    client = new_client(port, max_records=10_000, max_bytes=8 << 20)
    threads = threading.active_count()
    for pc in pcs:
        client.watch(pc, conference="standup")
    most = 0
    for _ in range(60):
        await asyncio.sleep(0.02)
        most = max(most, threading.active_count() - threads)
    for pc in pcs:
        await pc.close()
    await asyncio.to_thread(client.close, 0)
    return {
        "connections": CONNECTIONS,
        "threads": most,
        "allowed": 1,
        "pass": most <= 1,
    }


# What importing costs


def measure_import() -> Measured:
    """Time both imports in processes of their own, in turn; the best of several."""
    base, ours = [], []
    for _ in range(IMPORTS):
        base.append(time_import("urllib3, msgspec"))
        ours.append(time_import("callstats.sdk"))
    ratio = min(ours) / min(base)
    return {
        "urllib3_msgspec_ms": round(min(base) * 1e3, 1),
        "callstats_ms": round(min(ours) * 1e3, 1),
        "ratio": round(ratio, 2),
        "allowed": MOST_IMPORT,
        "pass": ratio <= MOST_IMPORT,
    }


def time_import(names: str) -> float:
    """Return the CPU seconds of importing, in a fresh process."""
    code = f"import time; b = time.process_time(); import {names}; print(time.process_time() - b)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


# What a server that is away costs


def measure_away(port: int) -> Measured:
    """Report as much as in ten minutes, at once, to a server that is away."""
    warm_up(port)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    client = new_client(port, max_records=1_000_000, max_bytes=MAX_BYTES)
    counted = 0
    for index in range(EVENTS):
        client.event(f"event {index}", conference="standup", data={"muted": True, "index": index})
        counted = max(counted, client.pending_bytes)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    kept, dropped = client.pending, sum(client.dropped.values())
    client.close(0)
    return {
        "events": EVENTS,
        "kept": kept,
        "dropped": dropped,
        "configured_bytes": MAX_BYTES,
        "counted_bytes": counted,
        "traced_peak_bytes": peak,
        "ratio": round(peak / MAX_BYTES, 2),
        "allowed": 1.0,
        "pass": counted <= MAX_BYTES and peak <= MAX_BYTES and kept + dropped == EVENTS + 1,
    }


def show(name: str, measured: Measured) -> None:
    """Print one measurement for people."""
    print(f"{name}: {'pass' if measured['pass'] else 'FAIL'}")
    for key, value in measured.items():
        if key != "pass":
            print(f"  {key:24} {value:>12,}")


if __name__ == "__main__":
    sys.exit(main())
