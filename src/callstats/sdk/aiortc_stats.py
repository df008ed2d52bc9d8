"""What does aiortc know about its streams, and what does it not?

Its ``getStats`` has a part of what W3C webrtc-stats names, some of it in other units, and lets
several streams of one receiver share an id, so that one hides the other. Here the public stats are
copied and converted, and what aiortc knows but does not tell (codecs, each received SSRC, its
retransmissions, encoder settings, mid) is read from its internals or, in ``aiortc_media``, heard.
Internals may change with any release: whatever is not there is absent from the stats, and nothing
else happens.
"""

import time
from collections.abc import Iterator
from typing import Any

from callstats.sdk.aiortc_media import Inbound, Received, Sent
from callstats.sdk.aiortc_objects import first, make, milliseconds, peek, seconds

UNKNOWN = (
    "certificate",
    "data-channel",
    "media-playout",
    "peer-connection",
    "candidate-pair.availableIncomingBitrate",
    "candidate-pair.availableOutgoingBitrate",
    "candidate-pair.bytesReceived",
    "candidate-pair.bytesSent",
    "candidate-pair.packetsReceived",
    "candidate-pair.packetsSent",
    "inbound-rtp.concealedSamples",
    "inbound-rtp.concealmentEvents",
    "inbound-rtp.fecPacketsReceived",
    "inbound-rtp.framesDropped",
    "inbound-rtp.headerBytesReceived",
    "inbound-rtp.insertedSamplesForDeceleration",
    "inbound-rtp.jitterBufferTargetDelay",
    "inbound-rtp.keyFramesDecoded",
    "inbound-rtp.qpSum",
    "inbound-rtp.removedSamplesForAcceleration",
    "inbound-rtp.silentConcealedSamples",
    "inbound-rtp.totalAudioEnergy",
    "inbound-rtp.totalDecodeTime",
    "inbound-rtp.totalSamplesDuration",
    "media-source.frames",
    "media-source.framesPerSecond",
    "media-source.height",
    "media-source.totalAudioEnergy",
    "media-source.totalSamplesDuration",
    "media-source.width",
    "outbound-rtp.headerBytesSent",
    "outbound-rtp.keyFramesEncoded",
    "outbound-rtp.qpSum",
    "outbound-rtp.qualityLimitationReason",
    "outbound-rtp.qualityLimitationResolutionChanges",
    "outbound-rtp.totalEncodeTime",
    "remote-inbound-rtp.roundTripTimeMeasurements",
    "remote-inbound-rtp.totalRoundTripTime",
    "remote-outbound-rtp.roundTripTime",
    "remote-outbound-rtp.roundTripTimeMeasurements",
    "remote-outbound-rtp.totalRoundTripTime",
    "transport.selectedCandidatePairChanges",
)
"""What its stats lack. It conceals nothing, so that what is lost is silent: that is not zero
concealed samples, it is none that could be counted."""

SENDING = ("sendrecv", "sendonly")
RTCP_FRACTION = 256
"""RTCP tells the fraction of lost packets in 1/256 (RFC 3550 section 6.4.1)."""
SILENCE = 127
"""The level that stands for silence in RFC 6464; one step is 1 dB below full scale."""


# What is sent


def sending(transceiver: Any, report: Any, heard: Sent | None) -> Iterator[dict[str, object]]:
    """Tell of a sender: what it sends, from where, and what the other end says of it."""
    outbound = first(report, "outbound-rtp")
    if outbound is None or transceiver.currentDirection not in SENDING:
        return
    codec = next(iter(_codecs(transceiver)), None)
    remote = first(report, "remote-inbound-rtp")
    heard = heard or Sent()
    sender = transceiver.sender
    source_id = f"media-source_{outbound.id}"
    yield make(
        "media-source",
        outbound,
        id=source_id,
        kind=outbound.kind,
        trackIdentifier=peek(sender.track, "id"),
        audioLevel=_linear(heard.level),
    )
    yield make(
        "outbound-rtp",
        outbound,
        **_stream(outbound, codec),
        mid=transceiver.mid,
        # aiortc counts first transmissions only, W3C all.
        packetsSent=outbound.packetsSent + heard.repeated_packets,
        bytesSent=outbound.bytesSent + heard.repeated_bytes,
        retransmittedPacketsSent=heard.repeated_packets,
        retransmittedBytesSent=heard.repeated_bytes,
        mediaSourceId=source_id,
        remoteId=peek(remote, "id"),
        active=peek(sender, "_enabled"),
        nackCount=heard.feedback.nacks,
        **_encoding(sender, outbound.kind, heard),
    )
    if codec is not None:
        yield _codec(outbound, codec)
    if remote is not None:
        yield _told_by_receiver(outbound, remote, codec)


def _encoding(sender: Any, kind: str, heard: Sent) -> dict[str, object]:
    encoder = peek(sender, "_RTCRtpSender__encoder")
    context = peek(encoder, "codec")
    if kind == "audio":
        return {"targetBitrate": peek(context, "bit_rate")}
    return {
        "targetBitrate": peek(encoder, "target_bitrate"),
        "frameWidth": peek(context, "width"),
        "frameHeight": peek(context, "height"),
        "framesEncoded": heard.frames.count,
        "framesSent": heard.frames.count,
        "framesPerSecond": heard.frames.per_second(time.monotonic()),
        "pliCount": heard.feedback.plis,
        "firCount": heard.feedback.firs,
    }


def _told_by_receiver(outbound: Any, remote: Any, codec: Any) -> dict[str, object]:
    # aiortc gives the SSRC of who reported; W3C wants that of the stream it is about.
    about = {**_stream(remote, codec), "ssrc": outbound.ssrc}
    return make(
        "remote-inbound-rtp",
        remote,
        **about,
        localId=outbound.id,
        packetsReceived=remote.packetsReceived,
        packetsLost=remote.packetsLost,
        jitter=seconds(remote.jitter, peek(codec, "clockRate")),
        roundTripTime=remote.roundTripTime,
        fractionLost=remote.fractionLost / RTCP_FRACTION,
    )


# What is received


def receiving(transceiver: Any, report: Any, heard: Received | None) -> Iterator[dict[str, object]]:
    """Tell of a receiver: each SSRC that it receives, and what its sender says of it."""
    inbound = first(report, "inbound-rtp")
    if inbound is None:
        return
    remote = first(report, "remote-outbound-rtp")
    streams = peek(transceiver.receiver, "_RTCRtpReceiver__remote_streams") or {}
    repeats = peek(transceiver.receiver, "_RTCRtpReceiver__rtx_ssrc") or {}
    for ssrc, counters in streams.items():
        if ssrc in repeats:
            continue
        repeated = [streams[each] for each, of in repeats.items() if of == ssrc and each in streams]
        codec = _received_codec(transceiver, peek(counters, "_clockrate"))
        own = {**_stream(inbound, codec), "id": f"{inbound.id}_{ssrc}", "ssrc": ssrc}
        is_told = remote is not None and remote.ssrc == ssrc
        yield make(
            "inbound-rtp",
            inbound,
            **own,
            mid=transceiver.mid,
            trackIdentifier=peek(transceiver.receiver.track, "id"),
            remoteId=remote.id if is_told else None,
            **_received(counters, repeated),
            **_heard(heard, ssrc, inbound.kind),
        )
        if codec is not None:
            yield _codec(inbound, codec)
        if is_told:
            yield _told_by_sender(remote, codec, local_id=str(own["id"]))


def _received(counters: Any, repeated: list[Any]) -> dict[str, object]:
    return {
        "packetsReceived": counters.packets_received
        + sum(each.packets_received for each in repeated),
        "packetsLost": counters.packets_lost,
        "jitter": seconds(counters.jitter, peek(counters, "_clockrate")),
        "retransmittedPacketsReceived": sum(each.packets_received for each in repeated)
        if repeated
        else None,
    }


def _heard(received: Received | None, ssrc: int, kind: str) -> dict[str, object]:
    stream = None if received is None else received.streams.get(ssrc)
    if received is None or stream is None:
        return {}
    known: dict[str, object] = {
        "bytesReceived": stream.bytes,
        "packetsDiscarded": stream.discarded,
        "jitterBufferDelay": stream.buffered,
        "jitterBufferEmittedCount": stream.emitted,
        "nackCount": received.feedback.nacks,
    }
    if kind == "audio":
        return {
            **known,
            "totalSamplesReceived": stream.audio_samples,
            "audioLevel": _linear(stream.level),
        }
    return {
        **known,
        "pliCount": received.feedback.plis,
        "firCount": received.feedback.firs,
        **_shown(stream),
    }


def _shown(stream: Inbound) -> dict[str, object]:
    width, height = stream.size or (None, None)
    return {
        "framesReceived": stream.frames_received,
        "framesDecoded": stream.shown.count,
        "frameWidth": width,
        "frameHeight": height,
        "framesPerSecond": stream.shown.per_second(time.monotonic()),
        "totalInterFrameDelay": stream.shown.total_delay,
        "freezeCount": stream.shown.freezes,
        "totalFreezesDuration": stream.shown.frozen,
    }


def _told_by_sender(remote: Any, codec: Any, *, local_id: str) -> dict[str, object]:
    return make(
        "remote-outbound-rtp",
        remote,
        **_stream(remote, codec),
        localId=local_id,
        packetsSent=remote.packetsSent,
        bytesSent=remote.bytesSent,
        remoteTimestamp=milliseconds(remote.remoteTimestamp),
    )


def _received_codec(transceiver: Any, clock_rate: int | None) -> Any:
    """Return the codec of what arrives, if that is certain.

    The other end may use any that was agreed on. Either one only has the stream's clock rate, or a
    packet in the jitter buffer names its payload type.
    """
    agreed = [codec for codec in _codecs(transceiver) if codec.clockRate == clock_rate]
    if len(agreed) == 1:
        return agreed[0]
    buffer = peek(transceiver.receiver, "_RTCRtpReceiver__jitter_buffer")
    packet = next(filter(None, peek(buffer, "_packets") or ()), None)
    payload_type = peek(packet, "payload_type")
    return next((codec for codec in agreed if codec.payloadType == payload_type), None)


# What both have


def _codecs(transceiver: Any) -> list[Any]:
    """Return the agreed codecs but retransmission, the one for sending first."""
    agreed = peek(transceiver, "_codecs") or ()
    return [codec for codec in agreed if not codec.mimeType.lower().endswith("/rtx")]


def _stream(source: Any, codec: Any) -> dict[str, Any]:
    return {
        "ssrc": source.ssrc,
        "kind": source.kind,
        "transportId": source.transportId,
        "codecId": None if codec is None else _codec_id(source, codec),
    }


def _codec(source: Any, codec: Any) -> dict[str, object]:
    settings = ";".join(f"{key}={value}" for key, value in codec.parameters.items())
    return make(
        "codec",
        source,
        id=_codec_id(source, codec),
        transportId=source.transportId,
        payloadType=codec.payloadType,
        mimeType=codec.mimeType,
        clockRate=codec.clockRate,
        channels=codec.channels,
        sdpFmtpLine=settings or None,
    )


def _codec_id(source: Any, codec: Any) -> str:
    return f"codec_{source.transportId}_{codec.payloadType}"


def _linear(level: int | None) -> float | None:
    """Return a level as a share of full scale."""
    if level is None:
        return None
    return 0.0 if level >= SILENCE else float(10 ** (-level / 20))
