"""Calls as the finisher would conclude them: healthy, impaired, empty, huge and nasty ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from callstats.calls import (
    Call,
    Connection,
    Feedback,
    Figures,
    Head,
    Issue,
    Participant,
    Setup,
    StateChange,
    Stream,
)
from callstats.quality import Score, Verdict, Word

Direction = Literal["inbound", "outbound"]

START = datetime(2026, 11, 22, 12, 3, 4, 250_000, tzinfo=UTC)
APP = 123_456_789
FORMULA = "E-model (ITU-T G.107.2): R = 148 - Id(Ta) - Ie,eff(Ppl, Bpl); MOS = f(R / 1.48)"

NASTY = (
    '<script>alert("owned")</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)' x='",
    "\u202eevil\u202c שלום مرحبا",
    "👩‍👩‍👧‍👦 Zoë Ñandú 🎉",
    "long " + "wwwwwwwwww" * 50,
    "{{ 7 * 7 }}{% raw %}",
    "a\nb\tc\u0000d",
    "javascript:alert(1)",
)


def after(seconds: float) -> datetime:
    """Return a moment of the examples."""
    return START + timedelta(seconds=seconds)


def verdict(word: Word, sentence: str, *reasons: str) -> Verdict:
    return Verdict(word=word, sentence=sentence, reasons=reasons)


def audio(
    direction: Direction = "inbound",
    *,
    ssrc: int,
    loss: float = 0.0,
    rtt: float = 0.012,
    mos: float = 4.41,
) -> Stream:
    word: Word = "good" if mos > 4 else "poor"
    return Stream(
        id=f"{'IT' if direction == 'inbound' else 'OT'}01A{ssrc}",
        ssrc=ssrc,
        kind="audio",
        direction=direction,
        codec="opus",
        packets=1497 - round(1497 * loss),
        lost=round(1497 * loss),
        loss=loss,
        rtt=rtt,
        jitter=0.004 + loss / 5,
        bitrate=41_300.0,
        concealed=loss * 0.8,
        mos=Score(
            value=mos,
            formula=FORMULA,
            inputs={"loss": loss, "one_way_delay": rtt / 2 + 0.04, "codec": "opus", "bpl": None},
        ),
        verdict=verdict(word, f"{'clear' if word == 'good' else 'broken up'} audio, MOS {mos:.2f}"),
        duration=30.0,
    )


def video(
    direction: Direction = "inbound",
    *,
    ssrc: int,
    loss: float = 0.0,
    rtt: float = 0.012,
    fps: float = 29.9,
) -> Stream:
    word: Word = "good" if fps > 25 else "poor"
    return Stream(
        id=f"{'IT' if direction == 'inbound' else 'OT'}01V{ssrc}",
        ssrc=ssrc,
        kind="video",
        direction=direction,
        codec="VP8",
        packets=4012 - round(4012 * loss),
        lost=round(4012 * loss),
        loss=loss,
        rtt=rtt,
        jitter=0.006 + loss / 4,
        bitrate=1_243_900.0 * (1 - 3 * loss),
        fps=fps,
        width=640,
        height=360,
        freezes=0 if word == "good" else 4,
        freeze_duration=0.0 if word == "good" else 3.1,
        video=Score(
            value=4.3 if word == "good" else 2.4,
            formula="ours: 5 - lost frames - freezes",
            inputs={"fps": fps},
        ),
        verdict=verdict(word, "smooth video" if word == "good" else "video froze 4 times"),
        duration=30.0,
    )


def connection(
    user: str, remote: str, number: int, *, loss: float = 0.0, delay: float = 0.0
) -> Connection:
    rtt = 0.012 + delay
    return Connection(
        id=f"{number:016x}",
        remote=remote,
        states={
            "connection": [
                StateChange(at=after(0.1), state="new"),
                StateChange(at=after(0.3), state="connecting"),
                StateChange(at=after(0.72), state="connected"),
            ],
            "ice_connection": [
                StateChange(at=after(0.3), state="checking"),
                StateChange(at=after(0.6), state="connected"),
            ],
            "ice_gathering": [StateChange(at=after(0.31), state="complete")],
            "signaling": [StateChange(at=after(0.4), state="stable")],
        },
        setup=Setup(ice_gathering=0.21, ice_connecting=0.31, connected=0.62),
        local_candidate="host",
        remote_candidate="host",
        protocol="udp",
        rtt=rtt,
        verdict=(
            verdict(
                "bad",
                f"{loss:.1%} of what {remote} sends to {user} is lost; RTT {rtt * 1000:.0f} ms",
            )
            if loss
            else verdict("good", "steady in both directions")
        ),
        streams=[
            audio(ssrc=1000 + number, loss=loss, rtt=rtt, mos=2.61 if loss else 4.41),
            video(ssrc=2000 + number, loss=loss, rtt=rtt, fps=17.4 if loss else 29.9),
            audio("outbound", ssrc=3000 + number, rtt=rtt),
            video("outbound", ssrc=4000 + number, rtt=rtt),
        ],
    )


def participant(
    user: str, connections: Sequence[Connection], *, word: Word = "good", device: str = "d1"
) -> Participant:
    is_bad = word in {"poor", "bad"}
    return Participant(
        user=user,
        device=device,
        joined_at=after(0),
        left_at=after(31),
        agent="callstats/0.1.0 wrtc/0.1.0 Python/3.11.7 Linux",
        reports=12,
        events={"connectionstatechange": 6, "track": 4, "audioMute": 1},
        dropped={},
        heard_at=after(30.5),
        skew=0.004,
        figures=Figures(
            sent_bitrate=2_540_000.0,
            received_bitrate=2_130_000.0 if is_bad else 2_552_000.0,
            loss=0.0512 if is_bad else 0.0,
            rtt=0.1313 if is_bad else 0.0121,
            jitter=0.0187 if is_bad else 0.0042,
            fps=17.4 if is_bad else 29.9,
            freezes=8 if is_bad else 0,
            mos=2.61 if is_bad else 4.41,
        ),
        verdict=(
            verdict(
                word,
                f"{user} receives badly: 5.1 % of the packets towards {user} are lost",
                "loss 5.1 % (2 % is still fair)",
                "audio MOS 2.61",
            )
            if is_bad
            else verdict(word, f"{user} hears and sees the others well")
        ),
        connections=connections,
    )


def issue(user: str, remote: str | None = None, **changes: object) -> Issue:
    facts: dict[str, object] = {
        "name": "high_loss",
        "opened_at": after(6),
        "closed_at": after(24),
        "severity": "severe",
        "user": user,
        "device": "d1",
        "remote": remote,
        "kind": "audio",
        "sentence": f"{user} lost 5.1 % of the packets from {remote}",
        "evidence": {"loss": 0.0512, "allowed": 0.02},
    }
    return Issue(**{**facts, **changes})  # type: ignore[arg-type]


def head(conference: str, found: Verdict, *, call_id: str, **changes: object) -> Head:
    facts: dict[str, object] = {
        "id": call_id,
        "conference": conference,
        "app_id": APP,
        "started_at": after(0),
        "ended_at": after(31),
        "state": "ended",
        "verdict": found,
    }
    return Head(**{**facts, **changes})  # type: ignore[arg-type]


def healthy(call_id: str = "0healthy000000000000000000") -> Call:
    """Three in a full mesh, nothing wrong."""
    return mesh(call_id, "standup", ("alice", "bob", "carol"), impaired=None)


def impaired(call_id: str = "0impaired00000000000000000") -> Call:
    """The same, but bob's way in loses 5 % and takes 120 ms longer."""
    return mesh(call_id, "weekly review", ("alice", "bob", "carol"), impaired="bob")


def mesh(call_id: str, conference: str, users: Sequence[str], *, impaired: str | None) -> Call:
    people = []
    for index, user in enumerate(users):
        is_bad = user == impaired
        connections = [
            connection(
                user,
                remote,
                100 * index + other,
                loss=0.0512 if is_bad else 0.0,
                delay=0.12 if is_bad or remote == impaired else 0.0,
            )
            for other, remote in enumerate(users)
            if remote != user
        ]
        people.append(participant(user, connections, word="bad" if is_bad else "good"))
    found = (
        verdict(
            "bad",
            f"{impaired} loses 5 % of everything sent to them; the others are fine",
            f"loss towards {impaired} from every side: their downlink",
        )
        if impaired
        else verdict("good", "everybody heard and saw everybody well")
    )
    issues = (
        [
            issue(impaired, "alice"),
            issue(impaired, "carol", opened_at=after(5), closed_at=None),
            issue(
                impaired,
                "alice",
                name="freeze",
                severity="warning",
                kind="video",
                opened_at=after(12),
                closed_at=after(13.2),
                sentence=f"{impaired} saw alice frozen for 1.2 s",
                evidence={"freezes": 2, "longest": 1.2},
            ),
        ]
        if impaired
        else []
    )
    feedback = (
        [
            Feedback(
                at=after(31),
                user=impaired,
                device="d1",
                overall=2,
                audio=2,
                video=3,
                comment="could hardly understand anybody",
            )
        ]
        if impaired
        else []
    )
    return Call(
        call=head(conference, found, call_id=call_id),
        participants=people,
        issues=issues,
        feedback=feedback,
        logs=3,
    )


def empty(call_id: str = "0empty00000000000000000000") -> Call:
    """A call of which nothing is known but that it began."""
    return Call(
        call=head(
            "empty room",
            verdict("unknown", "nothing was measured"),
            call_id=call_id,
            ended_at=None,
            state="live",
        ),
        participants=[],
        issues=[],
        feedback=[],
        logs=0,
    )


def huge(call_id: str = "0huge000000000000000000000", people: int = 50) -> Call:
    """Fifty behind a media server: one connection each, a hundred streams on it."""
    crowd = []
    for index in range(people):
        is_bad = index == 37
        streams = [
            stream
            for other in range(people)
            if other != index
            for stream in (
                audio(
                    ssrc=10_000 + 100 * index + other,
                    loss=0.08 if is_bad else 0.001,
                    mos=2.2 if is_bad else 4.3,
                ),
                video(ssrc=50_000 + 100 * index + other, fps=11 if is_bad else 24.9),
            )
        ]
        one = connection(f"user {index}", "bridge", index)
        whole = replace(one, streams=streams)
        crowd.append(participant(f"user {index}", [whole], word="bad" if is_bad else "good"))
    return Call(
        call=head("all hands", verdict("poor", "user 37 receives badly"), call_id=call_id),
        participants=crowd,
        issues=[issue("user 37", "bridge")],
        feedback=[],
        logs=0,
    )


def nasty(call_id: str = "0nasty00000000000000000000") -> Call:
    """Every string a client controls is hostile or at least unusual."""
    people = []
    for index, name in enumerate(NASTY):
        one = participant(name, [connection(name, NASTY[index - 1], index)], device=name)
        people.append(
            replace(
                one,
                agent=name,
                events={name: 2},
                dropped={name: 17},
                skew=-93.0,
                verdict=verdict("fair", f"{name} is fair", name),
            )
        )
    return Call(
        call=head(NASTY[0] + NASTY[4], verdict("fair", NASTY[1], *NASTY), call_id=call_id),
        participants=people,
        issues=[
            issue(name, name, device=name, kind=name, sentence=name, evidence={name: name})
            for name in NASTY
        ],
        feedback=[
            Feedback(
                at=after(30),
                user=name,
                device=name,
                overall=1,
                audio=None,
                video=None,
                comment=name,
            )
            for name in NASTY
        ],
        logs=0,
    )


def everything() -> list[Call]:
    """Return every example."""
    return [healthy(), impaired(), empty(), huge(), nasty()]


def of_app(call: Call, app_id: int, **changes: object) -> Call:
    """Return the same call in another app, with other facts in its head."""
    return replace(call, call=replace(call.call, app_id=app_id, **changes))
