"""What does a support engineer read first? One sentence for each participant, and for the call."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from callstats import quality
from callstats.calls import words
from callstats.calls.keys import Person
from callstats.calls.legs import Blame, Leg
from callstats.calls.model import Issue
from callstats.quality import Verdict, Word, phrases, verdict
from callstats.quality.verdict import Measure

_OF_ISSUES: dict[tuple[str, str], Word] = {
    ("ice_failed", "severe"): "bad",
    ("no_media", "severe"): "poor",
    ("ice_disconnected", "severe"): "poor",
    ("ice_disconnected", "warning"): "fair",
    ("slow_setup", "severe"): "poor",
    ("slow_setup", "warning"): "fair",
}
"""Issues that no figure of a stream shows, since there was no stream then."""
_SUFFERED_AT_MOST: Word = "fair"
"""The worst word for what is another's trouble: it is heard here, but nothing here can mend it."""


def judge(blame: Blame, issues: Sequence[Issue], *, is_measured: bool) -> Verdict:
    """Return the verdict on one participant from its bad legs and its own issues.

    The sentence says what makes the word; whatever else is wrong stands in the reasons.
    """
    troubles = [issue for issue in issues if (issue.name, issue.severity) in _OF_ISSUES]
    parts = list(_parts(blame, troubles))
    if not parts:
        return _IN_GENERAL[is_measured]
    said = verdict.worst(part.word for part in parts)
    sentence = "; ".join(part.sentence for part in parts if part.word == said)
    return Verdict(word=said, sentence=sentence, reasons=_reasons(blame, troubles))


_IN_GENERAL = {
    True: Verdict(word="good", sentence="sends and receives well", reasons=[]),
    False: Verdict(word="unknown", sentence="too little is known", reasons=[]),
}


class _Part(NamedTuple):
    """One thing that is wrong with a participant, as the end of a sentence about it."""

    word: Word
    sentence: str


def _parts(blame: Blame, troubles: Sequence[Issue]) -> Iterator[_Part]:
    if blame.received:
        yield _Part(_worst(blame.received), _received(blame))
    if blame.sent:
        yield _Part(_worst(blame.sent), _sent(blame))
    for issue in troubles[:2]:
        yield _Part(_OF_ISSUES[issue.name, issue.severity], f"reports that {issue.sentence}")
    if blame.suffered:
        senders = phrases.listing(sorted(leg.sender.name for leg in blame.suffered))
        said = f"gets {senders} badly, by trouble on the other side"
        yield _Part(_SUFFERED_AT_MOST, said)


def _worst(legs: Sequence[Leg]) -> Word:
    return verdict.worst(leg.word for leg in legs)


def _received(blame: Blame) -> str:
    senders = _named([leg.sender.name for leg in blame.received], blame.receives_from)
    figures = _overall(blame.received)
    loss = _impairing(figures, "loss")
    lost = None if loss is None else phrases.percent(loss)
    said = f"loses {lost} of the packets sent to it, from {senders}" if lost else None
    return "; ".join([said or f"receives {senders} badly", *_others(figures)])


def _sent(blame: Blame) -> str:
    receivers = _named([leg.receiver.name for leg in blame.sent], blame.sends_to)
    figures = _overall(blame.sent)
    loss = _impairing(figures, "loss")
    if loss is not None:
        return f"loses {phrases.percent(loss)} of the packets it sends, to {receivers}"
    said = "; ".join(_others(figures))
    return f"arrives badly at {receivers}" + (f" ({said})" if said else "")


def _named(names: Sequence[str], of: int) -> str:
    """Return whose legs are meant: ``everyone (bob, carol and 2 others)`` where it is all."""
    said = phrases.listing(sorted(names))
    return f"everyone ({said})" if len(names) == of > 2 else said


def _impairing(figures: Mapping[Measure, float | None], name: Measure) -> float | None:
    """Return a figure if it is known and not good."""
    value = figures.get(name)
    return value if verdict.is_impaired(verdict.word(name, value)) else None


def _others(figures: Mapping[Measure, float | None]) -> list[str]:
    """Return what is impaired beside loss; frozen video says more than its score."""
    names: list[Measure] = ["mos", "frozen", "rtt", "jitter"]
    if _impairing(figures, "frozen") is None:
        names.append("video")
    return [
        words.say(name, value) for name in names if (value := _impairing(figures, name)) is not None
    ]


def _overall(legs: Sequence[Leg]) -> dict[Measure, float | None]:
    """Return the figures of several legs together: all packets, and else their mean."""
    known = [leg for leg in legs if leg.lost is not None and leg.expected]
    expected = sum(leg.expected or 0 for leg in known)
    figures: dict[Measure, float | None] = {
        name: quality.mean((leg.measures.get(name), 1.0) for leg in legs) for name in verdict.BOUNDS
    }
    figures["loss"] = sum(leg.lost or 0 for leg in known) / expected if expected else None
    return figures


def _reasons(blame: Blame, troubles: Sequence[Issue]) -> list[str]:
    return [
        *(
            f"from {leg.sender.name}: {'; '.join(words.reasons(leg.measures))}"
            for leg in blame.received
        ),
        *(
            f"to {leg.receiver.name}: {'; '.join(words.reasons(leg.measures))}"
            for leg in blame.sent
        ),
        *(
            f"from {leg.sender.name}, whose trouble it is: {'; '.join(words.reasons(leg.measures))}"
            for leg in blame.suffered
        ),
        *(issue.sentence for issue in troubles),
    ]


def judge_call(verdicts: Mapping[Person, Verdict], victims: Collection[Person]) -> Verdict:
    """Return the verdict on the call: its worst participant, or that all is well.

    ``victims`` have no trouble of their own: they need not be named where another is.
    """
    ranked = sorted(verdicts.items(), key=lambda item: verdict.WORST_FIRST.index(item[1].word))
    if not ranked:
        return Verdict(word="unknown", sentence="nobody is known to have been in it")
    impaired = [(person, said) for person, said in ranked if verdict.is_impaired(said.word)]
    if not impaired:
        return _unimpaired(list(verdicts.values()))
    names = _names([person for person, _ in ranked])
    worst, said = impaired[0]
    others = [
        f"{names[person]} ({other.word})" for person, other in impaired[1:] if person not in victims
    ]
    also = f"; also impaired: {phrases.listing(others)}" if others else ""
    return Verdict(
        word=said.word,
        sentence=f"{names[worst]} {said.sentence}{also}",
        reasons=[f"{names[person]}: {other.sentence}" for person, other in impaired],
    )


def _unimpaired(verdicts: Sequence[Verdict]) -> Verdict:
    good = sum(said.word == "good" for said in verdicts)
    if good == 0:
        return Verdict(word="unknown", sentence="too little is known about anybody in it")
    if good < len(verdicts):
        sentence = f"all is well for {good} of {len(verdicts)}; of the others too little is known"
    else:
        sentence = f"all is well for all {good}" if good > 1 else "all is well"
    return Verdict(word="good", sentence=sentence)


def _names(people: Sequence[Person]) -> dict[Person, str]:
    """Return how to call each: by user, with the device where a user is there twice."""
    users = [person.user for person in people]
    return {
        person: person.user if users.count(person.user) == 1 else f"{person.user} ({person.device})"
        for person in people
    }
