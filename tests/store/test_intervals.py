"""What the question ``intervals`` makes of known samples."""

from typing import Any

import pytest

from callstats.store import Store
from tests.store.made import NOW, row

Interval = dict[str, Any]


def sample(app_id: int, seq: int, **cells: Any) -> tuple[Any, ...]:
    """One sample of report ``seq``, taken 5 s after the one before by both clocks."""
    at = cells.pop("at", NOW + 5 * seq)
    given = {
        "call": "c",
        "user": "alice",
        "device": "d",
        "connection": "pc",
        "client": "client-1",
        "type": "inbound-rtp",
        "id": "I1",
        "kind": "audio",
        "ssrc": 7,
        "timestamp": at * 1000,
    }
    return row("samples", app_id=app_id, seq=seq, at=at, **(given | cells))


def intervals(store: Store, app_id: int, rows: list[Any], **filters: Any) -> list[Interval]:
    store.append("samples", rows)
    asked = {"call": "c", "user": "", "device": "", "connection": "", "bucket": 0.0} | filters
    return store.rows("intervals", app_id=app_id, **asked)


def test_an_interval_is_what_came_between_two_reports(store: Store, app_id: int) -> None:
    rows = [
        sample(
            app_id,
            seq,
            packets_received=100 * seq,
            packets_lost=2 * seq,
            bytes_received=9_000 * seq,
            frames_decoded=150 * seq,
            freeze_count=seq,
            total_freezes_duration=0.5 * seq,
            concealed_samples=300 * seq,
            silent_concealed_samples=100 * seq,
            total_samples_received=240_000 * seq,
            jitter=0.01 * seq,
            jitter_buffer_delay=48.0 * seq,
            jitter_buffer_emitted_count=1_200 * seq,
            frames_per_second=30.0,
            frame_width=640,
            frame_height=480,
        )
        for seq in (1, 2)
    ]

    (interval,) = intervals(store, app_id, rows)

    assert interval == {
        "user": "alice",
        "device": "d",
        "connection": "pc",
        "remote": "",
        "id": "I1",
        "ssrc": 7,
        "kind": "audio",
        "direction": "inbound",
        "start": NOW + 5,
        "at": NOW + 10,
        "seconds": 5.0,
        "packets": 100,
        "lost": 2,
        "bytes": 9_000,
        "frames": 150,
        "freezes": 1,
        "freeze_duration": 0.5,
        "concealed": 200,
        "samples": 240_000,
        "jitter": 0.02,
        "rtt": None,
        "fps": 30.0,
        "width": 640,
        "height": 480,
        "buffer_delay": pytest.approx(0.04),
    }


def test_what_the_client_did_not_say_is_unknown(store: Store, app_id: int) -> None:
    rows = [sample(app_id, seq, packets_received=100 * seq) for seq in (1, 2)]

    (interval,) = intervals(store, app_id, rows)

    assert (interval["packets"], interval["seconds"]) == (100, 5.0)
    unknown = set(interval) - {"user", "device", "connection", "remote", "id", "ssrc", "kind"}
    unknown -= {"direction", "start", "at", "seconds", "packets"}
    assert {interval[name] for name in unknown} == {None}


def test_a_counter_that_appears_late_is_unknown_before(store: Store, app_id: int) -> None:
    freezes = [None, 3, 4]
    rows = [
        sample(app_id, seq, packets_received=100 * seq, freeze_count=freezes[seq - 1])
        for seq in (1, 2, 3)
    ]

    assert [each["freezes"] for each in intervals(store, app_id, rows)] == [None, 1]


@pytest.mark.parametrize("counter", ["packets_received", "bytes_received"])
def test_a_restart_of_the_counters_is_unknown(store: Store, app_id: int, counter: str) -> None:
    counts = [100, 200, 30, 130]
    rows = [
        sample(app_id, seq, jitter=0.01, total_samples_received=seq, **{counter: count})
        for seq, count in enumerate(counts, start=1)
    ]

    found = intervals(store, app_id, rows)

    assert [each[counter.partition("_")[0]] for each in found] == [100, None, 100]
    assert [each["samples"] for each in found] == [1, None, 1]
    assert [each["seconds"] for each in found] == [5, 0, 5]
    assert [each["jitter"] for each in found] == [0.01] * 3


def test_packets_that_came_late_are_no_restart(store: Store, app_id: int) -> None:
    lost = [0, 10, 7, 9]
    rows = [
        sample(app_id, seq, packets_received=100 * seq, packets_lost=count)
        for seq, count in enumerate(lost, start=1)
    ]

    found = intervals(store, app_id, rows)

    assert [each["lost"] for each in found] == [10, 0, 2]
    assert [each["packets"] for each in found] == [100] * 3


def test_nothing_is_known_of_a_gap(store: Store, app_id: int) -> None:
    at = [0, 5, 10, 15, 75, 80]
    rows = [
        sample(app_id, seq, at=NOW + moment, packets_received=20 * moment)
        for seq, moment in enumerate(at, start=1)
    ]

    found = intervals(store, app_id, rows)

    assert [each["packets"] for each in found] == [100, 100, 100, None, 100]
    assert [each["seconds"] for each in found] == [5, 5, 5, 0, 5]
    assert (found[3]["start"], found[3]["at"]) == (NOW + 15, NOW + 75)


def test_one_missing_report_is_no_gap(store: Store, app_id: int) -> None:
    rows = [sample(app_id, seq, packets_received=100 * seq) for seq in (1, 2, 3, 5, 6)]

    assert [each["packets"] for each in intervals(store, app_id, rows)] == [100, 100, 200, 100]


def test_a_report_every_minute_has_no_gaps(store: Store, app_id: int) -> None:
    rows = [sample(app_id, seq, at=NOW + 60 * seq, packets_received=100 * seq) for seq in (1, 2, 3)]

    assert [each["packets"] for each in intervals(store, app_id, rows)] == [100, 100]


def test_a_clock_put_back_makes_no_negative_time(store: Store, app_id: int) -> None:
    clock = [0, 5, -3600, -3595]
    rows = [
        sample(app_id, seq, packets_received=100 * seq, timestamp=(NOW + clock[seq - 1]) * 1000)
        for seq in (1, 2, 3, 4)
    ]

    found = intervals(store, app_id, rows)

    assert [each["packets"] for each in found] == [100, None, 100]
    assert [each["seconds"] for each in found] == [5, 0, 5]


def test_a_report_stored_twice_counts_once(store: Store, app_id: int) -> None:
    rows = [sample(app_id, seq, packets_received=100 * seq) for seq in (1, 2, 3)]
    store.command("SYSTEM STOP MERGES samples")
    try:
        store.append("samples", rows)
        found = intervals(store, app_id, rows)
    finally:
        store.command("SYSTEM START MERGES samples")

    assert [each["packets"] for each in found] == [100, 100]


def test_the_order_of_arrival_does_not_matter(store: Store, app_id: int) -> None:
    rows = [sample(app_id, seq, packets_received=100 * seq) for seq in (3, 1, 4, 2)]

    found = intervals(store, app_id, rows)

    assert [each["packets"] for each in found] == [100, 100, 100]
    assert [each["at"] for each in found] == [NOW + 10, NOW + 15, NOW + 20]


def test_a_stream_that_ends_ends(store: Store, app_id: int) -> None:
    rows = [
        sample(app_id, seq, id=stream, packets_received=100 * seq)
        for stream, last in (("I1", 4), ("I2", 2))
        for seq in range(1, last + 1)
    ]

    found = intervals(store, app_id, rows)

    assert [each["id"] for each in found] == ["I1", "I1", "I1", "I2"]


def test_two_lives_of_a_client_are_not_mixed(store: Store, app_id: int) -> None:
    rows = [
        sample(app_id, seq, client=client, at=NOW + start + 5 * seq, packets_received=100 * seq)
        for client, start in (("client-1", 0), ("client-2", 3))
        for seq in (1, 2)
    ]

    assert [each["packets"] for each in intervals(store, app_id, rows)] == [100, 100]


def test_of_an_outbound_stream_the_far_end_tells_the_loss(store: Store, app_id: int) -> None:
    rows = []
    for seq in (1, 2, 3):
        rows.append(
            sample(
                app_id, seq, type="outbound-rtp", id="O1", packets_sent=100 * seq, frames_sent=seq
            )
        )
        if seq > 1:
            rows.append(
                sample(
                    app_id,
                    seq,
                    type="remote-inbound-rtp",
                    id="R1",
                    local_id="O1",
                    packets_lost=5 * seq,
                    jitter=0.003,
                    round_trip_time=0.08,
                )
            )

    first, second = intervals(store, app_id, rows)

    assert {each["direction"] for each in (first, second)} == {"outbound"}
    assert (first["packets"], first["lost"], first["frames"]) == (100, None, 1)
    assert (second["packets"], second["lost"]) == (100, 5)
    assert (second["rtt"], second["jitter"]) == (0.08, 0.003)


def test_an_inbound_stream_has_the_round_trip_of_the_path_in_use(store: Store, app_id: int) -> None:
    pairs = {"P1": (True, "succeeded", 0.04), "P2": (False, "waiting", 0.9)}
    rows = [sample(app_id, seq, packets_received=seq) for seq in (1, 2)] + [
        sample(
            app_id,
            2,
            type="candidate-pair",
            id=name,
            nominated=nominated,
            state=state,
            current_round_trip_time=rtt,
        )
        for name, (nominated, state, rtt) in pairs.items()
    ]

    (interval,) = intervals(store, app_id, rows)

    assert interval["rtt"] == 0.04


def test_one_may_ask_for_one_connection(store: Store, app_id: int) -> None:
    rows = [
        sample(app_id, seq, user=user, connection=f"pc-{user}", client=user, packets_received=seq)
        for user in ("alice", "bob")
        for seq in (1, 2)
    ]
    store.append("samples", rows)

    by_user = intervals(store, app_id, rows, user="bob")
    by_connection = intervals(store, app_id, rows, connection="pc-alice")
    none = intervals(store, app_id, rows, call="other")

    assert [each["user"] for each in by_user] == ["bob"]
    assert [each["user"] for each in by_connection] == ["alice"]
    assert none == []


def test_intervals_may_be_put_together(store: Store, app_id: int) -> None:
    rows = [
        sample(
            app_id,
            seq,
            at=NOW - NOW % 20 + 5 * (seq - 1),
            packets_received=100 * seq,
            packets_lost=seq,
            jitter=0.01 * seq,
            frame_width=320 * seq,
        )
        for seq in range(1, 9)
    ]

    first, second = intervals(store, app_id, rows, bucket=20.0)

    assert (first["seconds"], first["packets"], first["lost"]) == (15, 300, 3)
    assert first["jitter"] == pytest.approx(0.03)
    assert (second["seconds"], second["packets"], second["width"]) == (20, 400, 2560)
    assert second["at"] - second["start"] == 20


def test_a_gap_in_a_bucket_takes_its_time_away(store: Store, app_id: int) -> None:
    start = NOW - NOW % 60
    rows = [
        sample(app_id, seq, at=start + moment, packets_received=10 * moment)
        for seq, moment in enumerate((1, 5, 10, 15, 50, 55), start=1)
    ]

    (bucket,) = intervals(store, app_id, rows, bucket=60.0)

    assert (bucket["seconds"], bucket["packets"]) == (4 + 5 + 5 + 5, 190)
