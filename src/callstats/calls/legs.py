"""Which participant is it that has the trouble? Told by comparing the legs of a call.

A *leg* is the way from one sender to one receiver, judged where it arrives, or by what the far
end reported back where the receiver does not report itself. A bad leg has two ends, and only one
of them is to blame: the one whose other legs on that side are bad as well. So when only the
packets towards alice get lost, ``bob → alice`` and ``carol → alice`` are bad, and alice is named,
since all she receives is bad, while of what bob sends only a part is. Where both ends look alike,
as in a call of two, the receiver is named: that is where it is heard.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from callstats import quality
from callstats.calls import words
from callstats.calls.keys import Person
from callstats.calls.streams import Observed
from callstats.calls.words import Measures
from callstats.quality import Word, verdict


class End(NamedTuple):
    """One end of a leg: a participant, or a remote that is known by name only."""

    name: str
    person: Person | None = None


class Leg(Struct, frozen=True, kw_only=True):
    """The way from one sender to one receiver, over all streams."""

    sender: End
    receiver: End
    measures: Measures
    lost: int | None
    expected: int | None

    @property
    def word(self) -> Word:
        """How good this leg is."""
        return words.word(self.measures)

    @property
    def is_impaired(self) -> bool:
        """Whether something is wrong on it."""
        return verdict.is_impaired(self.word)


class Blame(Struct, frozen=True, kw_only=True):
    """The bad legs of one participant, by whose trouble they are."""

    received: Sequence[Leg] = ()
    """Bad on the way to the participant, by its own trouble."""
    sent: Sequence[Leg] = ()
    """Bad on the way from the participant, by its own trouble."""
    suffered: Sequence[Leg] = ()
    """Bad on the way to the participant, by the sender's trouble."""
    receives_from: int = 0
    """How many legs lead to the participant, good ones included."""
    sends_to: int = 0


_STRAIN: dict[Word, float] = {"good": 0.0, "fair": 1.0, "poor": 2.0, "bad": 3.0}


def find(streams: Iterable[Observed]) -> list[Leg]:
    """Return the legs of a call; of an outbound stream that its receiver reports, only that."""
    found: dict[tuple[End, End], list[Observed]] = defaultdict(list)
    for stream in streams:
        if not stream.is_inbound and stream.is_seen_by_receiver:
            continue
        own, far = End(stream.person.user, stream.person), End(stream.far, stream.peer)
        found[(far, own) if stream.is_inbound else (own, far)].append(stream)
    return [_leg(sender, receiver, streams) for (sender, receiver), streams in found.items()]


def _leg(sender: End, receiver: End, streams: Sequence[Observed]) -> Leg:
    known = [(s.lost, s.expected) for s in streams if s.lost is not None and s.expected]
    lost = sum(lost for lost, _ in known) if known else None
    expected = sum(expected or 0 for _, expected in known) if known else None
    inbound = [stream for stream in streams if stream.is_inbound]
    return Leg(
        sender=sender,
        receiver=receiver,
        lost=lost,
        expected=expected,
        measures={
            "loss": lost / expected if lost is not None and expected else None,
            "mos": _mean(inbound, "mos"),
            "frozen": _mean(inbound, "frozen"),
            "video": _mean(inbound, "video"),
            "rtt": quality.mean((stream.means.rtt, stream.means.seconds) for stream in streams),
            "jitter": _mean(inbound, "jitter"),
        },
    )


def _mean(streams: Iterable[Observed], name: verdict.Measure) -> float | None:
    return quality.mean((stream.measures.get(name), stream.means.seconds) for stream in streams)


def blame(legs: Iterable[Leg], people: Iterable[Person]) -> dict[Person, Blame]:
    """Return for each participant which bad legs are its own trouble, and which it suffers."""
    legs = list(legs)
    received = _by_end(legs, lambda leg: leg.receiver)
    sent = _by_end(legs, lambda leg: leg.sender)
    at_receiver = {
        id(leg) for leg in legs if leg.is_impaired and _is_receivers(leg, received, sent)
    }
    return {
        person: _blame_of(
            received[End(person.user, person)], sent[End(person.user, person)], at_receiver
        )
        for person in people
    }


def _by_end(legs: Iterable[Leg], end: Callable[[Leg], End]) -> Mapping[End, list[Leg]]:
    found: dict[End, list[Leg]] = defaultdict(list)
    for leg in legs:
        found[end(leg)].append(leg)
    return found


def _is_receivers(
    leg: Leg, received: Mapping[End, Sequence[Leg]], sent: Mapping[End, Sequence[Leg]]
) -> bool:
    """Whether a bad leg is its receiver's trouble: it is, unless the sender's legs are worse.

    Where that side of both is equally bad, the other sides decide, and then it is the receiver.
    """
    if leg.receiver.person is None:
        return False
    if leg.sender.person is None:
        return True
    receiver = _strain(received[leg.receiver]), _strain(sent[leg.receiver])
    sender = _strain(sent[leg.sender]), _strain(received[leg.sender])
    return receiver >= sender


def _strain(legs: Sequence[Leg]) -> float:
    known = [_STRAIN[leg.word] for leg in legs if leg.word != "unknown"]
    return sum(known) / len(known) if known else 0.0


def _blame_of(received: Sequence[Leg], sent: Sequence[Leg], at_receiver: set[int]) -> Blame:
    bad = [leg for leg in received if leg.is_impaired]
    return Blame(
        received=[leg for leg in bad if id(leg) in at_receiver],
        suffered=[leg for leg in bad if id(leg) not in at_receiver],
        sent=[leg for leg in sent if leg.is_impaired and id(leg) not in at_receiver],
        receives_from=len(received),
        sends_to=len(sent),
    )
