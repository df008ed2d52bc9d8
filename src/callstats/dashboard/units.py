"""How is a figure written for people? Numbers to words; what is not known is None."""

import json
from datetime import UTC, datetime, timedelta

UNKNOWN = "–"
_NARROW = "\u202f"
"""A narrow no-break space, between thousands and before units (SI brochure 5.4.4)."""


def kilobits(value: float | None) -> str:
    """Write bits per second as kbit/s."""
    return UNKNOWN if value is None else grouped(value / 1000)


def percent(share: float | None) -> str:
    """Write a share from 0 to 1 as per cent; what rounds to nothing but is something shows it."""
    if share is None:
        return UNKNOWN
    value = share * 100
    if 0 < value < 0.05:
        return "<0.1"
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def milliseconds(seconds: float | None) -> str:
    """Write seconds as milliseconds, one decimal below ten."""
    if seconds is None:
        return UNKNOWN
    value = seconds * 1000
    return f"{value:.1f}" if 0 < value < 9.95 else grouped(value)


def decimals(value: float | None, places: int = 1) -> str:
    """Write a number with so many decimals."""
    return UNKNOWN if value is None else f"{value:.{places}f}"


def grouped(value: float | None) -> str:
    """Write a whole number with its thousands apart."""
    return UNKNOWN if value is None else f"{value:,.0f}".replace(",", _NARROW)


def length(seconds: float | None) -> str:
    """Write how long something took: ``480 ms``, ``31 s``, ``2 min 05 s``, ``1 h 02 min``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds from one moment to another, None where either is unknown."""
    if start is None or end is None:
        return None
    return max((end - start) / timedelta(seconds=1), 0.0)


def moment(at: datetime | None) -> str:
    """Write a moment as RFC 3339 in UTC with milliseconds, for machines."""
    if at is None:
        return ""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day(at: datetime | None) -> str:
    """Write the day of a moment in UTC."""
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d}"


def clock(at: datetime | None, *, fine: bool = False) -> str:
    """Write the time of day in UTC, to the second or (``fine``) the millisecond."""
    if at is None:
        return UNKNOWN
    seconds = f"{at.astimezone(UTC):%H:%M:%S}"
    return f"{seconds}.{at.microsecond // 1000:03}" if fine else seconds


def compact(value: object, longest: int = 240) -> str:
    """Write any JSON value in one line of at most ``longest`` characters."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def short(name: str, longest: int = 48) -> str:
    """Write a name that may have hundreds of characters in a few; the page has it whole once."""
    return compact(name, longest)


def codec(mime_type: str | None) -> str:
    """Write a codec as people call it: ``video/VP8`` is ``VP8``."""
    return mime_type.rpartition("/")[2] if mime_type else UNKNOWN


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{grouped(count)} {one if count == 1 else many or one + 's'}"
