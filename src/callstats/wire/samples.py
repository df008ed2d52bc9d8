"""Which members of a W3C stats object do we keep as columns?

One ``Sample`` is one stats object of one report, in the units of W3C webrtc-stats
(https://www.w3.org/TR/webrtc-stats/): seconds, bytes, bits per second; ``timestamp`` alone is
milliseconds. What is missing is None, never zero. Members that are not listed here stay in the
report itself, which is stored whole. The columns of the table ``samples`` are made from this
class: adding a member here is a migration there.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from callstats.errors import BadInput

Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number that fits the store; a larger one is of a wrong type."""


class Sample(Struct, frozen=True, rename="camel", gc=False):
    """One stats object, as far as questions are asked about it; the order is the row's order."""

    type: str
    id: str
    timestamp: float
    # any RTP stream
    ssrc: Int | None = None
    kind: str | None = None
    mid: str | None = None
    rid: str | None = None
    codec_id: str | None = None
    transport_id: str | None = None
    local_id: str | None = None
    remote_id: str | None = None
    track_identifier: str | None = None
    media_source_id: str | None = None
    active: bool | None = None
    packets_sent: Int | None = None
    packets_received: Int | None = None
    packets_lost: Int | None = None
    packets_discarded: Int | None = None
    bytes_sent: Int | None = None
    bytes_received: Int | None = None
    header_bytes_sent: Int | None = None
    header_bytes_received: Int | None = None
    retransmitted_packets_sent: Int | None = None
    retransmitted_packets_received: Int | None = None
    retransmitted_bytes_sent: Int | None = None
    fec_packets_received: Int | None = None
    nack_count: Int | None = None
    pli_count: Int | None = None
    fir_count: Int | None = None
    jitter: float | None = None
    jitter_buffer_delay: float | None = None
    jitter_buffer_target_delay: float | None = None
    jitter_buffer_emitted_count: Int | None = None
    target_bitrate: float | None = None
    # video streams and sources
    frame_width: Int | None = None
    frame_height: Int | None = None
    frames_per_second: float | None = None
    frames_sent: Int | None = None
    frames_encoded: Int | None = None
    frames_received: Int | None = None
    frames_decoded: Int | None = None
    frames_dropped: Int | None = None
    key_frames_encoded: Int | None = None
    key_frames_decoded: Int | None = None
    freeze_count: Int | None = None
    total_freezes_duration: float | None = None
    total_encode_time: float | None = None
    total_decode_time: float | None = None
    total_inter_frame_delay: float | None = None
    qp_sum: Int | None = None
    quality_limitation_reason: str | None = None
    quality_limitation_resolution_changes: Int | None = None
    width: Int | None = None
    height: Int | None = None
    frames: Int | None = None
    # audio streams and sources
    audio_level: float | None = None
    total_audio_energy: float | None = None
    total_samples_duration: float | None = None
    total_samples_received: Int | None = None
    concealed_samples: Int | None = None
    silent_concealed_samples: Int | None = None
    concealment_events: Int | None = None
    inserted_samples_for_deceleration: Int | None = None
    removed_samples_for_acceleration: Int | None = None
    # what the other end told us by RTCP
    fraction_lost: float | None = None
    round_trip_time: float | None = None
    total_round_trip_time: float | None = None
    round_trip_time_measurements: Int | None = None
    remote_timestamp: float | None = None
    # candidate pairs
    state: str | None = None
    nominated: bool | None = None
    local_candidate_id: str | None = None
    remote_candidate_id: str | None = None
    current_round_trip_time: float | None = None
    available_outgoing_bitrate: float | None = None
    available_incoming_bitrate: float | None = None
    requests_sent: Int | None = None
    responses_received: Int | None = None
    # transports
    selected_candidate_pair_id: str | None = None
    selected_candidate_pair_changes: Int | None = None
    dtls_state: str | None = None
    ice_state: str | None = None
    # candidates
    candidate_type: str | None = None
    protocol: str | None = None
    relay_protocol: str | None = None
    network_type: str | None = None
    # codecs
    mime_type: str | None = None
    clock_rate: Int | None = None
    channels: Int | None = None
    payload_type: Int | None = None
    sdp_fmtp_line: str | None = None


MAX_SAMPLES = 5_000
"""Most stats objects in one report; a conference of 1,000 streams stays well below."""

_strict = msgspec.json.Decoder(list[Sample])
_generic = msgspec.json.Decoder(list[dict[str, object]])
_FIELDS = {field.encode_name: field for field in msgspec.structs.fields(Sample)}
_REQUIRED = ("type", "id", "timestamp")


def decode(stats: Raw | bytes) -> tuple[list[Sample], int]:
    """Return the samples of one report, and how many members were of a wrong type.

    A member of a wrong type is unknown (None) in its sample; an object without type, id or
    timestamp is no stats object and raises BadInput, as does anything but an array of objects.
    """
    try:
        samples, damaged = _strict.decode(stats), 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        samples, damaged = _decode_with_care(stats)
    if len(samples) > MAX_SAMPLES:
        raise BadInput(
            "stats of a report", found=f"{len(samples)} objects", allowed=f"{MAX_SAMPLES} at most"
        )
    return samples, damaged


def _decode_with_care(stats: Raw | bytes) -> tuple[list[Sample], int]:
    try:
        objects = _generic.decode(stats)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            "stats of a report", found=str(error), allowed="an array of stats objects"
        ) from None
    samples = []
    damaged = 0
    for found in objects:
        kept = {name: value for name, value in found.items() if _fits(name, value)}
        missing = [name for name in _REQUIRED if name not in kept]
        if missing:
            raise BadInput(
                "a stats object",
                found=f"no usable {' and no '.join(missing)}",
                allowed="text in type and id, milliseconds in timestamp",
            )
        damaged += sum(name in _FIELDS and name not in kept for name in found)
        samples.append(msgspec.convert(kept, Sample))
    return samples, damaged


def _fits(name: str, value: object) -> bool:
    if name not in _FIELDS:
        return False
    try:
        msgspec.convert(value, _FIELDS[name].type)
    except msgspec.ValidationError:
        return False
    return True
