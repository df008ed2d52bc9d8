"""What becomes of a packet on its way in one direction? Lost, or let out at a certain moment.

A link is arithmetic on sizes and moments: it is told the time and never waits, so that a relay on
real sockets and a replay on a virtual clock do the same. With the same seed and the same packets
it decides the same.

A packet walks through four stations: it may be lost; it waits for its turn at the bottleneck, whose
queue is bounded in time and drops at its tail; it travels for ``delay`` plus a share of ``jitter``;
and it leaves in order, except for those few that are held back so that later ones overtake them.
"""

import random

from msgspec import Struct

from callstats.errors import BadInput

HELD_BACK = 0.030
"""Seconds a reordered packet is late: one and a half audio packets, enough to be overtaken."""


class Impairment(Struct, frozen=True, kw_only=True):
    """How bad one direction is; the default is a perfect one. Raises BadInput if impossible."""

    loss: float = 0.0
    """Share of the packets that are lost at random."""
    delay: float = 0.0
    """Seconds that every packet travels."""
    jitter: float = 0.0
    """Largest number of seconds that a packet travels longer, evenly distributed."""
    reordering: float = 0.0
    """Share of the packets that are held back so that later ones overtake them."""
    bandwidth: float | None = None
    """Bits per second of the bottleneck, None for no bottleneck."""
    queue: float = 0.3
    """Seconds that a packet waits at the bottleneck at most; one that would wait longer is lost.

    Too short and every burst loses packets, too long and the delay grows past any real router's.
    """

    def __post_init__(self) -> None:
        for share in ("loss", "reordering"):
            _require(share, getattr(self, share), "a share from 0 to 1", most=1.0)
        for seconds in ("delay", "jitter", "queue"):
            _require(seconds, getattr(self, seconds), "0 to 60 seconds", most=60.0)
        if self.bandwidth is not None and not self.bandwidth > 0:
            raise BadInput(
                "bandwidth", found=f"{self.bandwidth:g}", allowed="more than 0 bits per second"
            )


def _require(name: str, value: float, allowed: str, *, most: float) -> None:
    if not 0 <= value <= most:
        raise BadInput(name, found=f"{value:g}", allowed=allowed)


class Link:
    """One direction of an access network: its impairment may change while packets travel."""

    def __init__(self, impairment: Impairment | None = None, *, seed: int | str = 0) -> None:
        self.impairment = impairment or Impairment()
        self.passed = 0
        """Packets let through."""
        self.lost = 0
        """Packets dropped at random."""
        self.overflowed = 0
        """Packets dropped at the tail of the bottleneck's queue."""
        self.bytes_passed = 0
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret
        self._free_at = 0.0
        self._last_leaves_at = 0.0

    def admit(self, size: int, now: float) -> float | None:
        """Return the moment at which a packet of ``size`` bytes leaves, None if it never does."""
        if self._random.random() < self.impairment.loss:
            self.lost += 1
            return None
        through_at = self._through_bottleneck(size, now)
        if through_at is None:
            self.overflowed += 1
            return None
        self.passed += 1
        self.bytes_passed += size
        return self._travelled(through_at)

    def _through_bottleneck(self, size: int, now: float) -> float | None:
        bandwidth = self.impairment.bandwidth
        if bandwidth is None:
            return now
        starts_at = max(now, self._free_at)
        if starts_at - now > self.impairment.queue:
            return None
        self._free_at = starts_at + size * 8 / bandwidth
        return self._free_at

    def _travelled(self, through_at: float) -> float:
        arrives_at = through_at + self.impairment.delay
        arrives_at += self._random.random() * self.impairment.jitter
        if self._random.random() < self.impairment.reordering:
            return arrives_at + HELD_BACK
        self._last_leaves_at = max(arrives_at, self._last_leaves_at)
        return self._last_leaves_at
