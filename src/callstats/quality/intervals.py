"""What is known about one stream between two moments? An ``Interval``; ten seconds are a window.

Counters become differences in one place, the SQL question ``intervals``. Here those differences
are put together: sums of sums, and means weighted by time of everything that is a level. What was
never measured stays None.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter

from msgspec import Struct

WINDOW = 10.0
"""Seconds of one window. Shorter: one lost packet makes a bad window, and RTCP, which tells what
the far end sees only every 5 s or so, falls between two of them. Longer: a spell of bad quality
that a user complains about is averaged away. Pexip judges 20 s, Twilio 5 s, ObserveRTC 8 s."""


class Interval(Struct, frozen=True, kw_only=True, gc=False):
    """One stream between two moments: seconds, bits per second, packets; None is unknown.

    ``expected`` counts the packets that were sent to the receiver, as far as it is also known how
    many of them were ``lost``.
    """

    start: float
    end: float
    seconds: float
    packets: int | None = None
    bytes: int | None = None
    expected: int | None = None
    lost: int | None = None
    bitrate: float | None = None
    jitter: float | None = None
    rtt: float | None = None
    buffer_delay: float | None = None
    concealed: int | None = None
    samples: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    freezes: int | None = None
    freeze_duration: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether counters could be compared: not a gap, a reset or the end of the stream."""
        return self.packets is not None or self.bytes is not None

    @property
    def loss(self) -> float | None:
        """Share of the expected packets that did not arrive."""
        return _share(self.lost, self.expected)

    @property
    def concealment(self) -> float | None:
        """Share of the audio samples played out that were made up."""
        return _share(self.concealed, self.samples)

    @property
    def frozen(self) -> float | None:
        """Share of the time in which the video stood still."""
        if self.freeze_duration is None:
            return None
        return min(1.0, self.freeze_duration / self.seconds)


def _share(part: float | None, whole: float | None) -> float | None:
    if part is None or not whole:
        return None
    share = part / whole
    return 0.0 if share < 0 else min(1.0, share)


def windows(intervals: Iterable[Interval], seconds: float = WINDOW) -> list[Interval]:
    """Put consecutive intervals of one stream together to windows of about ``seconds``.

    A gap ends a window and is in none; the last window of a run may be shorter.
    """
    return [merge(run) for run in _runs(intervals, seconds)]


def _runs(intervals: Iterable[Interval], seconds: float) -> Iterator[list[Interval]]:
    run: list[Interval] = []
    length = 0.0
    for interval in intervals:
        if interval.is_known:
            run.append(interval)
            length += interval.seconds
            is_full = length + interval.seconds / 2 >= seconds
        else:
            is_full = True
        if is_full and run:
            yield run
            run, length = [], 0.0
    if run:
        yield run


_BITRATE = attrgetter("bitrate")
_JITTER = attrgetter("jitter")
_RTT = attrgetter("rtt")
_BUFFER_DELAY = attrgetter("buffer_delay")
_FPS = attrgetter("fps")


def merge(run: Sequence[Interval]) -> Interval:
    """Return the one interval that covers all of ``run``, which may not be empty."""
    if len(run) == 1:
        return run[0]
    return Interval(
        start=run[0].start,
        end=run[-1].end,
        seconds=sum(i.seconds for i in run),
        packets=_sum([i.packets for i in run]),
        bytes=_sum([i.bytes for i in run]),
        expected=_sum([i.expected for i in run]),
        lost=_sum([i.lost for i in run]),
        bitrate=mean_of(run, _BITRATE),
        jitter=mean_of(run, _JITTER),
        rtt=mean_of(run, _RTT),
        buffer_delay=mean_of(run, _BUFFER_DELAY),
        concealed=_sum([i.concealed for i in run]),
        samples=_sum([i.samples for i in run]),
        fps=mean_of(run, _FPS),
        width=_last([i.width for i in run]),
        height=_last([i.height for i in run]),
        freezes=_sum([i.freezes for i in run]),
        freeze_duration=_total([i.freeze_duration for i in run]),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _last(values: Sequence[int | None]) -> int | None:
    return next((value for value in reversed(values) if value is not None), None)


def mean(weighted: Iterable[tuple[float | None, float]]) -> float | None:
    """Return the mean of the known values, each with its weight; None if nothing is known."""
    total = weight_of_all = 0.0
    for value, weight in weighted:
        if value is not None:
            total += value * weight
            weight_of_all += weight
    return total / weight_of_all if weight_of_all > 0 else None


def mean_of(
    intervals: Iterable[Interval], figure: Callable[[Interval], float | None]
) -> float | None:
    """Return the mean of one figure over time."""
    total = seconds = 0.0
    for interval in intervals:
        value = figure(interval)
        if value is not None:
            total += value * interval.seconds
            seconds += interval.seconds
    return total / seconds if seconds > 0 else None
