"""How is a named figure shown? With the unit that its name implies.

Scores carry their inputs and issues their evidence as names and numbers; all are in the units of
the inside (seconds, bits per second, shares), and people read per cent, ms and kbit/s.
"""

from collections.abc import Callable, Mapping

from callstats.dashboard import units
from callstats.quality import Word, verdict

Writer = Callable[[float], str]
Named = Mapping[str, float | str | None]


def _with(unit: str, write: Callable[[float | None], str]) -> Writer:
    return lambda value: f"{write(value)} {unit}"


_PERCENT = _with("%", units.percent)
_MILLISECONDS = _with("ms", units.milliseconds)
_BITRATE = _with("kbit/s", units.kilobits)

_WRITERS: Mapping[str, Writer] = {
    "loss": _PERCENT,
    "effective_loss": _PERCENT,
    "concealment": _PERCENT,
    "frozen": _PERCENT,
    "rtt": _MILLISECONDS,
    "jitter": _MILLISECONDS,
    "buffer_delay": _MILLISECONDS,
    "mouth_to_ear": _MILLISECONDS,
    "bitrate": _BITRATE,
    "coded_bitrate": _BITRATE,
    "seconds": units.length,
}
_PREFIXES = ("worst_", "usual_")


def told(named: Named) -> list[tuple[str, str]]:
    """Return names and figures for people; a bound has the unit of the figure it is set for."""
    bound = next((writer for name in named if (writer := _writer(name)) != _plain), _plain)
    return [
        (name.replace("_", " "), _write(value, bound if name == "opens_at" else _writer(name)))
        for name, value in named.items()
    ]


def _writer(name: str) -> Writer:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return _WRITERS.get(name, _plain)


def _plain(value: float) -> str:
    return f"{value:,.4g}"


def _write(value: float | str | None, write: Writer) -> str:
    if value is None:
        return "not known"
    return value if isinstance(value, str) else write(value)


def grade(measure: verdict.Measure, value: float | None) -> Word:
    """Return the word for one figure of a table, by the bounds that the verdicts use."""
    return verdict.word(measure, value)
