import msgspec
import pytest

from callstats.store import Store, tables
from callstats.store.schema import Cluster, OneMachine, Table
from callstats.wire import Sample

EVERY_TABLE = pytest.mark.parametrize("table", tables.ALL, ids=lambda table: table.name)


def test_samples_has_one_column_for_each_member_of_a_sample() -> None:
    members = [field.name for field in msgspec.structs.fields(Sample)]

    assert tables.SAMPLES.names[-len(members) :] == members


def test_a_member_that_may_be_missing_is_a_column_that_may_be_unknown() -> None:
    columns = {column.name: column for column in tables.SAMPLES.columns}

    for field in msgspec.structs.fields(Sample):
        assert columns[field.name].is_nullable is not field.required, field.name


@EVERY_TABLE
def test_a_table_is_sorted_by_columns_that_it_has(table: Table) -> None:
    assert set(table.order) <= set(table.names)
    assert table.latest_by in ["", *table.names]


@EVERY_TABLE
def test_the_engine_made_what_is_declared(table: Table, store: Store) -> None:
    made = store.query_sql(
        "SELECT name, type FROM system.columns "
        f"WHERE database = 'callstats' AND table = '{table.name}' ORDER BY position"
    ).to_pylist()

    assert [(column["name"], column["type"]) for column in made] == [
        (column.name, column.type) for column in table.columns
    ]


@EVERY_TABLE
def test_every_insert_is_synced_and_a_repeat_known(table: Table) -> None:
    (statement,) = OneMachine().statements(table)

    for needed in ("fsync_after_insert = 1", "fsync_part_directory = 1", "deduplication_window"):
        assert needed in statement


@EVERY_TABLE
def test_the_engine_understands_the_clusters_definitions(table: Table, store: Store) -> None:
    local, distributed = Cluster("calls").statements(table)

    for statement in (local, distributed):
        store.command(f"EXPLAIN AST {statement}")
    assert "ReplicatedReplacingMergeTree" in local
    assert "Distributed(`calls`" in distributed


def test_the_rows_of_one_call_stay_on_one_shard() -> None:
    for table in (tables.EVENTS, tables.SAMPLES, tables.REPORTS, tables.STREAMS):
        _, distributed = Cluster("calls").statements(table)
        assert "sipHash64(app_id, call)" in distributed
