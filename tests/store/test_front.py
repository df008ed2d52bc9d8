import http.client
import threading
from base64 import b64encode
from contextlib import closing
from urllib.parse import urlencode, urlsplit

import clickhouse_connect
import pytest

from callstats.store import Engine, Store
from callstats.store.engine import USER, front


def ask(
    engine: Engine, body: bytes = b"", headers: dict[str, str] | None = None, **options: str
) -> tuple[int, bytes, str | None]:
    """Send one request by hand; return status, body and error code."""
    where = urlsplit(engine.url)
    with closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)) as line:
        line.request("POST", f"/?{urlencode(options)}", body, headers or signed(engine))
        answer = line.getresponse()
        return answer.status, answer.read(), answer.headers.get("X-ClickHouse-Exception-Code")


def signed(engine: Engine) -> dict[str, str]:
    credentials = b64encode(f"{USER}:{engine.secret}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


def test_the_unmodified_client_of_clickhouse_is_served(engine: Engine) -> None:
    where = urlsplit(engine.url)
    with closing(
        clickhouse_connect.get_client(
            host=where.hostname,
            port=where.port,
            username=USER,
            password=engine.secret,
            compress=False,
            dedicated_pool=True,
        )
    ) as client:
        answer = client.query(
            "SELECT {text:String} AS text, {numbers:Array(UInt8)} AS numbers",
            parameters={"text": "tab\tquote'backslash\\line\n☃", "numbers": [1, 2]},
        )

    assert answer.result_rows == [("tab\tquote'backslash\\line\n☃", [1, 2])]


@pytest.mark.parametrize("count", [10, 1_000, 5_000])
def test_parameters_may_be_longer_than_an_address(store: Store, count: int) -> None:
    calls = [f"call {number} ☃'\\" for number in range(count)]

    assert store.rows("stays", apps=[1] * count, calls=calls) == []
    answer = store.query_sql(f"SELECT {len(calls)} AS n, '{'x' * 5 * count}' AS text")
    assert answer.column("n").to_pylist() == [count]


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Nothing": ""},
        {"Authorization": "Basic " + b64encode(b"callstats:guess").decode()},
        {"Authorization": "Basic not base64"},
        {"Authorization": "Bearer x"},
        {"X-ClickHouse-User": "callstats", "X-ClickHouse-Key": "guess"},
    ],
    ids=["none", "wrong", "garbage", "scheme", "key"],
)
def test_without_the_secret_nothing_is_answered(engine: Engine, headers: dict[str, str]) -> None:
    status, body, code = ask(engine, b"SELECT 1", headers)

    assert (status, code) == (403, "516")
    assert engine.secret.encode() not in body


def test_the_secret_may_come_in_clickhouses_own_headers(engine: Engine) -> None:
    headers = {"X-ClickHouse-User": "callstats", "X-ClickHouse-Key": engine.secret}

    assert ask(engine, b"SELECT 1", headers)[:2] == (200, b"1\n")


def test_a_setting_holds_for_its_own_request_only(engine: Engine) -> None:
    question = b"SELECT getSetting('max_threads')"

    assert ask(engine, question, max_threads="1")[1] == b"1\n"
    assert ask(engine, question, max_threads="7")[1] == b"7\n"
    assert ask(engine, b"INSERT INTO FUNCTION null('a UInt8') VALUES (1)", readonly="1")[2] == "164"
    assert ask(engine, b"INSERT INTO FUNCTION null('a UInt8') VALUES (1)")[0] == 200


def test_an_error_has_the_engines_code(engine: Engine) -> None:
    status, body, code = ask(engine, b"SELECT * FROM nowhere")

    assert (status, code) == (500, "60")
    assert b"nowhere" in body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(front.MAX_BODY + 1)}, 413),
        ({"Content-Length": "-1"}, 411),
        ({"Content-Length": "many"}, 411),
        ({"Transfer-Encoding": "chunked"}, 411),
        ({"Content-Length": "4", "Content-Encoding": "gzip"}, 415),
    ],
    ids=["large", "negative", "no number", "chunked", "compressed"],
)
def test_a_body_out_of_bounds_is_refused_unread(
    engine: Engine, headers: dict[str, str], status: int
) -> None:
    where = urlsplit(engine.url)
    with closing(http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)) as line:
        line.putrequest("POST", "/")
        for name, value in (signed(engine) | headers).items():
            line.putheader(name, value)
        line.endheaders()

        assert line.getresponse().status == status


def test_a_reply_is_bounded(engine: Engine) -> None:
    _, _, code = ask(engine, b"SELECT number FROM numbers(1000000)", max_result_bytes="1000")

    assert code == "396"


def test_more_requests_than_connections_wait_for_each_other(engine: Engine) -> None:
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(engine, b"SELECT sleep(0.05)")[0]))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [200] * 12
