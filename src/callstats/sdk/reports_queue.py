"""Which reports wait for their fabric, and which must go when there are too many?"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import overload

from msgspec import Struct, structs

from callstats.sdk.backend import PeerConnection, UserId, WrtcFuncName
from callstats.sdk.fabric import Fabric

FULL = "queue full"
EXPIRED = "expired"
BACKEND_FAILED = "backend failed"
UNKNOWN_KIND = "unknown kind"

OVERHEAD = 400
"""Bytes counted for a report besides its texts: the structs, and its place in the list."""


class ReportType(StrEnum):
    """What a waiting report is about."""

    ERROR = "error"
    EVENT = "event"
    MST_WITH_USERID = "mstWithUserID"


class ErrorData(Struct, frozen=True):
    """A function that failed."""

    type: str
    error: object


class EventData(Struct, frozen=True):
    """Something that happened."""

    event: str
    event_data: object = None


class AssociationData(Struct, frozen=True):
    """Whose a stream is, and where it is shown."""

    call_stats_id: UserId | str | None
    ssrc: int
    usage_label: str
    container_id: str


class Report(Struct, frozen=True, kw_only=True):
    """One thing to tell the backend, with the conference and the moment it belongs to.

    ``fabric`` is None where it belongs to none: then ``conf_id`` and ``pc``, where None, are those
    of the first active fabric. ``at`` is wall-clock time, ``since`` the same moment on the
    monotonic clock.
    """

    type: ReportType
    conf_id: str | None
    pc: PeerConnection | None
    data: ErrorData | EventData | AssociationData
    fabric: Fabric | None
    at: float
    since: float
    is_end: bool = False
    """Whether it says that its fabric ended."""
    attempts: int = 0

    @property
    def outlives_others(self) -> bool:
        """Whether it goes last when space is short: errors, and the ends of fabrics."""
        return self.is_end or self.type is ReportType.ERROR

    @property
    def is_before_connection(self) -> bool:
        """Whether it is about the devices, so that no peer connection is concerned."""
        return isinstance(self.data, ErrorData) and self.data.type == WrtcFuncName.GET_USER_MEDIA

    def tried(self) -> "Report":
        """Return the same with one attempt more."""
        return structs.replace(self, attempts=self.attempts + 1)

    @property
    def size(self) -> int:
        """Bytes that it counts: exact for texts, a guess for objects of the application."""
        data = self.data
        if isinstance(data, ErrorData):
            texts = data.error.args if isinstance(data.error, BaseException) else (data.error,)
            return OVERHEAD + sum(map(_size_of, texts))
        return OVERHEAD + (_size_of(data.event_data) if isinstance(data, EventData) else 0)


def _size_of(value: object) -> int:
    """Return the bytes of a JSON-like value, looking four levels deep."""
    total, level = 0, [value]
    for _ in range(4):
        total += sum(sys.getsizeof(each, 64) for each in level)
        level = [inner for each in level for inner in _inside(each)]
    return total


def _inside(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return value if isinstance(value, list | tuple) else ()


class ReportsQueue(Sequence[Report]):
    """Keeps reports in order, within its bounds, and counts by reason what it could not keep."""

    def __init__(self, *, max_reports: int, max_bytes: int) -> None:
        self.max_reports = max_reports
        self.max_bytes = max_bytes
        self.dropped: Counter[str] = Counter()
        self._reports: list[Report] = []
        self._sizes: list[int] = []
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many reports wait."""
        return len(self._reports)

    @overload
    def __getitem__(self, index: int) -> Report: ...
    @overload
    def __getitem__(self, index: slice) -> list[Report]: ...
    def __getitem__(self, index: int | slice) -> Report | list[Report]:
        """Return a waiting report by its place."""
        return self._reports[index]

    def __iter__(self) -> Iterator[Report]:
        """Go through the reports that wait now."""
        return iter(tuple(self._reports))

    @property
    def bytes(self) -> int:
        """Bytes counted for what waits."""
        return self._bytes

    def add(self, report: Report) -> list[Report]:
        """Append a report; return those that had to go for it, perhaps itself."""
        self._reports.append(report)
        self._sizes.append(report.size)
        self._bytes += self._sizes[-1]
        gone = []
        while len(self._reports) > self.max_reports or self._bytes > self.max_bytes:
            gone.append(self.take(self._least_needed()))
            self.dropped[FULL] += 1
        return gone

    def put_first(self, reports: Sequence[Report]) -> None:
        """Put back what was taken, before everything else."""
        sizes = [report.size for report in reports]
        self._reports[:0] = reports
        self._sizes[:0] = sizes
        self._bytes += sum(sizes)

    def take(self, index: int) -> Report:
        """Remove a report and return it."""
        self._bytes -= self._sizes.pop(index)
        return self._reports.pop(index)

    def expire(self, before: float) -> list[Report]:
        """Remove what has waited since before a moment of the monotonic clock.

        As long as the first is in time nothing is looked for: order is that of time, but for the
        few reports that were put back.
        """
        if not self._reports or self._reports[0].since >= before:
            return []
        late = [index for index, report in enumerate(self._reports) if report.since < before]
        self.dropped[EXPIRED] += len(late)
        return [self.take(index) for index in reversed(late)][::-1]

    def clear(self) -> None:
        """Forget everything without counting it."""
        self._reports.clear()
        self._sizes.clear()
        self._bytes = 0

    def _least_needed(self) -> int:
        reports = enumerate(self._reports)
        return next((index for index, report in reports if not report.outlives_others), 0)
