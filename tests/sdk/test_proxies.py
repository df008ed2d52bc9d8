"""Requests go the way that the environment says."""

import base64
import socketserver
import threading
from collections.abc import Iterator

import pytest

from callstats.sdk.proxies import find_proxy, open_pool

from .conftest import Connect
from .recording import Collector

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "https://stats.example.org", None),
        ({"https_proxy": "http://p:3128"}, "https://stats.example.org", "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://stats.example.org", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https://stats.example.org", "http://p:3128"),
        ({"http_proxy": "http://p:3128"}, "https://stats.example.org", None),
        ({"http_proxy": "http://p:3128"}, "http://stats.example.org", "http://p:3128"),
        ({"all_proxy": "http://p:3128"}, "https://stats.example.org", "http://p:3128"),
        ({"all_proxy": "socks5://p:1080"}, "https://stats.example.org", None),
        ({"all_proxy": "http://p", "no_proxy": "example.org"}, "https://stats.example.org", None),
        ({"all_proxy": "http://p", "no_proxy": "*"}, "https://stats.example.org", None),
        ({"all_proxy": "http://p", "no_proxy": "other.org"}, "https://example.org", "http://p"),
        ({"all_proxy": "http://p"}, "http://127.0.0.1:8080", None),
        ({"all_proxy": "http://p"}, "http://[::1]:8080", None),
        ({"all_proxy": "http://p"}, "http://localhost:8080", None),
        ({"HTTP_PROXY": "http://p", "REQUEST_METHOD": "GET"}, "http://example.org", None),
    ],
)
def test_the_environment_names_the_proxy(
    environment: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert find_proxy(url) == proxy


class Proxy(socketserver.ThreadingTCPServer):
    """Refuses everything, and remembers how it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Refusal)


class _Refusal(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        head = []
        while (line := self.rfile.readline().strip()) != b"":
            head.append(line.decode())
        assert isinstance(self.server, Proxy)
        self.server.asked.append("\n".join(head))
        self.wfile.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_asked_with_its_credentials(
    proxy: Proxy, connect: Connect, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = proxy.server_address[1]
    monkeypatch.setenv("all_proxy", f"http://me:pass%20word@127.0.0.1:{port}")
    client = connect(url=f"{scheme}://stats.example.org")
    client.event("x", conference="c")
    client.flush(1.0)
    client.close(0.1)

    wanted = "POST http://stats.example.org/v1/token" if scheme == "http" else "CONNECT stats."
    assert proxy.asked[0].startswith(wanted)
    words = base64.b64encode(b"me:pass word").decode()
    assert f"proxy-authorization: basic {words}".lower() in proxy.asked[0].lower()


def test_this_machine_is_reached_without(
    proxy: Proxy, collector: Collector, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", f"http://127.0.0.1:{proxy.server_address[1]}")
    client = connect()
    client.event("x", conference="c")

    assert client.flush(20)
    assert proxy.asked == []


def test_the_pool_keeps_one_connection() -> None:
    pool = open_pool("https://stats.example.org")

    assert pool.connection_pool_kw["maxsize"] == 1
    assert pool.connection_pool_kw["retries"].total is False
