from datetime import UTC, datetime

import msgspec
import pytest

from callstats import calls
from callstats.store import Store, tables
from tests.calls.generate import CALL, GOOD, START, Call, Way, write


def later(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


@pytest.fixture
def judged(store: Store, app_id: int) -> calls.Call:
    def ways(_sender: str, receiver: str, _second: float) -> Way:
        return Way(loss=0.07) if receiver == "alice" else GOOD

    call = Call(app_id=app_id, ways=ways)
    rows = call.rows()
    call.event(rows, "bob", 6.0, "feedback", data={"overall": 4, "comment": "fine"})
    write(store, rows)
    return calls.judge(store, app_id, CALL, now=later(120))


def test_rows_have_the_columns_of_their_tables(judged: calls.Call) -> None:
    rows = calls.conclusions(judged, version=7)

    for name, records in rows.by_table.items():
        assert {len(record) for record in records} == {len(tables.BY_NAME[name].columns)}
    assert set(rows.by_table) == {"calls", "participants", "streams", "issues", "feedback"}


def test_conclusions_can_be_asked_with_sql(store: Store, app_id: int, judged: calls.Call) -> None:
    write(store, calls.conclusions(judged, version=7))

    def ask(columns: str, table: str, order: str) -> list[tuple[object, ...]]:
        found = store.query_sql(f"SELECT {columns} FROM {table} ORDER BY {order}", app_id=app_id)
        return [tuple(row.values()) for row in found.to_pylist()]

    assert ask("user, verdict, reports", "participants", "user") == [
        ("alice", "poor", 24),
        ("bob", "good", 24),
        ("carol", "good", 24),
    ]
    assert ask("count(), countIf(mos < 3.6)", "streams", "1") == [(24, 4)]
    assert ask("DISTINCT name, user", "issues", "name, user") == [
        ("high_loss", "alice"),
        ("low_audio_mos", "alice"),
    ]
    assert ask("user, overall, comment", "feedback", "user") == [("bob", 4, "fine")]
    assert ask("state, verdict, participants, issues", "calls", "1") == [
        ("ended", "poor", 3, len(judged.issues))
    ]


def test_judging_again_replaces_what_was_concluded(
    store: Store, app_id: int, judged: calls.Call
) -> None:
    write(store, calls.conclusions(judged, version=1))
    write(store, calls.conclusions(judged, version=2))

    found = store.query_sql("SELECT version FROM participants FINAL", app_id=app_id)

    assert found.column("version").to_pylist() == [2, 2, 2]
    assert len(calls.listing(store, app_id)) == 1


def test_a_live_call_is_written_without_its_document(store: Store, app_id: int) -> None:
    Call(app_id=app_id, leaves=False).store_in(store)
    live = calls.judge(store, app_id, CALL, now=later(61))

    (row,) = calls.conclusions(live, version=1).by_table["calls"]

    assert row[5] == "live"
    assert row[10] == ""


def test_the_document_is_the_call_in_json(judged: calls.Call) -> None:
    (row,) = calls.conclusions(judged, version=1).by_table["calls"]

    assert msgspec.json.encode(msgspec.json.decode(row[10], type=calls.Call)) == row[10].encode()
