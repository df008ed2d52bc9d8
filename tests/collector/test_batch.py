"""A batch is stored once, whole or in part, and answered truthfully."""

import gzip
import json
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from callstats.access import App, Tokens, call_ids, server_key
from callstats.store import Store

from .conftest import Peer, Sender

ROOM = "standup"


def stats(n: int) -> list[dict[str, Any]]:
    """Three stats objects: one that moves, one that stays, one that is unknown to us."""
    at = time.time() * 1000
    return [
        {"type": "inbound-rtp", "id": "I1", "timestamp": at, "ssrc": 5, "packetsReceived": n},
        {"type": "codec", "id": "C1", "timestamp": at, "mimeType": "audio/opus"},
        {"type": "surprise", "id": "S1", "timestamp": at, "newMember": [1, {"a": None}]},
    ]


def count(store: Store, table: str, app: App) -> int:
    rows = store.query_sql(f"SELECT uniqExact(client, seq) AS n FROM {table}", app_id=app.app_id)
    return int(rows.column("n")[0].as_py())


def test_what_is_acknowledged_can_be_read_back(sender: Sender, app: App, reader: Peer) -> None:
    answer = sender.send(
        sender.record("joined", conference=ROOM),
        sender.record("event", conference=ROOM, name="mute", data={"kind": "audio"}),
        sender.record("report", conference=ROOM, connection="pc1", remote="bob", stats=stats(1)),
        sender.record("log", conference=ROOM, message="hello"),
    )

    assert answer["stored"] == 4
    assert answer["refused"] == []
    call = reader.get(f"/api/v1/calls/{answer['calls'][ROOM]}")
    assert call["call"]["conference"] == ROOM
    assert call["call"]["app_id"] == app.app_id
    assert call["logs"] == 1
    (alice,) = call["participants"]
    assert (alice["user"], alice["reports"], alice["events"]) == ("alice", 1, {"mute": 1})


def test_a_call_id_is_genuine(sender: Sender, app: App, own_store: Store) -> None:
    answer = sender.send(sender.record("joined", conference=ROOM))

    assert call_ids.is_genuine(server_key(own_store), app.app_id, answer["calls"][ROOM])


def test_a_report_is_kept_as_it_came(sender: Sender, reader: Peer) -> None:
    sent = stats(1)
    answer = sender.send(sender.record("report", conference=ROOM, connection="pc1", stats=sent))

    reply = reader.ask("GET", f"/api/v1/calls/{answer['calls'][ROOM]}/reports")

    (report,) = [json.loads(line) for line in reply.data.splitlines()]
    assert report["stats"] == sent


def test_what_stays_the_same_is_a_sample_once(sender: Sender, app: App, own_store: Store) -> None:
    for n in range(1, 4):
        sender.send(
            sender.record("report", conference=ROOM, connection="pc1", stats=stats(n)),
            sender.record("report", conference=ROOM, connection="pc2", stats=stats(n)),
        )

    rows = own_store.query_sql(
        "SELECT type, count() AS n FROM samples GROUP BY type ORDER BY type", app_id=app.app_id
    ).to_pylist()
    assert rows == [
        {"type": "codec", "n": 2},
        {"type": "inbound-rtp", "n": 6},
        {"type": "surprise", "n": 2},
    ]


def test_a_repeat_counts_once(sender: Sender, app: App, own_store: Store) -> None:
    body = sender.body(
        sender.record("joined", conference=ROOM),
        sender.record("report", conference=ROOM, connection="pc1", stats=stats(1)),
    )

    first, *repeats = [sender.post(body).json() for _ in range(4)]

    assert all(repeat == first for repeat in repeats)
    assert first["stored"] == 2
    assert first["calls"]
    assert count(own_store, "events", app) == 1
    assert own_store.query_sql("SELECT 1 FROM reports", app_id=app.app_id).num_rows == 1


def test_a_batch_that_overlaps_the_one_before_adds_only_what_is_new(
    sender: Sender, app: App, own_store: Store
) -> None:
    records = [sender.record("event", conference=ROOM, name=f"e{n}") for n in range(4)]
    sender.send(*records[:3])

    answer = sender.send(*records[1:])

    assert answer["stored"] == 4
    assert own_store.query_sql("SELECT 1 FROM events", app_id=app.app_id).num_rows == 4


def test_a_batch_sent_twice_at_the_same_time_is_stored_once(
    sender: Sender, app: App, own_store: Store
) -> None:
    body = sender.body(*(sender.record("event", conference=ROOM, name="e") for _ in range(20)))

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: sender.post(body), range(8)))

    assert {reply.json()["stored"] for reply in replies} == {20}
    assert own_store.query_sql("SELECT 1 FROM events", app_id=app.app_id).num_rows == 20


def test_a_sequence_number_used_twice_in_a_batch_counts_once(
    sender: Sender, app: App, own_store: Store
) -> None:
    record = sender.record("event", conference=ROOM, name="e")

    sender.send(record, record)

    assert own_store.query_sql("SELECT 1 FROM events", app_id=app.app_id).num_rows == 1


def test_many_who_join_one_conference_at_the_same_moment_are_in_one_call(
    new_sender: Callable[[], Sender],
) -> None:
    senders = [new_sender() for _ in range(12)]

    def join(sender: Sender) -> Any:
        return sender.send({**sender.record("joined", conference=ROOM), "user": sender.client})

    with ThreadPoolExecutor(len(senders)) as pool:
        answers = list(pool.map(join, senders))

    assert len({answer["calls"][ROOM] for answer in answers}) == 1


def test_being_alive_keeps_a_call_and_is_not_kept_itself(
    sender: Sender, app: App, own_store: Store
) -> None:
    joined = sender.send(sender.record("joined", conference="quiet"))
    alive = sender.send(sender.record("alive", conference="quiet"))

    assert alive["stored"] == joined["stored"] + 1
    assert alive["calls"] == joined["calls"]
    assert count(own_store, "events", app) == 1


def test_a_bad_line_costs_that_line_only(sender: Sender, app: App, own_store: Store) -> None:
    good = [sender.record("event", conference=ROOM, name="e") for _ in range(2)]
    wrong_type = sender.record("event", conference=ROOM, name=5)
    unknown = sender.record("dance", conference=ROOM)
    no_stats = sender.record("report", conference=ROOM, connection="pc", stats=[{"id": 1}])
    no_utf8 = json.dumps(sender.record("event", name="e", data="?")).encode()

    body = sender.body(
        good[0],
        b"{ no json",
        wrong_type,
        unknown,
        no_stats,
        no_utf8.replace(b"?", b"\xff"),
        good[1],
    )

    answer = sender.post(body).json()

    assert answer["stored"] == 2
    refused = {each["line"]: each for each in answer["refused"]}
    assert sorted(refused) == [3, 4, 5, 6, 7]
    assert refused[3]["reason"] == "no JSON"
    assert refused[4]["seq"] == wrong_type["seq"]
    assert all(each["found"] and each["allowed"] for each in refused.values())
    assert sender.post(body).json() == answer
    assert own_store.query_sql("SELECT 1 FROM events", app_id=app.app_id).num_rows == 2


def test_a_number_no_column_can_hold_costs_that_number_only(sender: Sender, app: App) -> None:
    huge = [{"type": "inbound-rtp", "id": "I1", "timestamp": 1.0, "packetsReceived": 2**70}]

    answer = sender.send(sender.record("report", conference=ROOM, connection="pc", stats=huge))

    assert answer == {"stored": 1, "refused": [], "calls": answer["calls"], "error": None}


def test_a_record_that_is_too_old_is_refused_and_told_so(sender: Sender) -> None:
    answer = sender.send(
        sender.record("event", name="old", at=time.time() - 30 * 86_400),
        sender.record("event", name="new"),
    )

    (refusal,) = answer["refused"]
    assert answer["stored"] == 2
    assert (refusal["reason"], refusal["found"]) == ("too old", "30 days before it was sent")


def test_a_clock_that_is_ahead_is_accepted_corrected_and_shown(
    sender: Sender, reader: Peer
) -> None:
    began = time.time()
    ahead = began + 3600

    answer = sender.send(
        sender.record("joined", conference=ROOM, at=ahead - 1),
        sender.record("event", conference=ROOM, name="e", at=ahead),
        sent_at=ahead,
    )

    call_id = answer["calls"][ROOM]
    (alice,) = reader.get(f"/api/v1/calls/{call_id}")["participants"]
    assert abs(alice["skew"] - 3600) < 30
    assert call_ids.issued_at(call_id) < began + 60


def test_the_end_of_time_is_a_time_too(sender: Sender) -> None:
    answer = sender.send(sender.record("event", name="e", at=8.6e12), sent_at=8.64e12)

    assert answer["stored"] == 1 or answer["refused"][0]["reason"] == "too old"


def test_a_second_call_of_the_conference_is_another_call(sender: Sender) -> None:
    answers = [
        sender.send(sender.record("joined", conference=ROOM, at=time.time() - ago))
        for ago in (600, 0)
    ]

    assert answers[0]["calls"] != answers[1]["calls"]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
    ],
    ids=["identity", "gzip", "deflate", "raw deflate"],
)
def test_the_usual_encodings_are_read(
    sender: Sender, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = sender.body(sender.record("event", name="e"))

    assert sender.post(encode(body), Content_Encoding=encoding).json()["stored"] == 1


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Content_Type": "text/plain"}, "text/plain"),
        ({"Content_Encoding": "br"}, "br"),
    ],
)
def test_another_type_or_encoding_is_told_415(
    sender: Sender, headers: dict[str, str], found: str
) -> None:
    reply = sender.post(sender.body(), **headers)

    error = reply.json()["error"]
    assert (reply.status, error["code"], error["found"]) == (415, "unsupported_media_type", found)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"event"}', b'{"type":"batch"}'])
def test_a_header_that_cannot_be_read_is_told_400(sender: Sender, body: bytes) -> None:
    reply = sender.post(body)

    error = reply.json()["error"]
    assert (reply.status, error["code"]) == (400, "bad_input")
    assert error["allowed"] == "a batch header of version 1"


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"x" * 99)[:-10]])
def test_a_damaged_encoding_is_told_400(sender: Sender, body: bytes) -> None:
    reply = sender.post(body, Content_Encoding="gzip")

    assert (reply.status, reply.json()["error"]["code"]) == (400, "bad_encoding")


def test_a_body_of_two_megabytes_is_told_413(sender: Sender) -> None:
    reply = sender.post(b"x" * 2_000_000)

    error = reply.json()["error"]
    assert (reply.status, error["code"]) == (413, "body_too_large")
    assert error["allowed"] == "1048576 bytes after inflation"


def test_a_gzip_bomb_is_told_413(sender: Sender) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    assert len(bomb) < 250_000

    reply = sender.post(bomb, Content_Encoding="gzip")

    assert (reply.status, reply.json()["error"]["code"]) == (413, "body_too_large")


def test_without_a_token_nothing_is_taken(sender: Sender) -> None:
    sender.token = None

    reply = sender.post(sender.body())

    assert (reply.status, reply.json()["error"]["code"]) == (401, "token_missing")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_told_in_the_known_words(
    sender: Sender, app: App, tokens: Tokens
) -> None:
    sender.token = tokens.issue("send", app.app_id, seconds=-1)

    reply = sender.post(sender.body())

    assert reply.status == 401
    assert reply.json()["error"] == {"code": "token_expired", "message": "Token has expired"}


def test_a_token_of_another_server_is_refused(sender: Sender, app: App) -> None:
    sender.token = Tokens(b"another server's key").issue("send", app.app_id)

    reply = sender.post(sender.body())

    assert (reply.status, reply.json()["error"]["code"]) == (401, "token_invalid")


def test_a_token_to_read_is_none_to_send(sender: Sender, app: App, tokens: Tokens) -> None:
    sender.token = tokens.issue("read", app.app_id)

    reply = sender.post(sender.body())

    error = reply.json()["error"]
    assert (reply.status, error["code"]) == (403, "wrong_scope")
    assert (error["found"], error["allowed"]) == ("read", "send")


def test_a_token_for_every_app_cannot_send(admin: Peer, sender: Sender) -> None:
    sender.token = admin.token

    assert sender.post(sender.body()).status == 403


def test_a_body_may_hold_the_words_of_the_world(sender: Sender, reader: Peer) -> None:
    room = "Прямая 🎧 \u0000 \"'\\ اتصال"

    answer = sender.send(sender.record("event", conference=room, name="名前", data={"ü": "\u2028"}))

    call = reader.get(f"/api/v1/calls/{answer['calls'][room]}")
    assert call["call"]["conference"] == room
    assert call["participants"][0]["events"] == {"名前": 1}
