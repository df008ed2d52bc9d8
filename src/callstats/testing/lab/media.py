"""What do the participants say and show? A voice-like tone and a picture that always moves.

Made once for each participant and repeated: one second of audio, one second of video. The
content matters only as far as codecs care: sound that comes in syllables, and a picture that
changes from frame to frame so that every frame is worth sending.
"""

import math
from array import array
from dataclasses import dataclass

SAMPLE_RATE = 48_000
"""Audio samples a second, mono, 16 bit."""
CHUNK = 960
"""Audio samples handed over at once: 20 ms, one Opus packet."""
CHUNKS_PER_SECOND = SAMPLE_RATE // CHUNK
FRAMES_PER_SECOND = 15
WIDTH, HEIGHT = 320, 240

_SYLLABLES = 4
_HARMONICS = ((1, 0.5), (2, 0.3), (3, 0.15), (5, 0.05))
_LOUDNESS = 9_000
_PATTERN = 192
"""Pixels after which the picture repeats itself."""


@dataclass(frozen=True)
class Media:
    """One second of one participant, ready to be repeated."""

    chunks: list[bytes]
    """Audio: ``CHUNK`` samples each, little or big endian as this machine is."""
    frames: list[tuple[bytes, bytes, bytes]]
    """Video: planes Y, U, V of 8-bit 4:2:0 each."""


def make(index: int) -> Media:
    """Return what the participant number ``index`` says and shows: each sounds and looks own."""
    return Media(chunks=_speech(pitch=110 + 20 * index), frames=_pictures(hue=40 * index))


def _speech(*, pitch: int) -> list[bytes]:
    samples = array("h", (_sample(n, pitch) for n in range(SAMPLE_RATE))).tobytes()
    size = CHUNK * 2
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def _sample(n: int, pitch: int) -> int:
    turn = 2 * math.pi * n / SAMPLE_RATE
    loudness = _LOUDNESS * math.sin(_SYLLABLES * turn / 2) ** 2
    return int(loudness * sum(share * math.sin(k * pitch * turn) for k, share in _HARMONICS))


def _pictures(*, hue: int) -> list[tuple[bytes, bytes, bytes]]:
    blue = bytes([(128 + hue) % 256]) * (WIDTH * HEIGHT // 4)
    red = bytes([(128 - hue) % 256]) * (WIDTH * HEIGHT // 4)
    return [(_stripes(frame), blue, red) for frame in range(FRAMES_PER_SECOND)]


def _stripes(frame: int) -> bytes:
    """Draw slanted soft stripes, moved on by a fifteenth of their period with every frame."""
    period = bytes(int(126 + 90 * math.sin(2 * math.pi * x / _PATTERN)) for x in range(_PATTERN))
    line = period * (2 + WIDTH // _PATTERN)
    moved = frame * _PATTERN // FRAMES_PER_SECOND
    starts = ((row + moved) % _PATTERN for row in range(HEIGHT))
    return b"".join(line[start : start + WIDTH] for start in starts)
