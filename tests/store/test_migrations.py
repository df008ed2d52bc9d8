from pathlib import Path

import pytest

from callstats import store as stores
from callstats.store import FolderTooNew, migrations


def test_an_empty_folder_gets_the_schema(tmp_path: Path) -> None:
    with stores.open(tmp_path / "data") as store:
        done = store.rows("highest_migration")

    assert done == [{"version": migrations.VERSION}]


def test_a_step_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = "ALTER TABLE events ADD COLUMN IF NOT EXISTS mood String"
    monkeypatch.setattr(migrations, "STEPS", {2: [added, "INSERT INTO settings VALUES ('x','',0)"]})
    with stores.open(tmp_path / "data") as store:
        monkeypatch.setattr(migrations, "VERSION", 2)

        migrations.migrate(store)
        migrations.migrate(store)

        columns = store.query_sql("DESCRIBE TABLE events").column("name").to_pylist()
        assert columns[-1] == "mood"
        assert store.highest_migration() == 2
        assert store.rows("setting", name="x") != []


def test_a_newer_folder_is_refused_with_both_versions(tmp_path: Path) -> None:
    with stores.open(tmp_path / "data") as store:
        store.command("INSERT INTO migrations SELECT 99, now64(3)")

        with pytest.raises(FolderTooNew, match=f"version 99.*version {migrations.VERSION} or"):
            migrations.migrate(store)
