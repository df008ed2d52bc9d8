import io
from pathlib import Path

import pytest

from callstats.store import Store

from .conftest import Command, Served

SQL = "select number as n, if(n = 1, null, concat('a,', toString(n))) as text from numbers(2)"


def test_people_get_a_table_with_dashes_for_nothing(command: Command, served: Served) -> None:
    lines = command("query", SQL, "--data", served.folder).out.splitlines()
    assert [line.split() for line in lines] == [["n", "text"], ["0", "a,0"], ["1", "–"]]


def test_scripts_get_one_document(command: Command, served: Served) -> None:
    answer = command("query", SQL, "--data", served.folder, "--json").json
    assert answer == {"columns": ["n", "text"], "rows": [[0, "a,0"], [1, None]]}


def test_spreadsheets_get_comma_separated_values(
    command: Command, store: Store, engine_folder: Path
) -> None:
    assert command("query", SQL, "--data", engine_folder, "--csv").out == 'n,text\n0,"a,0"\n1,\n'


def test_moments_are_json_too(command: Command, served: Served) -> None:
    answer = command("query", "select toDateTime64(0, 3, 'UTC') as at", "--data", served.folder,
                     "--json").json  # fmt: skip
    assert answer["rows"] == [["1970-01-01T00:00:00Z"]]


def test_the_statement_may_come_from_stdin(
    command: Command, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 42 as answer"))
    assert command("query", "-", "--data", served.folder, "--json").json["rows"] == [[42]]


@pytest.mark.parametrize("sql", ["selec 1", "drop table events", "select * from nowhere"])
def test_what_is_no_reading_is_refused_in_one_line(
    command: Command, served: Served, sql: str
) -> None:
    outcome = command("query", sql, "--data", served.folder)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("callstats: ")
    assert outcome.err.count("\n") == 1


def test_only_one_form_can_be_printed(command: Command, served: Served) -> None:
    outcome = command("query", SQL, "--data", served.folder, "--json", "--csv")
    assert outcome.err == (
        "callstats: form of the output: found --json and --csv, allowed one of them\n"
    )
