"""Slow and oversized requests are told so, and cut off."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from callstats.collector import Server, Settings

SETTINGS = Settings(
    port=0,
    header_seconds=1.0,
    body_seconds=1.0,
    header_bytes=2000,
    body_bytes=5000,
    keep_alive=30.0,
    stop_seconds=2.0,
)


async def length(request: Request) -> Response:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return Response()


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    app = Starlette(
        routes=[Route("/", length, methods=["GET", "POST"]), WebSocketRoute("/echo", echo)]
    )
    with Server(app, SETTINGS) as running:
        yield running


@pytest.fixture
def peer(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connected:
        yield connected


def everything(peer: socket.socket) -> bytes:
    parts = []
    while part := peer.recv(65536):
        parts.append(part)
    return b"".join(parts)


def answer(peer: socket.socket) -> tuple[int, dict[str, Any]]:
    head, _, body = everything(peer).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


def head(*lines: str, method: str = "POST") -> bytes:
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def test_an_ordinary_request_passes_and_the_connection_stays(server: Server) -> None:
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port, maxsize=1) as pool:
        for _ in range(3):
            assert pool.request("POST", "/", body=b"x" * 5000).data == b"5000"
        assert pool.num_connections == 1


def test_a_connection_that_says_nothing_is_closed_without_a_word(peer: socket.socket) -> None:
    assert everything(peer) == b""


def test_a_header_that_does_not_end_in_time_is_told_408(peer: socket.socket) -> None:
    peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")

    status, error = answer(peer)

    assert status == 408
    assert error["code"] == "too_slow"
    assert error["allowed"] == "1 s"


def test_a_body_that_does_not_end_in_time_is_told_408(peer: socket.socket) -> None:
    peer.sendall(head("Content-Length: 100") + b"half")

    status, error = answer(peer)

    assert (status, error["code"]) == (408, "too_slow")


def test_the_deadline_holds_for_a_second_request_on_the_connection(peer: socket.socket) -> None:
    peer.sendall(head(method="GET"))
    assert peer.recv(65536).startswith(b"HTTP/1.1 200")

    peer.sendall(b"GET / HTTP/1.1\r\n")

    assert answer(peer)[0] == 408


@pytest.mark.parametrize(
    "sent",
    [
        head("X: " + "x" * 3000),
        head(*[f"X{n}: {n}" for n in range(500)]),
        b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["one long field", "many fields", "long target"],
)
def test_a_header_that_is_too_large_is_told_431(peer: socket.socket, sent: bytes) -> None:
    peer.sendall(sent)

    status, error = answer(peer)

    assert (status, error["code"]) == (431, "header_too_large")
    assert error["allowed"] == "2000 bytes"


@pytest.mark.parametrize("pieces", [1, 20])
def test_a_field_that_never_ends_is_cut_off_by_size(peer: socket.socket, pieces: int) -> None:
    peer.sendall(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(pieces):
        peer.sendall(b"x" * (4000 // pieces))

    assert answer(peer)[0] == 431


def test_requests_may_follow_each_other_without_waiting(peer: socket.socket) -> None:
    posts = (head("Content-Length: 4000") + b"x" * 4000) * 3
    half, rest = posts[:8100], posts[8100:]

    peer.sendall(half)
    peer.sendall(rest + head("Connection: close", method="GET"))

    assert everything(peer).count(b"HTTP/1.1 200") == 4


def test_a_body_that_says_it_is_too_large_is_told_413_at_once(peer: socket.socket) -> None:
    peer.sendall(head("Content-Length: 5001"))

    status, error = answer(peer)

    assert (status, error["code"]) == (413, "body_too_large")
    assert error["found"] == "5001 bytes"


def test_a_body_that_grows_too_large_is_told_413(peer: socket.socket) -> None:
    peer.sendall(head("Transfer-Encoding: chunked"))
    for _ in range(6):
        peer.sendall(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    assert answer(peer)[0] == 413


def test_the_answer_arrives_although_the_sender_is_still_sending(server: Server) -> None:
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port) as pool:
        reply = pool.request("POST", "/", body=b"x" * 2_000_000, retries=False)

    assert reply.status == 413
    assert reply.json()["error"]["code"] == "body_too_large"


def test_a_websocket_outlives_the_deadlines(server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/echo") as websocket:
        with pytest.raises(TimeoutError):
            websocket.recv(timeout=1.5 * SETTINGS.header_seconds)
        websocket.send("still here")

        assert websocket.recv() == "still here"


def test_nonsense_is_told_400(peer: socket.socket) -> None:
    peer.sendall(b"\x16\x03\x01 hello\r\n\r\n")

    assert everything(peer).startswith(b"HTTP/1.1 400")
