"""Intervals and facts as tests need them: healthy unless said otherwise."""

from collections.abc import Sequence
from typing import Any

from callstats.quality import Interval, audio
from callstats.quality.issues import ConnectionFacts, StreamFacts
from callstats.quality.setup import State

STATES = {
    "signaling": [State(0.0, "stable"), State(0.0, "have-local-offer")],
    "ice_gathering": [State(0.1, "gathering"), State(0.3, "complete")],
    "ice_connection": [State(0.2, "checking"), State(0.6, "connected")],
    "connection": [State(0.2, "connecting"), State(0.7, "connected")],
}


def speech(start: float = 0.0, seconds: float = 10.0, **figures: Any) -> Interval:
    """Return an interval of healthy audio at 32 kbit/s."""
    packets = figures.pop("packets", round(50 * seconds))
    healthy: dict[str, Any] = {
        "bytes": packets * 80,
        "bitrate": 8 * packets * 80 / seconds,
        "expected": packets,
        "lost": 0,
        "jitter": 0.004,
        "rtt": 0.04,
        "buffer_delay": 0.05,
    }
    return Interval(
        start=start, end=start + seconds, seconds=seconds, packets=packets, **healthy | figures
    )


def lossy(loss: float, **figures: Any) -> Interval:
    """Return an interval of audio of which a share is lost."""
    received = round(1_000_000 * (1 - loss))
    return speech(
        **{
            "packets": received,
            "expected": 1_000_000,
            "lost": 1_000_000 - received,
            "bitrate": 32_000 * (1 - loss),
            "bytes": received * 80,
            **figures,
        }
    )


def picture(start: float = 0.0, seconds: float = 10.0, **figures: Any) -> Interval:
    """Return an interval of healthy video, 640×360 at 25 frames a second."""
    healthy: dict[str, Any] = {
        "packets": round(60 * seconds),
        "bytes": round(60_000 * seconds),
        "bitrate": 480_000.0,
        "expected": round(60 * seconds),
        "lost": 0,
        "fps": 25.0,
        "width": 640,
        "height": 360,
        "freezes": 0,
        "freeze_duration": 0.0,
    }
    return Interval(start=start, end=start + seconds, seconds=seconds, **healthy | figures)


def stream(windows: Sequence[Interval], kind: str = "audio", **facts: Any) -> StreamFacts:
    """Return a received stream of these windows."""
    scores = audio.score_windows(windows, "opus") if kind == "audio" else ()
    healthy: dict[str, Any] = {
        "id": f"I-{kind}",
        "direction": "inbound",
        "far": "bob",
        "intervals": windows,
        "scores": scores,
    }
    return StreamFacts(kind=kind, windows=windows, **healthy | facts)


def connection(*streams: StreamFacts, **facts: Any) -> ConnectionFacts:
    """Return a connection that came up at once and has these streams."""
    known = max((window.end for s in streams for window in s.windows), default=0.0)
    healthy: dict[str, Any] = {"far": "bob", "states": STATES, "known_until": known}
    return ConnectionFacts(streams=streams, **healthy | facts)


def run(*windows: Interval) -> list[Interval]:
    """Return windows one after the other."""
    placed, at = [], 0.0
    for window in windows:
        members = {name: getattr(window, name) for name in window.__struct_fields__}
        placed.append(Interval(**members | {"start": at, "end": at + window.seconds}))
        at += window.seconds
    return placed
