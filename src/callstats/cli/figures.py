"""How is a figure written in a terminal? Short, and with a dash where nothing is known."""

from datetime import UTC, datetime

UNKNOWN = "–"


def kilobits(value: float | None) -> str:
    """Write bits per second as kbit/s."""
    return number(None if value is None else value / 1e3)


def percent(share: float | None) -> str:
    """Write a share from 0 to 1 as per cent."""
    return number(None if share is None else share * 100, places=1)


def milliseconds(seconds: float | None) -> str:
    """Write seconds as milliseconds."""
    return number(None if seconds is None else seconds * 1e3)


def number(value: float | None, *, places: int = 0) -> str:
    """Write a number with so many decimals."""
    return UNKNOWN if value is None else f"{value:.{places}f}"


def moment(at: datetime | None) -> str:
    """Write a moment in UTC, to the second."""
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def length(start: datetime | None, end: datetime | None) -> str:
    """Write how long something lasted; without an end it goes on."""
    if start is None or end is None:
        return UNKNOWN
    minutes, seconds = divmod(max(0, round((end - start).total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
