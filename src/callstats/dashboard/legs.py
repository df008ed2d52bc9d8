"""On which leg was it bad? Who hears and sees whom, as a table of listeners and speakers."""

from collections.abc import Sequence

from msgspec import Struct

from callstats.calls import Call, Participant, Stream
from callstats.quality import Word, verdict

MAX_SIDES = 12
"""More rows and columns than this are not read at a glance."""


class Leg(Struct, frozen=True, kw_only=True):
    """What one participant gets from one other."""

    word: Word
    loss: float | None
    rtt: float | None
    sentence: str


class Row(Struct, frozen=True, kw_only=True):
    """One listener, and a leg (or None) from each speaker."""

    listener: Participant
    legs: Sequence[Leg | None]


class Matrix(Struct, frozen=True, kw_only=True):
    """Everybody against everybody."""

    speakers: Sequence[str]
    rows: Sequence[Row]


def badness(word: Word) -> int:
    """Return the place of a verdict in the order of attention: 0 is the worst."""
    return verdict.WORST_FIRST.index(word)


def matrix(call: Call, listeners: Sequence[Participant]) -> Matrix | None:
    """Return who gets what from whom; None where that is not known or too much for a table."""
    speakers = sorted({participant.user for participant in call.participants})
    if not 2 <= len(speakers) <= MAX_SIDES:
        return None
    rows = [
        Row(listener=listener, legs=[leg(listener, speaker) for speaker in speakers])
        for listener in listeners
    ]
    if not any(found for row in rows for found in row.legs):
        return None
    return Matrix(speakers=speakers, rows=rows)


def leg(listener: Participant, speaker: str) -> Leg | None:
    """Return what arrives from this speaker over all connections, None where nothing does."""
    arriving = [
        (connection, stream)
        for connection in listener.connections
        for stream in connection.streams
        if stream.direction == "inbound" and (stream.peer or connection.remote) == speaker
    ]
    if not arriving:
        return None
    worst, _ = min(arriving, key=lambda pair: badness(word_of(pair[1])))
    return Leg(
        word=min((word_of(stream) for _, stream in arriving), key=badness),
        loss=total_loss([stream for _, stream in arriving]),
        rtt=worst.rtt,
        sentence=worst.verdict.sentence,
    )


def word_of(stream: Stream) -> Word:
    """Return the verdict of a stream; one that was not judged is unknown."""
    return stream.verdict.word if stream.verdict else "unknown"


def total_loss(streams: Sequence[Stream]) -> float | None:
    """Return the share of all their packets that were lost."""
    known = [
        (stream.packets, stream.lost)
        for stream in streams
        if stream.packets is not None and stream.lost is not None
    ]
    expected = sum(packets + lost for packets, lost in known)
    return sum(lost for _, lost in known) / expected if expected > 0 else None
