"""Is nothing received although the other end sends?

Silence alone proves nothing: cameras are switched off, an SFU pauses what nobody looks at, people
leave. So somebody who sends at that very time must be known: on a direct connection its other
end, for each kind of media; behind an SFU anybody, and then nothing at all may arrive.
"""

from collections.abc import Iterator, Sequence

from callstats.quality import setup
from callstats.quality.intervals import Interval
from callstats.quality.issues.facts import ConnectionFacts, Finding, StreamFacts
from callstats.quality.phrases import seconds

NAME = "no_media"
LONGER_THAN = 10.0
"""Seconds without a packet. ObserveRTC calls a track dry after 5 s, webrtc-issue-detector after
15 s. Lower: a change of network is an issue; higher: people have hung up before it is one."""
SENT_AT_LEAST = 2.0
"""Packets per second that the other end sends. Lower: comfort noise (2.5 a second) passes for
speech; higher: narrow video is not seen."""
MARGIN = 2.0
"""Seconds left out at both ends, since the clocks of two machines are trusted to about 2 s."""

Span = tuple[float, float]


def find(connection: ConnectionFacts) -> Iterator[Finding]:
    """Find times in which everything that was sent this way got lost."""
    if connection.is_direct:
        for kind in ("audio", "video"):
            yield from _find_of(connection, kind)
    elif any(stream.direction == "inbound" for stream in connection.streams):
        yield from _find_of(connection, None)


def _find_of(connection: ConnectionFacts, kind: str | None) -> Iterator[Finding]:
    sent = [s.windows for s in connection.far_streams if kind in (None, s.kind)]
    for start, end in _silences(connection, kind):
        first, last = start + MARGIN, end - MARGIN
        lasted = end - start
        packets = sum(_packets_between(windows, first, last) for windows in sent)
        if lasted < LONGER_THAN or last <= first or packets < SENT_AT_LEAST * (last - first):
            continue
        yield Finding(
            name=NAME,
            severity="severe",
            opened_at=start,
            closed_at=end,
            kind=kind,
            sentence=f"no {kind or 'media'} arrived from {connection.far} for {seconds(lasted)}",
            evidence={"seconds": lasted, "packets_sent_meanwhile": packets},
        )


def _silences(connection: ConnectionFacts, kind: str | None) -> list[Span]:
    """Return when reports came while no stream of this kind had a packet."""
    own = [
        stream
        for stream in connection.streams
        if stream.direction == "inbound" and kind in (None, stream.kind)
    ]
    silences = _connected(connection)
    for stream in own:
        silences = _without(silences, _busy(stream))
    return silences


def _connected(connection: ConnectionFacts) -> list[Span]:
    """Return the runs of windows in which anything was measured, once the connection was up."""
    up = setup.connected_at(connection.states)
    since = float("-inf") if up is None else up
    spans = sorted((w.start, w.end) for s in connection.streams for w in s.windows)
    runs: list[Span] = []
    for start, end in spans:
        if runs and start <= runs[-1][1] + MARGIN:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]))
        else:
            runs.append((start, end))
    return [(max(start, since), end) for start, end in runs if end > since]


def _busy(stream: StreamFacts) -> list[Span]:
    """Return when packets came, or when it is not known whether they did."""
    return [(i.start, i.end) for i in stream.intervals if i.packets is None or i.packets > 0]


def _without(spans: Sequence[Span], holes: Sequence[Span]) -> list[Span]:
    left = list(spans)
    for hole_start, hole_end in holes:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, hole_start)), (max(start, hole_end), end))
            if part[1] > part[0]
        ]
    return left


def _packets_between(windows: Sequence[Interval], start: float, end: float) -> float:
    """Return how many packets the windows tell of, those at the edges in part."""
    total = 0.0
    for window in windows:
        shared = min(end, window.end) - max(start, window.start)
        if shared > 0 and window.packets:
            total += window.packets * min(1.0, shared / window.seconds)
    return total
