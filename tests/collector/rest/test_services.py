"""What the browser's library asks for besides: time, configuration, permission, itself."""

import gzip
import hashlib
import json
import time
from typing import Any

import pytest

from callstats import browser
from callstats.access import App, Tokens
from callstats.collector import Server
from tests.collector.conftest import Peer

from .client import OldClient


@pytest.fixture
def page(server: Server) -> Peer:
    return Peer(server.url)


def test_the_clock_tells_milliseconds(page: Peer) -> None:
    assert page.get("/clockSync")["now"] == pytest.approx(time.time() * 1000, abs=60_000)


@pytest.mark.parametrize("app_id", ["null", "123456789"])
def test_the_librarys_own_troubles_are_taken_without_a_token(page: Peer, app_id: str) -> None:
    body = f'{{"appID":{app_id},"userID":"null","version":"3.73.16","eventType":"log","data":{{}}}}'

    reply = page.ask("POST", "/generics", body.encode())

    assert (reply.status, reply.json()) == (200, {"status": "success"})


def test_a_configuration_is_empty_and_a_clients_own_is_taken(client: OldClient) -> None:
    whole: dict[str, Any] = {"default": {}, "recommended": {}}
    own = {"app_id": client.app.app_id, "local_id": "alice", "rtc_rtp_parameters": {"codecs": []}}

    assert client.get(client.path("configurations")) == whole
    assert client.get(client.path("configurations/internal")) == {}
    reply = client.send("configurations", json.dumps(own).encode())
    assert (reply.status, reply.json()) == (200, whole)
    assert client.send("configurations", b"[]").status == 400
    assert client.ask("GET", client.path("configurations/other")).status == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/authenticate", "/clockSync", "/generics", "/v1/token", "/v1/batch"),
        "/v1/apps/123456789/conferences/a%2Fb/uc-1/events/user/alive",
    ],
)
def test_a_page_of_any_origin_may_ask(page: Peer, path: str) -> None:
    preflight = {
        "Origin": "https://meet.example.org",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-encoding,content-type",
    }
    allowed = page.ask("OPTIONS", path, headers=preflight)
    answer = page.ask("POST", path, b"", headers={"Origin": "https://meet.example.org"})

    assert allowed.status == 204
    assert allowed.headers["Access-Control-Allow-Origin"] == "*"
    names = set(allowed.headers["Access-Control-Allow-Headers"].split(", "))
    assert names >= {"authorization", "content-type", "content-encoding"}
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    assert allowed.headers["Access-Control-Max-Age"] == "7200"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"


def test_what_reads_calls_is_for_no_foreign_page(page: Peer, app: App, tokens: Tokens) -> None:
    page.token = tokens.issue("read", app.app_id)

    reply = page.ask("GET", "/api/v1/calls", headers={"Origin": "https://evil.test"})

    assert "Access-Control-Allow-Origin" not in reply.headers
    assert page.ask("OPTIONS", "/api/v1/calls").status == 405


@pytest.mark.parametrize("path", browser.PATHS)
def test_the_library_is_served_under_its_old_names_too(page: Peer, path: str) -> None:
    plain = page.ask("GET", path)
    packed = page.ask("GET", path, headers={"Accept-Encoding": "gzip"})
    known = page.ask("GET", path, headers={"If-None-Match": plain.headers["ETag"]})

    assert plain.data == packed.data == browser.script(browser.PATHS[path])
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(gzip.compress(plain.data, mtime=0))
    assert plain.headers["Content-Type"] == browser.MEDIA_TYPE
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=3600" in plain.headers["Cache-Control"]
    assert hashlib.sha256(plain.data).hexdigest()[:20] in plain.headers["ETag"]
    assert known.status == 304
