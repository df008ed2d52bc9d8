"""A call as clients measured it: the rows that three participants' reports become.

alice, bob and carol in a full mesh; 5 % of the packets towards bob get lost and his round trips
take 250 ms; carol's client reports nothing for a while, which is a gap and no dip.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from callstats.store import Rows
from callstats.wire import Sample

USERS = ("alice", "bob", "carol")
LOSS, SLOW, FAST = 0.05, 0.25, 0.02
SECONDS = 30
SILENT = ("carol", range(11, 20))
"""Whose reports are missing, and when."""

_ENCODE = msgspec.json.Encoder()
_COLUMNS = Sample.__struct_fields__


def rows(
    app_id: int,
    call_id: str,
    conference: str,
    started: float,
    *,
    until: int = SECONDS,
    is_over: bool = True,
) -> Rows:
    """Return everything that the store keeps of such a call before it is concluded."""
    found = Rows()
    found.add(
        "calls",
        (
            app_id,
            call_id,
            conference,
            started,
            None,
            "live",
            3,
            0,
            "unknown",
            "too early to tell",
            "",
            1,
        ),
    )
    for user in USERS:
        for table, row in _records(app_id, call_id, conference, started, user, until):
            if is_over or "left" not in row:
                found.add(table, row)
    return found


def _records(
    app_id: int, call_id: str, conference: str, started: float, user: str, until: int
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    client, device, seq = f"client-{user}-{call_id}"[:64], f"{user}'s laptop", 0

    def event(at: float, kind: str, name: str, data: object, remote: str = "") -> tuple[Any, ...]:
        connection = f"{user}-{remote}" if remote else ""
        text = "" if data is None else _ENCODE.encode(data).decode()
        return (
            app_id,
            call_id,
            at,
            at,
            at,
            conference,
            user,
            device,
            connection,
            remote,
            kind,
            name,
            text,
            client,
            seq,
        )

    yield "clients", (app_id, client, 1000, started, started, 0.0, "callstats test", user, device)
    for at, kind, name, data, remote in _happenings(user):
        seq += 1
        yield "events", event(started + at, kind, name, data, remote)
    for second in range(1, until + 1):
        if user == SILENT[0] and second in SILENT[1]:
            continue
        for remote in USERS:
            if remote == user:
                continue
            seq += 1
            at = started + second
            place = (user, device, f"{user}-{remote}", remote, client, seq)
            samples = stats(user, remote, second, at)
            payload = _ENCODE.encode(samples).decode()
            yield "reports", (app_id, call_id, at, at, at, *place, payload, len(samples), 0)
            for sample in samples:
                values = (getattr(sample, name) for name in _COLUMNS)
                yield "samples", (app_id, call_id, at, at, *place, *values)


def _happenings(user: str) -> Iterator[tuple[float, str, str, object, str]]:
    yield 0.0, "joined", "", {"agent": "callstats test", "platform": {"os": "Linux"}}, ""
    for remote in USERS:
        if remote != user:
            for at, state in ((0.1, "new"), (0.2, "connecting"), (0.6, "connected")):
                yield at, "event", "connectionstatechange", {"state": state}, remote
            yield 0.6, "event", "iceconnectionstatechange", {"state": "connected"}, remote
    if user == "bob":
        yield 9.0, "error", "setRemoteDescription", {"message": "wrong state: stable"}, "alice"
        yield 14.0, "log", "warning", {"message": "camera is slow"}, ""
        yield 29.0, "feedback", "", {"overall": 2, "comment": "choppy <b>sound</b>"}, ""
        yield 29.5, "dropped", "", {"outbox full": 12}, ""
    yield 30.5, "left", "", None, ""


def stats(user: str, remote: str, second: int, at: float) -> Sequence[Sample]:
    """Return one getStats result of one connection."""
    inbound_loss = LOSS if user == "bob" else 0.0
    outbound_loss = LOSS if remote == "bob" else 0.0
    rtt = SLOW if "bob" in {user, remote} else FAST
    number = 10 * USERS.index(user) + USERS.index(remote)
    moment = at * 1000
    received = [
        _received(
            kind, ssrc + 10 * USERS.index(remote) + USERS.index(user), second, moment, inbound_loss
        )
        for kind, ssrc in (("audio", 1000), ("video", 2000))
    ]
    sent = [
        sample
        for kind, ssrc in (("audio", 1000), ("video", 2000))
        for sample in _sent(kind, ssrc + number, second, moment, outbound_loss, rtt)
    ]
    path = [
        Sample(
            type="transport",
            id="T1",
            timestamp=moment,
            selected_candidate_pair_id="CP1",
            dtls_state="connected",
            ice_state="connected",
        ),
        Sample(
            type="candidate-pair",
            id="CP1",
            timestamp=moment,
            transport_id="T1",
            state="succeeded",
            nominated=True,
            local_candidate_id="L1",
            remote_candidate_id="R1",
            current_round_trip_time=rtt,
        ),
        Sample(
            type="local-candidate", id="L1", timestamp=moment, candidate_type="host", protocol="udp"
        ),
        Sample(
            type="remote-candidate",
            id="R1",
            timestamp=moment,
            candidate_type="host",
            protocol="udp",
        ),
        Sample(
            type="codec",
            id="COaudio",
            timestamp=moment,
            mime_type="audio/opus",
            clock_rate=48_000,
            channels=2,
            payload_type=111,
        ),
        Sample(
            type="codec",
            id="COvideo",
            timestamp=moment,
            mime_type="video/VP8",
            clock_rate=90_000,
            payload_type=96,
        ),
    ]
    return [*received, *sent, *path]


def _received(kind: str, ssrc: int, second: int, moment: float, loss: float) -> Sample:
    rate = 50 if kind == "audio" else 130
    lost = round(rate * second * loss)
    packets = rate * second - lost
    common: dict[str, Any] = {
        "type": "inbound-rtp",
        "id": f"I{ssrc}",
        "timestamp": moment,
        "ssrc": ssrc,
        "kind": kind,
        "codec_id": f"CO{kind}",
        "packets_received": packets,
        "packets_lost": lost,
        "bytes_received": packets * (100 if kind == "audio" else 1_100),
        "jitter": 0.003 + loss / 4,
        "jitter_buffer_delay": packets * 0.06,
        "jitter_buffer_emitted_count": packets,
    }
    if kind == "audio":
        common |= {
            "total_samples_received": 48_000 * second,
            "concealed_samples": round(48_000 * second * loss * 0.9),
            "silent_concealed_samples": 0,
        }
    else:
        fps = 16 if loss else 30
        common |= {
            "frames_decoded": fps * second,
            "frames_received": fps * second,
            "frames_per_second": float(fps),
            "frame_width": 640,
            "frame_height": 360,
            "freeze_count": second // 6 if loss else 0,
            "total_freezes_duration": second // 6 * 0.7 if loss else 0.0,
        }
    return Sample(**common)


def _sent(
    kind: str, ssrc: int, second: int, moment: float, loss: float, rtt: float
) -> Sequence[Sample]:
    packets = (50 if kind == "audio" else 130) * second
    video: dict[str, Any] = (
        {
            "frames_encoded": 30 * second,
            "frames_sent": 30 * second,
            "frames_per_second": 30.0,
            "frame_width": 640,
            "frame_height": 360,
        }
        if kind == "video"
        else {}
    )
    return [
        Sample(
            type="outbound-rtp",
            id=f"O{ssrc}",
            timestamp=moment,
            ssrc=ssrc,
            kind=kind,
            codec_id=f"CO{kind}",
            remote_id=f"RI{ssrc}",
            packets_sent=packets,
            bytes_sent=packets * (100 if kind == "audio" else 1_100),
            **video,
        ),
        Sample(
            type="remote-inbound-rtp",
            id=f"RI{ssrc}",
            timestamp=moment,
            ssrc=ssrc,
            kind=kind,
            local_id=f"O{ssrc}",
            packets_lost=round(packets * loss),
            jitter=0.004,
            fraction_lost=loss,
            round_trip_time=rtt,
        ),
    ]
