"""What a folder and a running server answer is the same."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import callstats
from callstats import calls
from callstats import store as stores
from callstats.access import Tokens, server_key
from callstats.calls import Source
from callstats.collector import Server, Settings, create_app
from callstats.errors import BadInput
from callstats.store import Engine, Store
from tests.calls.generate import CALL, START, Call, write

APP = 424_242_424


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of its own: the collector judges what it finds in one."""
    return tmp_path_factory.mktemp("source") / "data"


@pytest.fixture(scope="module")
def own_store(folder: Path) -> Iterator[Store]:
    with Engine(folder) as engine, stores.of_engine(engine) as store:
        call = Call(app_id=APP)
        rows = call.rows()
        call.event(rows, "alice", 3.0, "log", "info", data={"message": "hello"})
        write(store, rows)
        now = datetime.fromtimestamp(START + 120, UTC)
        write(store, calls.conclusions(calls.judge(store, APP, CALL, now=now), version=1))
        yield store


@pytest.fixture(scope="module")
def server(own_store: Store) -> Iterator[Server]:
    settings = Settings(port=0, stop_seconds=5.0)
    with Server(create_app(settings, own_store), settings) as running:
        yield running


def token(store: Store) -> str:
    return Tokens(server_key(store)).issue("admin")


@pytest.fixture(params=["folder", "server"])
def source(
    request: pytest.FixtureRequest, own_store: Store, folder: Path, server: Server
) -> Iterator[Source]:
    if request.param == "folder":
        target: str | Path = folder
    else:
        target = server.url
    with callstats.open(target, token=token(own_store)) as opened:
        yield opened


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value)


def test_the_list_is_that_of_the_store(source: Source, own_store: Store) -> None:
    (listed,) = source.listing()

    assert encoded([listed]) == encoded(calls.listing(own_store, APP))
    assert source.listing(conference="elsewhere") == []
    assert source.listing(before=listed.started_at) == []


def test_the_call_is_that_of_the_store(source: Source, own_store: Store) -> None:
    now = datetime.fromtimestamp(START + 999, UTC)

    assert encoded(source.call(CALL)) == encoded(calls.read(own_store, APP, CALL, now=now))


def test_the_timeline_is_that_of_the_store(source: Source, own_store: Store) -> None:
    assert encoded(source.timeline(CALL)) == encoded(calls.timeline(own_store, APP, CALL))
    assert len(source.timeline(CALL, logs=True)) == len(source.timeline(CALL)) + 1


def test_series_are_those_of_the_store(source: Source, own_store: Store) -> None:
    found = source.series(CALL, user="alice", points=5)

    assert encoded(found) == encoded(calls.series(own_store, APP, CALL, user="alice", points=5))


def test_reports_are_read_as_python(source: Source) -> None:
    found = list(source.reports(CALL, user="bob"))

    assert len(found) == 24
    assert found[0]["stats"][0] == {"type": "codec", "id": "CA"}
    assert found[0]["at"] == datetime.fromtimestamp(START + 0.4, UTC)


def test_sql_is_answered_with_a_table(source: Source) -> None:
    found = source.query("SELECT uniqExact(client, seq) AS reports FROM reports")

    assert found.column("reports").to_pylist() == [72]


def test_wrong_sql_is_an_error_in_one_line(source: Source) -> None:
    with pytest.raises(BadInput, match="nonsense"):
        source.query("SELECT nonsense FROM reports")


def test_an_unknown_call_is_an_error(source: Source) -> None:
    with pytest.raises(calls.UnknownCall):
        source.call("nosuchcall")
    with pytest.raises(calls.UnknownCall):
        source.timeline("no/such?call")
    with pytest.raises(calls.UnknownCall):
        list(source.reports("nosuchcall"))


def test_calls_and_series_are_tables_for_notebooks(source: Source) -> None:
    listed, series = source.calls_table(), source.series_table(CALL)

    assert listed.column("verdict").to_pylist() == ["good"]
    assert listed.schema.field("started_at").type.tz == "UTC"
    assert series.num_rows == 24 * 11
    assert set(series.column("user").to_pylist()) == {"alice", "bob", "carol"}
    assert series.column("at")[0].as_py() == datetime.fromtimestamp(START + 5.4, UTC)
    assert series.column("mos").null_count == 12 * 11


def test_a_folder_may_be_closed_twice(own_store: Store, folder: Path) -> None:
    source = callstats.open(folder)

    source.close()
    source.close()


def test_a_wrong_token_is_refused(server: Server) -> None:
    with calls.open(server.url, token="wrong") as source, pytest.raises(calls.NotAllowed):
        source.listing()
