"""How does the audio sound? A MOS by the E-model, from loss, delay and coding.

One window is scored by ``mos``; a whole stream by ``conclude``: the mean over its windows,
weighted by time. Why these figures were chosen: docs/design/audio-mos.md.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from operator import attrgetter

from callstats.quality import emodel
from callstats.quality.intervals import Interval, mean, mean_of
from callstats.quality.score import Score, tidy

FULLBAND = "E-model fullband, ITU-T G.107.2; Opus by bitrate, doi 10.1145/3458751; mean of 10 s"
"""Opus: Alahmadi, Počta and Melvin, ACM TOMM 17(4):133, 2021."""
NARROWBAND = "E-model narrowband, ITU-T G.107; G.711 with PLC, G.113 App. I; mean of 10 s"
UNSCORED = "E-model: none for this codec"

MIN_SECONDS = 2.0
"""Shortest window that is scored. Shorter: one RTP packet more or less decides; longer: the last,
incomplete window of a call is lost."""
MIN_PACKETS = 20
"""Fewest packets of a window that is scored. Lower: one lost packet of a pause in speech (Opus
sends one every 400 ms then) makes a bad window; higher: long packets (60 ms) are never scored."""
MIN_CONCLUDED = 5.0
"""Fewest scored seconds for a verdict on a stream. Lower: the start of a stream speaks for all
of it; higher: short calls stay without a verdict."""

# Bitrate in bit/s, impairment Ie, robustness Bpl (random loss) of Opus in super-wideband, variable
# bitrate. The wideband and narrowband rows of the same paper are on other R scales: not mixed in.
OPUS = (
    (14_000, 38.06, 16.51),
    (15_000, 34.12, 15.00),
    (16_000, 30.16, 11.83),
    (19_000, 23.81, 10.67),
    (22_000, 20.22, 10.47),
    (25_000, 20.21, 11.28),
    (28_000, 18.48, 10.63),
    (31_000, 16.83, 10.44),
    (34_000, 14.76, 10.12),
    (37_000, 12.08, 10.38),
    (40_000, 10.67, 9.79),
)
_BITRATES = [row[0] for row in OPUS]
G711 = (0.0, 25.1)
"""Ie and Bpl of PCMU and PCMA with packet loss concealment (ITU-T G.113 Appendix I)."""

OPUS_DELAY = 0.0265
"""Seconds that Opus itself takes: a frame of 20 ms and 6.5 ms of look-ahead (RFC 6716, 2)."""
G711_DELAY = 0.020
"""Seconds that one packet of PCMU or PCMA covers as browsers send it (RFC 3551, 4.5.14)."""

SPEECH_BYTES = 10
"""Fewest payload bytes a packet of speech has on average. Opus at its lowest 6 kbit/s needs 15
for 20 ms (RFC 6716, 2.1.1); silence and comfort noise take 1 to 3. Lower: a muted microphone
counts as speech coded terribly; higher: narrowband speech counts as silence."""
SPEECH_WINDOWS = 3
"""The best of so many windows tells at what bitrate speech is coded. Fewer: a pause looks like a
worse codec setting; more: a real change shows late."""


def mos(window: Interval, codec: str | None, coded_at: float | None = None) -> float | None:
    """Return the MOS of one window from 1 to 4.5, None where too little is known.

    ``coded_at`` is the bitrate at which speech is coded, see ``coded_bitrates``.
    """
    loss = effective_loss(window)
    if loss is None or _why_unknown(window, codec) is not None:
        return None
    if _is_opus(codec):
        return _fullband(loss, mouth_to_ear(window, OPUS_DELAY), coded_at)
    return _narrowband(loss, mouth_to_ear(window, G711_DELAY))


def _why_unknown(window: Interval, codec: str | None) -> str | None:
    if codec is None:
        return "the codec is not known"
    if not _is_opus(codec) and not _is_g711(codec):
        return f"no published impairments for {codec} on a scale used here"
    if window.seconds < MIN_SECONDS:
        return "too short"
    if (window.packets or 0) < MIN_PACKETS:
        return "too few packets"
    if effective_loss(window) is None:
        return "the loss is not known"
    return None


def _is_opus(codec: str | None) -> bool:
    return codec in {"opus", "red"}


def _is_g711(codec: str | None) -> bool:
    return codec in {"pcmu", "pcma"}


def effective_loss(window: Interval) -> float | None:
    """Return the share of the audio that was missing after every repair.

    What the receiver had to make up (concealment) is what is heard: it counts packets that came
    too late and leaves out those that redundancy or retransmission brought back. Where it is not
    known, packet loss stands in.
    """
    concealment = window.concealment
    return window.loss if concealment is None else concealment


def mouth_to_ear(window: Interval, coding: float) -> float:
    """Return the one-way delay in seconds, as far as it is known.

    Half the round trip, the time in the jitter buffer (where unknown: the jitter) and coding.
    What is not known adds nothing, so the score is then an upper bound. Behind an SFU the round
    trip is that of this end's leg only.
    """
    buffered = window.jitter if window.buffer_delay is None else window.buffer_delay
    return (window.rtt or 0.0) / 2 + (buffered or 0.0) + coding


def _fullband(loss: float, delay: float, coded_at: float | None) -> float:
    coding, robustness = opus_impairment(coded_at)
    lost = emodel.loss_impairment(
        loss, coding=coding, robustness=robustness, ceiling=emodel.CEILING_FULLBAND
    )
    scale = emodel.FULLBAND / 100
    rating = emodel.FULLBAND - scale * emodel.delay_impairment(delay) - lost
    return emodel.mos(rating / scale)


def _narrowband(loss: float, delay: float) -> float:
    coding, robustness = G711
    lost = emodel.loss_impairment(
        loss, coding=coding, robustness=robustness, ceiling=emodel.CEILING_NARROWBAND
    )
    return emodel.mos(emodel.NARROWBAND - emodel.delay_impairment(delay) - lost)


def opus_impairment(coded_at: float | None) -> tuple[float, float]:
    """Return Ie and Bpl of Opus at a bitrate, between the published rows in a straight line.

    Outside of the table its nearest row holds; an unknown bitrate counts as the highest.
    """
    if coded_at is None or coded_at >= _BITRATES[-1]:
        return OPUS[-1][1:]
    if coded_at <= _BITRATES[0]:
        return OPUS[0][1:]
    above = bisect_right(_BITRATES, coded_at)
    (low, low_coding, low_robust), (high, high_coding, high_robust) = OPUS[above - 1 : above + 1]
    share = (coded_at - low) / (high - low)
    return (
        low_coding + share * (high_coding - low_coding),
        low_robust + share * (high_robust - low_robust),
    )


def coded_bitrates(windows: Sequence[Interval], codec: str | None) -> list[float | None]:
    """Return for each window at what bitrate speech is coded, None before any was heard.

    The best of the last windows with speech in them, as if no packet had been lost: a pause or a
    muted microphone says nothing about the codec, and loss may not pass for a lower bitrate.
    Redundancy (RED) multiplies the bitrate, so it says nothing there.
    """
    if codec != "opus":
        return [None] * len(windows)
    heard: deque[float] = deque(maxlen=SPEECH_WINDOWS)
    coded: list[float | None] = []
    for window in windows:
        bitrate = _speech_bitrate(window)
        if bitrate is not None:
            heard.append(bitrate)
        coded.append(max(heard, default=None))
    return coded


def _speech_bitrate(window: Interval) -> float | None:
    if not window.packets or window.bytes is None or window.bitrate is None:
        return None
    if window.seconds < MIN_SECONDS or window.bytes / window.packets < SPEECH_BYTES:
        return None
    sent_to_received = (window.expected or 0) / window.packets
    return window.bitrate * max(1.0, sent_to_received)


def score_windows(windows: Sequence[Interval], codec: str | None) -> list[float | None]:
    """Return the MOS of each window of one stream."""
    coded = coded_bitrates(windows, codec)
    return [mos(window, codec, at) for window, at in zip(windows, coded, strict=True)]


def conclude(
    windows: Sequence[Interval],
    codec: str | None,
    scores: Sequence[float | None] | None = None,
) -> Score:
    """Return the score of a whole stream: the mean of its windows, weighted by time.

    ``scores`` are those of ``score_windows``, for who has them already.
    """
    scores = score_windows(windows, codec) if scores is None else scores
    scored = [w for w, value in zip(windows, scores, strict=True) if value is not None]
    seconds = sum(window.seconds for window in scored)
    is_enough = seconds >= MIN_CONCLUDED
    value = mean((v, w.seconds) for v, w in zip(scores, windows, strict=True))
    return Score(
        value=tidy(value) if is_enough else None,
        formula=_formula(codec),
        inputs={"codec": codec, **_inputs(windows, scored, codec), "seconds": tidy(seconds)},
        unknown=None if is_enough else _why_inconclusive(windows, codec, seconds),
    )


def _formula(codec: str | None) -> str:
    if _is_opus(codec):
        return FULLBAND
    return NARROWBAND if _is_g711(codec) else UNSCORED


def _inputs(
    windows: Sequence[Interval], scored: Sequence[Interval], codec: str | None
) -> dict[str, float | None]:
    coded = zip(coded_bitrates(windows, codec), windows, strict=True)
    coding = G711_DELAY if _is_g711(codec) else OPUS_DELAY
    inputs = {
        "coded_bitrate": mean((bitrate, window.seconds) for bitrate, window in coded),
        "effective_loss": mean_of(scored, effective_loss),
        "loss": mean_of(scored, attrgetter("loss")),
        "concealment": mean_of(scored, attrgetter("concealment")),
        "rtt": mean_of(scored, attrgetter("rtt")),
        "jitter": mean_of(scored, attrgetter("jitter")),
        "buffer_delay": mean_of(scored, attrgetter("buffer_delay")),
        "mouth_to_ear": mean_of(scored, lambda w: mouth_to_ear(w, coding)),
    }
    return {name: tidy(value) for name, value in inputs.items()}


def _why_inconclusive(windows: Sequence[Interval], codec: str | None, seconds: float) -> str:
    if seconds > 0:
        return f"{seconds:.1f} s could be scored, {MIN_CONCLUDED:.0f} s are needed"
    if not windows:
        return "nothing was measured"
    return _why_unknown(max(windows, key=lambda w: w.packets or 0), codec) or "too few packets"


def codec_name(mime_type: str | None) -> str | None:
    """Return the codec as it is called here: ``audio/PCMU`` is ``pcmu``."""
    return None if mime_type is None else mime_type.rpartition("/")[2].lower()
