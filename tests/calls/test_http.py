"""What a caller is told when the server does not answer as it should."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from callstats import calls
from callstats.errors import BadInput, CallstatsError

ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "/api/v1/calls?limit=1": (503, {"Retry-After": "7"}, b'{"error":{"message":"starting"}}'),
    "/api/v1/calls?limit=2": (200, {}, b"<html>not ours</html>"),
    "/api/v1/calls?limit=3": (
        400,
        {},
        b'{"error":{"code":"bad","message":"limit","found":"3","allowed":"more"}}',
    ),
    "/api/v1/calls?limit=4": (500, {}, b"Internal Server Error"),
    "/api/v1/calls?limit=5": (403, {}, b'{"error":{"message":"needs a token that may read"}}'),
    "/api/v1/calls?limit=6": (302, {"Location": "http://127.0.0.1:9/"}, b""),
    "/api/v1/calls?limit=7": (200, {"Content-Length": "100"}, b'{"calls"'),
}


class Answering(BaseHTTPRequestHandler):
    """Answers from the table above, and 404 for the rest."""

    def do_GET(self) -> None:
        status, headers, body = ANSWERS.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("limit", "kind", "said"),
    [
        (1, calls.NoAnswer, "starting"),
        (2, calls.NoAnswer, "of another form"),
        (3, BadInput, "limit: found 3, allowed more"),
        (4, calls.NoAnswer, "the server answered 500"),
        (5, calls.NotAllowed, "needs a token that may read"),
        (6, calls.NoAnswer, "the server answered 302"),
        (7, calls.NoAnswer, "in the middle"),
        (8, calls.NoAnswer, "the server answered 404"),
    ],
)
def test_each_wrong_answer_is_an_error_that_says_what_to_do(
    url: str, limit: int, kind: type[CallstatsError], said: str
) -> None:
    with calls.open(url) as source, pytest.raises(kind, match=said):
        source.listing(limit=limit)


def test_the_server_says_when_to_come_back(url: str) -> None:
    with calls.open(url) as source, pytest.raises(calls.NoAnswer) as caught:
        source.listing(limit=1)

    assert caught.value.retry_after == 7.0


def test_a_call_that_is_not_there_is_unknown(url: str) -> None:
    with calls.open(url) as source, pytest.raises(calls.UnknownCall) as caught:
        source.call("x" * 100)

    assert caught.value.call_id == "x" * 100
    assert len(str(caught.value)) < 150


def test_nobody_listening_is_an_error_without_an_address() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with (
            calls.open(f"http://127.0.0.1:{port}") as source,
            pytest.raises(calls.NoAnswer, match=r"^the server cannot be reached$"),
        ):
            source.listing()
