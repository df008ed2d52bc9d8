"""What goes through a receiver and a sender of aiortc that its getStats does not count?

Heard where aiortc itself hands it on: packets at the door of the jitter buffer, frames where the
decoder puts them into the track, RTCP where it is sent and where it arrives. Nothing is taken away
from the application, and nothing waits: a packet costs two Python calls more.

All counts begin with the watch, so watch a connection before it is negotiated.
"""

import time
from typing import Any

from callstats.sdk.frames import Frames
from callstats.sdk.taps import Taps

MAX_AWAITED = 512
"""Frames whose first packet has come and which are still to be complete, as many as fit into the
jitter buffer; older ones are never going to be."""
LONGEST_PACKET = 0.12
"""Seconds of audio that one packet may hold (Opus, RFC 6716 section 2.1.4). If more lies between
two, the sender was silent."""

NACK = ("RtcpRtpfbPacket", 1)
PLI = ("RtcpPsfbPacket", 1)
FIR = ("RtcpPsfbPacket", 4)
"""RTCP feedback by class in aiortc and format (RFC 4585 section 6.2 and 6.3, RFC 5104)."""


class Feedback:
    """How often each kind of feedback was given."""

    def __init__(self) -> None:
        self.nacks = 0
        self.plis = 0
        self.firs = 0

    def take(self, packet: Any) -> None:
        """Count an RTCP packet if it is feedback."""
        kind = (type(packet).__name__, getattr(packet, "fmt", None))
        self.nacks += kind == NACK
        self.plis += kind == PLI
        self.firs += kind == FIR


class Inbound:
    """One received SSRC, its retransmissions among it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.discarded = 0
        self.frames_received = 0
        self.buffered = 0.0
        """Seconds in the jitter buffer, of all frames or audio samples together."""
        self.emitted = 0
        self.level: int | None = None
        """How loud the last packet was, as its sender said in the header (RFC 6464): 0 is full
        scale, 127 is silence, a step is 1 dB."""
        self.audio_samples = 0
        self.shown = Frames()
        self.size: tuple[int, int] | None = None
        self._came_at: dict[int, float] = {}
        self._ticks = 0

    def take_packet(self, buffer: Any, packet: Any, frame: Any, now: float, rate: int) -> None:
        """Take a packet that came to the jitter buffer, and the frame that it completed."""
        self.bytes += len(packet.payload)
        level = packet.extensions.audio_level
        if level is not None:
            self.level = level[1]
        if frame is None and _slot(buffer, packet.sequence_number) is not packet:
            self.discarded += 1
            return
        self._came_at.setdefault(packet.timestamp, now)
        if len(self._came_at) > MAX_AWAITED:
            del self._came_at[next(iter(self._came_at))]
        if frame is not None:
            self._emit(buffer, frame.timestamp, now, rate)

    def _emit(self, buffer: Any, timestamp: int, now: float, rate: int) -> None:
        self.frames_received += 1
        came_at = self._came_at.pop(timestamp, None)
        number = 1 if buffer._is_video else self._samples(buffer, timestamp, rate)
        if came_at is not None:
            self.buffered += number * (now - came_at)
            self.emitted += number

    def _samples(self, buffer: Any, timestamp: int, rate: int) -> int:
        """Return the samples of a packet: the ticks up to the next, which is in the buffer."""
        following = _slot(buffer, buffer._origin)
        ticks = (following.timestamp - timestamp) & 0xFFFFFFFF if following is not None else 0
        if 0 < ticks <= rate * LONGEST_PACKET:
            self._ticks = ticks
        return self._ticks

    def take_frame(self, frame: Any, now: float) -> None:
        """Take a frame that the decoder hands to the track."""
        width = getattr(frame, "width", None)
        if width is None:
            self.audio_samples += frame.samples
            return
        self.size = (width, frame.height)
        self.shown.show(now)


class Received:
    """What one receiver receives, by SSRC."""

    def __init__(self) -> None:
        self.streams: dict[int, Inbound] = {}
        self.feedback = Feedback()
        self._latest = Inbound()

    def listen(self, taps: Taps, receiver: Any) -> None:
        """Hear the receiver's parts, as far as they are there by now."""
        counters = getattr(receiver, "_RTCRtpReceiver__remote_streams", {})

        def hear_packet(buffer: Any, outcome: tuple[bool, Any], packet: Any) -> None:
            stream = self.streams.get(packet.ssrc)
            if stream is None:
                stream = self.streams[packet.ssrc] = Inbound()
            self._latest = stream
            rate = getattr(counters.get(packet.ssrc), "_clockrate", 0)
            stream.take_packet(buffer, packet, outcome[1], time.monotonic(), rate)

        taps.add(getattr(receiver, "_RTCRtpReceiver__jitter_buffer", None), "add", hear_packet)
        taps.add(getattr(receiver.track, "_queue", None), "_put", self._hear_frame)
        taps.add(receiver, "_send_rtcp", lambda *heard: self.feedback.take(heard[-1]))

    def _hear_frame(self, _: object, __: object, frame: Any) -> None:
        if frame is not None:  # the end of the track
            self._latest.take_frame(frame, time.monotonic())


class Sent:
    """What one sender sends."""

    def __init__(self) -> None:
        self.frames = Frames()
        self.feedback = Feedback()
        self.level: int | None = None
        """How loud the last frame of audio was, as aiortc says in the header (RFC 6464)."""
        self.repeated_packets = 0
        self.repeated_bytes = 0

    def listen(self, taps: Taps, sender: Any) -> None:
        """Hear the sender's parts."""
        taps.add(sender, "_next_encoded_frame", self._hear_frame, is_awaited=True)
        taps.add(sender, "_handle_rtcp_packet", lambda *heard: self.feedback.take(heard[-1]))
        taps.add(sender, "_retransmit", self._hear_repeat)

    def _hear_repeat(self, sender: Any, _: object, number: int) -> None:
        history = getattr(sender, "_RTCRtpSender__rtp_history", {})
        packet = next((each for each in history.values() if each.sequence_number == number), None)
        if packet is not None:  # else it is too old, and aiortc does nothing
            self.repeated_packets += 1
            self.repeated_bytes += len(packet.payload)

    def _hear_frame(self, _: object, frame: Any, __: object) -> None:
        if frame is not None:  # nothing came of it: the sender is disabled, or resampling lags
            self.frames.show(time.monotonic())
            level = getattr(frame, "audio_level", None)
            self.level = None if level is None else -level


def _slot(buffer: Any, sequence_number: int) -> Any:
    return buffer._packets[sequence_number % buffer.capacity]
