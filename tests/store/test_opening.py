from pathlib import Path

import pytest

from callstats import store as stores
from callstats.errors import BadInput
from callstats.store import Engine, Store, Unavailable
from callstats.store.engine import USER


def test_a_folder_that_is_served_is_shared(engine: Engine, engine_folder: Path) -> None:
    with stores.open(engine_folder) as shared:
        shared.ping()

    assert engine.is_alive()


def test_a_word_of_an_engine_that_is_gone_is_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "engine.json").write_text(
        '{"url":"http://127.0.0.1:9","secret":"x","pid":1,"server":1}'
    )

    with stores.open(folder) as store:
        store.ping()


def test_a_clickhouse_is_opened_by_its_url(engine: Engine) -> None:
    url = engine.url.replace("http://", f"clickhouse://{USER}:{engine.secret}@")

    with stores.open(f"{url}/another") as store:
        store.command("INSERT INTO settings VALUES ('place', 'here', 1)")

        assert store.highest_migration() > 0
        assert store.query_sql("SELECT currentDatabase() AS name").to_pylist() == [
            {"name": "another"}
        ]


def test_a_wrong_password_is_no_reason_to_wait(engine: Engine) -> None:
    url = engine.url.replace("http://", f"clickhouse://{USER}:guess@")

    with pytest.raises(stores.Rejected, match="secret") as caught:
        stores.open(url)

    assert "guess" not in str(caught.value)


def test_a_clickhouse_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        stores.open("clickhouse://127.0.0.1:9/callstats")


@pytest.mark.parametrize("url", ["postgres://localhost/calls", "clickhouse:///calls"])
def test_another_kind_of_address_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="address of the store"):
        stores.open(url)


def test_a_store_never_shows_its_secret(engine: Engine, store: Store) -> None:
    assert engine.secret not in repr(store._locate())
