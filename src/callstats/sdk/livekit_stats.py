"""How are LiveKit's stats objects read as those of W3C?

They are libwebrtc's, carried in protobuf messages whose members must all have a value: what
libwebrtc left out arrives as zero or as empty text. So a zero is only believed where it can be one:
counters are, a frame without width is not. Times are in microseconds.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from callstats.sdk.engine import Stats

RENAMED = {
    "total_freeze_duration": "totalFreezesDuration",
    "total_pause_duration": "totalPausesDuration",
}
"""Members that LiveKit calls otherwise than W3C."""

PREFIXES = {
    "DataChannelState": "DC_",
    "DtlsRole": "DTLS_",
    "DtlsTransportState": "DTLS_TRANSPORT_",
    "IceCandidatePairState": "PAIR_",
    "IceCandidateType": "",
    "IceRole": "ICE_",
    "IceServerTransportProtocol": "TRANSPORT_",
    "IceTcpCandidateType": "CANDIDATE_",
    "IceTransportState": "ICE_TRANSPORT_",
    "QualityLimitationReason": "LIMITATION_",
}
"""By enumeration: what its names have more than W3C's values."""

OBSOLETE = frozenset({"stream", "track"})
"""Types that W3C has given up."""

AUDIO_ONLY = frozenset(
    {
        "audioLevel",
        "concealedSamples",
        "concealmentEvents",
        "insertedSamplesForDeceleration",
        "playoutId",
        "removedSamplesForAcceleration",
        "silentConcealedSamples",
        "totalAudioEnergy",
        "totalSamplesDuration",
        "totalSamplesReceived",
    }
)
VIDEO_ONLY = frozenset(
    {
        "firCount",
        "frameHeight",
        "frameWidth",
        "framesAssembledFromMultiplePackets",
        "framesDecoded",
        "framesDropped",
        "framesEncoded",
        "framesPerSecond",
        "framesReceived",
        "framesRendered",
        "framesSent",
        "freezeCount",
        "hugeFramesSent",
        "keyFramesDecoded",
        "keyFramesEncoded",
        "pauseCount",
        "pliCount",
        "powerEfficientDecoder",
        "powerEfficientEncoder",
        "qpSum",
        "qualityLimitationDurations",
        "qualityLimitationReason",
        "qualityLimitationResolutionChanges",
        "totalAssemblyTime",
        "totalDecodeTime",
        "totalEncodeTime",
        "totalFreezesDuration",
        "totalInterFrameDelay",
        "totalPausesDuration",
        "totalSquaredInterFrameDelay",
    }
)
OTHERS = {"audio": VIDEO_ONLY, "video": AUDIO_ONLY}
"""By kind: what a stream of the kind does not have."""

NEVER_ZERO = frozenset(
    {
        "availableIncomingBitrate",
        "availableOutgoingBitrate",
        "channels",
        "clockRate",
        "currentRoundTripTime",
        "echoReturnLoss",
        "echoReturnLossEnhancement",
        "estimatedPlayoutTimestamp",
        "fecSsrc",
        "frameHeight",
        "frameWidth",
        "height",
        "jitterBufferMinimumDelay",
        "jitterBufferTargetDelay",
        "lastPacketReceivedTimestamp",
        "lastPacketSentTimestamp",
        "port",
        "priority",
        "relatedPort",
        "remoteTimestamp",
        "rtxSsrc",
        "ssrc",
        "targetBitrate",
        "totalEncodedBytesTarget",
        "width",
    }
)
"""Members in which zero stands for what libwebrtc did not say."""

PROVEN_BY = {
    "fractionLost": "roundTripTimeMeasurements",
    "framesPerSecond": "frames",
    "roundTripTime": "roundTripTimeMeasurements",
    "totalRoundTripTime": "roundTripTimeMeasurements",
}
"""Members in which zero is only believed if something else was counted: by their names the counter,
or what the counter's name begins with."""


def convert(messages: Iterable[Any]) -> Stats:
    """Return the stats objects of one peer connection."""
    return [stats for message in messages for stats in _convert(message)]


def _convert(message: Any) -> Iterator[dict[str, object]]:
    which = message.WhichOneof("stats")
    if which is None or which in OBSOLETE:
        return
    parts = {field.name: part for field, part in getattr(message, which).ListFields()}
    data = parts.pop("rtc", None)
    if data is None:
        return
    found: dict[str, Any] = {}
    for part in _of_kind(parts):
        found.update(_members(part))
    known = {name: value for name, value in found.items() if _is_known(name, value, found)}
    yield {
        "type": which.replace("_", "-"),
        "id": data.id,
        "timestamp": data.timestamp / 1e3,
        **known,
    }


def _of_kind(parts: dict[str, Any]) -> list[Any]:
    """Return the parts, without the one in which a source of the other kind would be described."""
    kind = getattr(parts.get("source"), "kind", None)
    return [part for name, part in parts.items() if name not in OTHERS or name == kind]


def _members(part: Any) -> Iterator[tuple[str, Any]]:
    for field, value in part.ListFields():
        name = name_of(field.name)
        if field.enum_type is not None:
            yield name, _word(field.enum_type, value)
        elif hasattr(value, "items"):
            yield name, dict(value)
        else:
            yield name, value


def _is_known(name: str, value: Any, found: dict[str, Any]) -> bool:
    if value == "" or name in OTHERS.get(str(found.get("kind")), ()):
        return False
    if value != 0 or isinstance(value, bool):
        return True
    if name in PROVEN_BY and "kind" in found:
        return any(
            count for other, count in found.items() if _proves(other, PROVEN_BY[name], than=name)
        )
    return name not in NEVER_ZERO


def _proves(other: str, counter: str, *, than: str) -> bool:
    return other != than and other.startswith(counter)


def _word(enumeration: Any, number: int) -> str | None:
    value = enumeration.values_by_number.get(number)
    if value is None:
        return ""
    return str(value.name.removeprefix(PREFIXES[enumeration.name]).lower().replace("_", "-"))


def name_of(name: str) -> str:
    """Return W3C's name of one of LiveKit's members."""
    if name in RENAMED:
        return RENAMED[name]
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
