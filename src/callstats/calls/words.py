"""How do measured figures become a word and reasons in plain English?"""

from collections.abc import Callable, Mapping

from callstats.quality import Verdict, Word, phrases
from callstats.quality import verdict as bounds

Measures = Mapping[bounds.Measure, float | None]

_SAID: dict[bounds.Measure, tuple[str, Callable[[float], str]]] = {
    "loss": ("packet loss", phrases.percent),
    "mos": ("audio MOS", "{:.1f}".format),
    "frozen": ("video frozen", phrases.percent),
    "video": ("video score", "{:.1f}".format),
    "rtt": ("round trip", phrases.milliseconds),
    "jitter": ("jitter", phrases.milliseconds),
}


def word(measures: Measures) -> Word:
    """Return the worst word of all that is known."""
    return bounds.worst(bounds.word(name, value) for name, value in measures.items())


def reasons(measures: Measures) -> list[str]:
    """Return what is not good, with the bound it broke: ``packet loss 5.1 % (good to 1.0 %)``."""
    return [
        f"{say(name, value)} (good {_to(name)})"
        for name, value in measures.items()
        if value is not None and bounds.is_impaired(bounds.word(name, value))
    ]


def say(name: bounds.Measure, value: float) -> str:
    """Return a figure with its name: ``audio MOS 2.9``."""
    noun, form = _SAID[name]
    return f"{noun} {form(value)}"


def _to(name: bounds.Measure) -> str:
    limits = bounds.BOUNDS[name]
    return f"{'from' if limits.is_higher_better else 'to'} {_SAID[name][1](limits.good)}"


def verdict(measures: Measures) -> Verdict:
    """Return the verdict on one stream or connection by itself."""
    found = reasons(measures)
    said = word(measures)
    if found:
        return Verdict(word=said, sentence="; ".join(found), reasons=found)
    return Verdict(
        word=said, sentence="too little is known" if said == "unknown" else "all is well"
    )
