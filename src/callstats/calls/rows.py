"""How is a judged call written down? As rows of the concluded tables, one version for all."""

from typing import Any

import msgspec

from callstats.calls.model import Call, Connection, Issue, Participant, Stream
from callstats.store import Rows

_encoder = msgspec.json.Encoder()


def conclusions(call: Call, *, version: int) -> Rows:
    """Return the rows that say what is known of the call; a higher version replaces a lower."""
    rows = Rows()
    for participant in call.participants:
        rows.add("participants", _participant(call, participant, version))
        for connection in participant.connections:
            for stream in connection.streams:
                rows.add("streams", _stream(call, participant, connection, stream, version))
    for issue in call.issues:
        rows.add("issues", _issue(call, issue, version))
    for said in call.feedback:
        ratings = (said.overall, said.audio, said.video, said.comment or "")
        place = (said.at, said.user, said.device)
        rows.add("feedback", (*_judged(call), *place, *ratings, version))
    rows.add("calls", _call(call, version))
    return rows


def _judged(call: Call) -> tuple[Any, ...]:
    return call.call.app_id, call.call.id, call.call.started_at


def _call(call: Call, version: int) -> tuple[Any, ...]:
    head = call.call
    return (
        head.app_id,
        head.id,
        head.conference,
        head.started_at,
        head.ended_at,
        head.state,
        len(call.participants),
        len(call.issues),
        head.verdict.word,
        head.verdict.sentence,
        _encoder.encode(call).decode() if head.state == "ended" else "",
        version,
    )


def _participant(call: Call, participant: Participant, version: int) -> tuple[Any, ...]:
    figures = participant.figures
    return (
        *_judged(call),
        participant.user,
        participant.device,
        participant.joined_at,
        participant.left_at,
        participant.agent or "",
        participant.reports,
        participant.skew,
        figures.sent_bitrate,
        figures.received_bitrate,
        figures.loss,
        figures.rtt,
        figures.jitter,
        figures.fps,
        figures.freezes,
        figures.mos,
        participant.verdict.word,
        participant.verdict.sentence,
        version,
    )


def _stream(
    call: Call, participant: Participant, connection: Connection, stream: Stream, version: int
) -> tuple[Any, ...]:
    return (
        *_judged(call),
        participant.user,
        participant.device,
        connection.id,
        connection.remote or "",
        stream.direction,
        stream.id,
        stream.ssrc,
        stream.kind or "",
        stream.codec or "",
        stream.packets,
        stream.lost,
        stream.loss,
        stream.rtt,
        stream.jitter,
        stream.bitrate,
        stream.fps,
        stream.width,
        stream.height,
        stream.freezes,
        stream.freeze_duration,
        stream.concealed,
        stream.mos.value if stream.mos else None,
        stream.video.value if stream.video else None,
        stream.duration,
        stream.verdict.word if stream.verdict else "unknown",
        stream.verdict.sentence if stream.verdict else "",
        version,
    )


def _issue(call: Call, issue: Issue, version: int) -> tuple[Any, ...]:
    return (
        *_judged(call),
        issue.name,
        issue.opened_at,
        issue.closed_at,
        issue.severity,
        issue.user,
        issue.device,
        issue.connection or "",
        issue.remote or "",
        issue.stream or "",
        issue.kind or "",
        issue.sentence,
        _encoder.encode(issue.evidence).decode(),
        version,
    )
