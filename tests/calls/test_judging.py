from datetime import UTC, datetime, timedelta

import pytest

from callstats import calls
from callstats.calls import Call as Judged
from callstats.calls import Participant, Stream
from callstats.store import Rows, Store, tables
from tests.calls.generate import CALL, GOOD, START, Call, Way, Ways, write


def later(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def judge(store: Store, call: Call, *, after: float = 120.0) -> Judged:
    return calls.judge(store, call.app_id, call.id, now=later(call.seconds + after))


def person(judged: Judged, user: str) -> Participant:
    return next(each for each in judged.participants if each.user == user)


def stream(judged: Judged, user: str, remote: str, kind: str, direction: str) -> Stream:
    return next(
        each
        for connection in person(judged, user).connections
        if connection.remote == remote
        for each in connection.streams
        if (each.kind, each.direction) == (kind, direction)
    )


def towards(victim: str, way: Way) -> Ways:
    return lambda _sender, receiver, _second: way if receiver == victim else GOOD


def away_from(culprit: str, way: Way) -> Ways:
    return lambda sender, _receiver, _second: way if sender == culprit else GOOD


def words(judged: Judged) -> dict[str, str]:
    return {each.user: each.verdict.word for each in judged.participants}


# Who is impaired


@pytest.mark.parametrize("is_mesh", [True, False], ids=["mesh", "server"])
def test_a_healthy_call_is_good_and_silent(store: Store, app_id: int, is_mesh: bool) -> None:
    call = Call(app_id=app_id, is_mesh=is_mesh).store_in(store)

    judged = judge(store, call)

    assert judged.call.verdict.word == "good"
    assert judged.call.verdict.sentence == "all is well for all 3"
    assert words(judged) == {"alice": "good", "bob": "good", "carol": "good"}
    assert judged.issues == []


def test_in_a_mesh_who_loses_what_all_send_is_named(store: Store, app_id: int) -> None:
    lossy = towards("alice", Way(loss=0.051))
    call = Call(app_id=app_id, ways=lossy).store_in(store)

    judged = judge(store, call)

    assert words(judged) == {"alice": "poor", "bob": "good", "carol": "good"}
    assert person(judged, "alice").verdict.sentence == (
        "loses 5.1 % of the packets sent to it, from bob and carol; audio MOS 3.3"
    )
    assert judged.call.verdict.sentence == (
        "alice loses 5.1 % of the packets sent to it, from bob and carol; audio MOS 3.3"
    )
    assert {issue.user for issue in judged.issues} == {"alice"}


def test_in_a_mesh_whose_packets_all_lose_is_named(store: Store, app_id: int) -> None:
    lossy = away_from("bob", Way(loss=0.08))
    call = Call(app_id=app_id, people=("alice", "bob", "carol", "dave"), ways=lossy)

    judged = judge(store, call.store_in(store))

    assert person(judged, "bob").verdict.word == "poor"
    assert person(judged, "bob").verdict.sentence == (
        "loses 8.0 % of the packets it sends, to everyone (alice, carol and dave)"
    )
    assert person(judged, "alice").verdict.word == "fair"
    assert (
        person(judged, "alice").verdict.sentence == "gets bob badly, by trouble on the other side"
    )
    assert judged.call.verdict.sentence == (
        "bob loses 8.0 % of the packets it sends, to everyone (alice, carol and dave)"
    )


def test_behind_a_server_who_loses_what_it_sends_down_is_named(store: Store, app_id: int) -> None:
    lossy = towards("alice", Way(loss=0.12, rtt=0.2))
    call = Call(app_id=app_id, is_mesh=False, ways=lossy).store_in(store)

    judged = judge(store, call)

    assert words(judged) == {"alice": "bad", "bob": "good", "carol": "good"}
    assert "from bob and carol" in person(judged, "alice").verdict.sentence


def test_behind_a_server_whose_packets_get_lost_on_the_way_up_is_named(
    store: Store, app_id: int
) -> None:
    lossy = away_from("bob", Way(loss=0.06))
    call = Call(app_id=app_id, is_mesh=False, ways=lossy).store_in(store)

    judged = judge(store, call)

    assert words(judged) == {"alice": "fair", "bob": "poor", "carol": "fair"}
    assert "it sends" in person(judged, "bob").verdict.sentence


def test_of_two_the_one_that_hears_it_is_named(store: Store, app_id: int) -> None:
    lossy = towards("alice", Way(loss=0.051))
    call = Call(app_id=app_id, people=("alice", "bob"), ways=lossy).store_in(store)

    judged = judge(store, call)

    assert words(judged) == {"alice": "poor", "bob": "good"}


def test_a_far_participant_is_named_by_its_round_trips(store: Store, app_id: int) -> None:
    def far(sender: str, receiver: str, _second: float) -> Way:
        return Way(rtt=0.9) if "dave" in (sender, receiver) else GOOD

    call = Call(app_id=app_id, people=("alice", "bob", "carol", "dave"), ways=far)

    judged = judge(store, call.store_in(store))

    assert person(judged, "dave").verdict.word == "bad"
    assert "dave" in judged.call.verdict.sentence.split()[0]


def test_a_frozen_video_is_said(store: Store, app_id: int) -> None:
    frozen = towards("alice", Way(frozen=0.2))
    call = Call(app_id=app_id, ways=frozen).store_in(store)

    judged = judge(store, call)

    assert person(judged, "alice").verdict.word == "bad"
    assert "video frozen 20.0 %" in person(judged, "alice").verdict.sentence
    assert {issue.name for issue in judged.issues} == {"freezes"}


def test_shared_screens_and_thumbnails_are_no_bad_videos(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, ways=away_from("alice", Way(fps=1.0))).store_in(store)

    judged = judge(store, call)

    assert set(words(judged).values()) == {"good"}
    assert judged.issues == []


# Figures


def test_streams_have_the_figures_that_were_made(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, ways=towards("alice", Way(loss=0.1, rtt=0.2))).store_in(store)

    heard = stream(judge(store, call), "alice", "bob", "audio", "inbound")

    assert heard.codec == "audio/opus"
    assert heard.peer == "bob"
    assert (heard.packets, heard.lost) == (2475, 275)
    assert heard.loss == pytest.approx(0.1)
    assert heard.bitrate == pytest.approx(0.9 * 32_000)
    assert heard.rtt == pytest.approx(0.2)
    assert heard.jitter == pytest.approx(0.004)
    assert heard.concealed == pytest.approx(0.1)
    assert heard.duration == 55.0
    assert heard.mos is not None
    assert heard.mos.value == pytest.approx(2.6, abs=0.1)
    assert heard.video is None
    assert heard.verdict is not None
    assert heard.verdict.word == "bad"


def test_what_is_sent_has_what_the_far_end_says(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, ways=towards("alice", Way(loss=0.1, rtt=0.2))).store_in(store)

    sent = stream(judge(store, call), "bob", "alice", "video", "outbound")

    assert (sent.packets, sent.lost) == (3300, 330)
    assert sent.loss == pytest.approx(0.1)
    assert sent.rtt == pytest.approx(0.2)
    assert sent.bitrate == pytest.approx(480_000)
    assert (sent.width, sent.height, sent.fps) == (640, 360, 25.0)
    assert sent.video is not None


def test_figures_of_a_participant_are_over_all_it_receives(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, ways=towards("alice", Way(loss=0.1, frozen=0.02))).store_in(store)

    figures = person(judge(store, call), "alice").figures

    assert figures.loss == pytest.approx(0.1)
    assert figures.received_bitrate == pytest.approx(0.9 * 2 * 512_000)
    assert figures.sent_bitrate == pytest.approx(2 * 512_000)
    assert figures.rtt == pytest.approx(0.04)
    assert figures.jitter == pytest.approx(0.004)
    assert figures.fps == pytest.approx(25.0)
    assert figures.freezes == 2
    assert figures.mos == pytest.approx(2.6, abs=0.1)


def test_a_counter_that_begins_anew_counts_on(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id)
    rows = call.rows()
    again = Call(app_id=app_id, start=START + 60.0)
    again._seq = call._seq
    rows.extend(again.rows())
    write(store, rows)

    heard = stream(judge(store, call), "alice", "bob", "audio", "inbound")

    assert heard.packets == 2 * 2750
    assert heard.bitrate == pytest.approx(32_000)


def test_round_trips_by_rtcp_serve_where_candidate_pairs_are_missing(
    store: Store, app_id: int
) -> None:
    slow = towards("alice", Way(rtt=0.3))
    call = Call(app_id=app_id, has_pairs=False, ways=slow).store_in(store)

    heard = stream(judge(store, call), "bob", "alice", "audio", "inbound")

    assert heard.rtt == pytest.approx(0.3)


def test_transports_tell_what_is_received_where_streams_do_not(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, counts_bytes=False).store_in(store)

    judged = judge(store, call)

    assert stream(judged, "alice", "bob", "audio", "inbound").bitrate is None
    assert person(judged, "alice").figures.received_bitrate == pytest.approx(2 * 512_000)


def test_without_a_codec_there_is_no_mos_but_a_reason(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, codec=None).store_in(store)

    judged = judge(store, call)

    heard = stream(judged, "alice", "bob", "audio", "inbound")
    assert heard.mos is not None
    assert heard.mos.value is None
    assert heard.mos.unknown == "the codec is not known"
    assert person(judged, "alice").figures.mos is None
    assert words(judged)["alice"] == "good"


# Counts


def test_records_that_were_stored_twice_count_once(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id)
    rows = call.rows()
    call.event(rows, "alice", 5.0, "log", "info", data={"message": "hello"})
    call.event(rows, "alice", 6.0, "feedback", data={"overall": 4})
    write(store, rows)
    once = judge(store, call)
    write(store, rows)

    twice = judge(store, call)

    assert twice == once
    assert person(twice, "alice").reports == 24
    assert twice.logs == 1
    assert len(twice.feedback) == 1
    assert twice.call.records == len(rows.by_table["events"]) + len(rows.by_table["reports"])


def test_events_and_errors_are_counted_by_name(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id)
    rows = call.rows()
    for second in (1.0, 2.0, 3.0):
        call.event(rows, "bob", second, "event", "audioMute")
    call.event(rows, "bob", 4.0, "error", "getUserMedia", data={"message": "no camera"})
    call.event(rows, "bob", 5.0, "dropped", data={"outbox full": 7})
    call.event(rows, "bob", 6.0, "dropped", data={"outbox full": 2, "too large": 1})
    write(store, rows)

    bob = person(judge(store, call), "bob")

    assert bob.events["audioMute"] == 3
    assert bob.events["getUserMedia"] == 1
    assert bob.events["connectionstatechange"] == 2
    assert "joined" not in bob.events
    assert bob.dropped == {"outbox full": 9, "too large": 1}


def test_dropped_and_damaged_records_and_gaps_are_an_issue(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"), seconds=120.0)
    rows = call.rows()
    call.event(rows, "bob", 5.0, "dropped", data={"outbox full": 7})
    for table in ("reports", "samples"):
        user = tables.BY_NAME[table].names.index("user")
        rows.by_table[table] = [
            row
            for row in rows.by_table[table]
            if row[user] != "alice" or not START + 40.0 < row[2] < START + 80.0
        ]
    write(store, rows)

    said = {(issue.user, issue.sentence) for issue in judge(store, call).issues}

    assert said == {
        ("bob", "the client dropped 7 records (outbox full)"),
        ("alice", "nothing was reported for 45 s"),
    }


# Presence


def test_a_call_lives_while_somebody_is_there(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, leaves=False).store_in(store)

    judged = judge(store, call, after=10.0)

    assert judged.call.state == "live"
    assert judged.call.ended_at is None
    assert person(judged, "alice").left_at is None
    assert judged.call.started_at == later(0.0)
    assert judged.call.conference == "standup"


def test_a_call_ends_when_everybody_left(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id).store_in(store)

    judged = judge(store, call, after=1.0)

    assert judged.call.state == "ended"
    assert judged.call.ended_at == later(60.1)
    assert person(judged, "bob").joined_at == later(0.0)
    assert person(judged, "bob").left_at == later(60.1)


def test_a_call_ends_after_half_a_minute_of_silence(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, leaves=False).store_in(store)

    judged = judge(store, call, after=31.0)

    assert judged.call.state == "ended"
    assert judged.call.ended_at == later(55.4)
    assert person(judged, "alice").left_at == person(judged, "alice").heard_at == later(55.4)


def test_who_knows_when_a_call_ended_may_say_so(store: Store, app_id: int) -> None:
    Call(app_id=app_id, leaves=False).store_in(store)

    judged = calls.judge(store, app_id, CALL, now=later(61.0), ended_at=later(60.5))

    assert judged.call.state == "ended"
    assert judged.call.ended_at == later(60.5)
    assert person(judged, "bob").left_at == later(55.4)


def test_who_comes_back_has_not_left(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id)
    rows = call.rows()
    call.event(rows, "alice", 65.0, "joined")
    write(store, rows)

    judged = judge(store, call, after=10.0)

    assert person(judged, "alice").left_at is None
    assert judged.call.state == "live"


def test_software_and_clock_of_each_client_are_told(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, skew=3600.5).store_in(store)

    alice = person(judge(store, call), "alice")

    assert alice.agent == "browser"
    assert alice.skew == 3600.5


def test_the_same_user_twice_is_two_participants(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"))
    rows = call.rows()
    identity = ("client-of-the-phone", 1)
    at = START + 1.0
    rows.add(
        "events",
        (
            app_id,
            CALL,
            at,
            at,
            at,
            "standup",
            "alice",
            "phone",
            "",
            "",
            "joined",
            "",
            "",
            *identity,
        ),
    )
    write(store, rows)

    judged = judge(store, call)

    assert [(each.user, each.device) for each in judged.participants] == [
        ("alice", "laptop"),
        ("bob", "laptop"),
        ("alice", "phone"),
    ]
    assert judged.participants[2].verdict.word == "unknown"
    assert (
        judged.call.verdict.sentence == "all is well for 2 of 3; of the others too little is known"
    )


def test_a_call_of_which_only_its_row_is_known_is_empty(store: Store, app_id: int) -> None:
    rows = Rows()
    row = (app_id, CALL, "standup", START, None, "live", 0, 0, "unknown", "", "", 1)
    rows.add("calls", row)
    write(store, rows)

    judged = calls.judge(store, app_id, CALL, now=later(1.0))

    assert judged.call.conference == "standup"
    assert judged.participants == []
    assert judged.call.verdict.word == "unknown"


def test_an_unknown_call_is_an_error_that_names_it(store: Store, app_id: int) -> None:
    with pytest.raises(calls.UnknownCall, match="'nosuchcall'"):
        calls.judge(store, app_id, "nosuchcall", now=later(0.0))


# Connections


def test_connections_have_states_setup_and_candidates(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id).store_in(store)

    found = person(judge(store, call), "alice").connections[0]

    assert (found.id, found.remote) == ("alice-bob", "bob")
    assert [change.state for change in found.states["ice_connection"]] == ["checking", "connected"]
    assert found.states["connection"][0].at == later(0.4)
    assert found.setup.ice_gathering == pytest.approx(0.1)
    assert found.setup.ice_connecting == pytest.approx(0.36)
    assert found.setup.connected == pytest.approx(0.39)
    assert (found.local_candidate, found.remote_candidate, found.protocol) == (
        "host",
        "srflx",
        "udp",
    )
    assert found.rtt == pytest.approx(0.04)
    assert len(found.streams) == 4


def test_a_connection_without_reports_is_there_by_its_events(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"), seconds=0.2).store_in(store)

    found = person(judge(store, call), "alice").connections[0]

    assert found.remote == "bob"
    assert found.streams == []
    assert found.verdict.word == "unknown"


def test_a_failed_connection_makes_its_participants_bad(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"))
    rows = call.rows()
    call.state(rows, call.link("alice", "bob"), 30.0, "connection", "failed")
    write(store, rows)

    judged = judge(store, call)

    assert words(judged) == {"alice": "bad", "bob": "good"}
    assert judged.call.verdict.sentence == "alice reports that the connection to bob failed"
    (issue,) = judged.issues
    assert (issue.name, issue.user, issue.connection) == ("ice_failed", "alice", "alice-bob")


def test_who_leaves_first_leaves_no_issue_behind(store: Store, app_id: int) -> None:
    call = Call(app_id=app_id, people=("alice", "bob"), leaves=False)
    rows = call.rows()
    call.event(rows, "bob", 60.0, "left")
    call.state(rows, call.link("alice", "bob"), 60.5, "iceconnection", "disconnected")
    call.state(rows, call.link("alice", "bob"), 80.0, "iceconnection", "failed")
    call.event(rows, "alice", 90.0, "left")
    write(store, rows)

    assert judge(store, call).issues == []


# Issues


def test_loss_for_a_while_is_one_issue_that_closes(store: Store, app_id: int) -> None:
    def ways(_sender: str, receiver: str, second: float) -> Way:
        return Way(loss=0.06) if receiver == "alice" and 60 <= second < 120 else GOOD

    call = Call(app_id=app_id, people=("alice", "bob"), seconds=240.0, ways=ways).store_in(store)

    (issue,) = [each for each in judge(store, call).issues if each.name == "high_loss"]

    assert issue.closed_at is not None
    assert abs(issue.opened_at - later(60.0)) < timedelta(seconds=10)
    assert abs(issue.closed_at - later(120.0)) < timedelta(seconds=10)
    assert issue.user == "alice"
    assert issue.remote == "bob"
    assert issue.stream is None
    assert issue.evidence["streams"] == 2
    assert (
        issue.sentence == "6.0 % of the audio packets from bob did not arrive (and 1 more stream)"
    )


def test_what_is_sent_and_never_arrives_is_an_issue_of_the_receiver(
    store: Store, app_id: int
) -> None:
    def ways(sender: str, _receiver: str, second: float) -> Way:
        return Way(arrives=False) if sender == "bob" and second >= 30 else GOOD

    call = Call(app_id=app_id, people=("alice", "bob"), seconds=90.0, ways=ways).store_in(store)

    judged = judge(store, call)

    found = {
        (issue.user, issue.sentence[:26]) for issue in judged.issues if issue.name == "no_media"
    }
    assert found == {
        ("alice", "no audio arrived from bob "),
        ("alice", "no video arrived from bob "),
    }
