import re

import pytest

from callstats.errors import BadInput
from callstats.store import QueryRefused, Store
from tests.store.made import event


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM events",
        "select call, uniqExact(client, seq) from callstats.events group by call;",
        "WITH long AS (SELECT call FROM events LIMIT 5) SELECT * FROM long -- a comment",
        "SELECT 'apps; DROP TABLE events' AS settings",
        "SELECT a.call FROM events AS a JOIN reports AS b USING (app_id, call, user)",
        "SELECT * FROM (SELECT 1 UNION ALL SELECT 2)",
        "(SELECT 1)",
        "SELECT number FROM numbers(3)",
        "SHOW TABLES",
        "DESCRIBE TABLE samples",
        "EXPLAIN SELECT * FROM calls",
        "SELECT name FROM system.columns WHERE database = 'callstats'",
    ],
)
def test_a_question_about_calls_is_answered(store: Store, sql: str) -> None:
    store.query_sql(sql)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT secret FROM apps", "table apps"),
        ("SELECT * FROM callstats.settings", "table callstats.settings"),
        ("SELECT * FROM `apps`", "table apps"),
        ("SELECT (SELECT value FROM settings LIMIT 1)", "table settings"),
        ("SELECT call FROM events WHERE call IN (SELECT secret FROM apps)", "table apps"),
        ("SELECT ('n', 'v', 1) IN settings", "table settings"),
        ("EXPLAIN SELECT * FROM apps", "table apps"),
        ("WITH a AS (SELECT * FROM apps) SELECT * FROM a", "table apps"),
        ("SELECT * FROM system.users", "table system.users"),
        ("SELECT * FROM other.events2", "table other.events2"),
        ("SELECT * FROM merge('callstats', 'app.*')", "function merge"),
        ("SELECT * FROM file('secret.csv')", "function file"),
        ("SELECT * FROM url('http://localhost/', CSV, 'a String')", "function url"),
        ("SELECT * FROM remote('localhost', 'callstats', 'apps')", "function remote"),
        ("SELECT * FROM Python(rows)", "function Python"),
        ("DESCRIBE file('secret.csv')", "function file"),
        ("SELECT file('secret.csv')", "function file"),
        ("SELECT dictGetString('d', 'a', 1)", "function dictGetString"),
        ("SELECT 1 INTO OUTFILE 'x'", "INTO OUTFILE"),
        ("SHOW TABLES INTO OUTFILE 'x'", "INTO OUTFILE"),
        ("EXPLAIN SELECT 1 INTO OUTFILE 'x'", "INTO OUTFILE"),
        ("SELECT 1 FORMAT CSV", "FORMAT CSV"),
        ("DROP TABLE events", "begins with DROP"),
        ("INSERT INTO events (call) SELECT 'x'", "begins with INSERT"),
        ("INSERT INTO FUNCTION file('x') SELECT 1", "begins with INSERT"),
        ("SET readonly = 0", "begins with SET"),
        ("SYSTEM SHUTDOWN", "begins with SYSTEM"),
        ("KILL QUERY WHERE 1", "begins with KILL"),
        ("SELECT 1; DROP TABLE events", "Multi-statements are not allowed"),
        ("SELECT count() FROM events SETTINGS max_execution_time = 0", "max_execution_time"),
        ("SELECT count() FROM events SETTINGS readonly = 0", "readonly"),
        ("SELECT nothing FROM events", "nothing"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("SELECT (", "Syntax error"),
        ("", "Empty query"),
    ],
)
def test_anything_else_is_refused_and_says_what_was_found(
    store: Store, sql: str, found: str
) -> None:
    with pytest.raises(QueryRefused, match=re.escape(found)) as caught:
        store.query_sql(sql)

    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, BadInput)


def test_a_question_that_takes_too_long_is_ended(store: Store) -> None:
    with pytest.raises(QueryRefused, match="Timeout exceeded"):
        store.query_sql("SELECT count() FROM numbers(1000000000000)", seconds=0.2)


def test_a_question_that_takes_too_much_memory_is_ended(store: Store) -> None:
    many = "SELECT uniqExact(number) FROM numbers(100000000)"

    with pytest.raises(QueryRefused, match=r"[Mm]emory limit"):
        store.query_sql(many, memory=50_000_000)


def test_one_app_sees_its_own_rows_only(store: Store, app_id: int) -> None:
    other = app_id + 500_000_000
    store.append("events", [event(app_id, 1), event(other, 1), event(other, 2)])

    mine = store.query_sql("SELECT app_id FROM events", app_id=app_id)
    joined = store.query_sql(
        "SELECT count() AS rows FROM events AS a CROSS JOIN callstats.events AS b", app_id=app_id
    )

    assert mine.column("app_id").to_pylist() == [app_id]
    assert joined.column("rows").to_pylist() == [1]


def test_the_limit_to_one_app_cannot_be_lifted(store: Store, app_id: int) -> None:
    with pytest.raises(QueryRefused, match="additional_table_filters"):
        store.query_sql("SELECT * FROM events SETTINGS additional_table_filters = {}", app_id=1)


def test_a_refusal_repeats_nothing_that_was_asked(store: Store) -> None:
    with pytest.raises(QueryRefused) as caught:
        store.query_sql("SELECT nothing FROM events WHERE user = 'alice@example.org'")

    assert "alice" not in str(caught.value)
