"""What did the pages send? A server that speaks the collector's two routes, and remembers.

It stands in for the collector where a test needs it to fail on purpose: to be away, to forget its
tokens, to refuse a line. Batches are read by the collector's own decoder, and it keeps the
collector's promise: numbers up to the highest stored one count as repeated.
"""

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from callstats import browser
from callstats.wire import batch, samples

APP_ID = 123456789
SECRET = "YWJj:not-a-real-secret"

Record = dict[str, Any]

CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "authorization, content-type, content-encoding",
    "Access-Control-Expose-Headers": "Retry-After",
    "Access-Control-Max-Age": "7200",
}


class RecordingServer:
    """The two routes and the scripts, on a free port of loopback."""

    def __init__(self, pages: dict[str, str]) -> None:
        self.pages = pages
        self.records: list[Record] = []
        self.requests: Counter[str] = Counter()
        self.proofs: list[dict[str, Any]] = []
        self.repeated = 0
        self.farewells = 0
        self.is_away = False
        self.is_busy = False
        self.refuse: Callable[[Record], str | None] = lambda _: None
        self.max_body = batch.MAX_BODY
        self.token_seconds = 3600
        self.accepts_code: Callable[[str], bool] = lambda _: False
        self.ice_servers: list[dict[str, Any]] = []
        self._stored: Counter[str] = Counter()
        self._tokens: set[str] = set()
        self._changed = threading.Condition()
        handler = type("RecordingHandler", (Handler,), {"recorder": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def page_url(self) -> str:
        """Another origin than ``url``, on the same port: pages call across origins."""
        return f"http://localhost:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Answer nobody: connections end without an answer."""
        self.is_away = True
        try:
            yield
        finally:
            self.is_away = False

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Answer everybody that there is no time now."""
        self.is_busy = True
        try:
            yield
        finally:
            self.is_busy = False

    def forget_tokens(self) -> None:
        with self._changed:
            self._tokens.clear()

    # What tests ask

    def find(self, type_: str, name: str | None = None, **members: Any) -> list[Record]:
        with self._changed:
            return [
                record
                for record in self.records
                if record["type"] == type_
                and (name is None or record.get("name") == name)
                and all(record.get(key) == value for key, value in members.items())
            ]

    def await_records(
        self,
        type_: str,
        name: str | None = None,
        *,
        count: int = 1,
        seconds: float = 30,
        **members: Any,
    ) -> list[Record]:
        """Wait until there are ``count`` such records; they arrive in other threads."""
        self.await_true(
            lambda: len(self.find(type_, name, **members)) >= count, f"{type_} {name}", seconds
        )
        return self.find(type_, name, **members)

    def await_true(self, claim: Callable[[], bool], what: str, seconds: float = 30) -> None:
        ends_at = time.monotonic() + seconds
        with self._changed:
            while not claim():
                left = ends_at - time.monotonic()
                if left <= 0:
                    seen = Counter((r["type"], r.get("name")) for r in self.records)
                    raise AssertionError(f"waited in vain for {what}; there is {dict(seen)}")
                self._changed.wait(min(left, 0.2))

    # What pages ask

    def sign_in(self, proof: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self._changed:
            self.proofs.append(proof)
            is_known = proof.get("appSecret") == SECRET or self.accepts_code(proof.get("code", ""))
            if proof.get("appId") != APP_ID or not is_known:
                return 401, {"error": {"code": "wrong_secret", "message": "the secret is wrong"}}
            token = f"token-{len(self.proofs)}"
            self._tokens.add(token)
            answer = {"token": token, "expiresIn": self.token_seconds}
            if self.ice_servers:
                answer["iceServers"] = self.ice_servers
            return 200, answer

    def take(self, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        with self._changed:
            if authorization.removeprefix("Bearer ") not in self._tokens:
                return 401, {"error": {"code": "token_expired", "message": "Token has expired"}}
            if len(body) > self.max_body:
                return 413, {"error": {"code": "body_too_large", "message": "too large"}}
            header, lines, refusals = batch.decode(body)
            texts = body.split(b"\n")
            refused = [{"line": each.line, "reason": each.reason} for each in refusals]
            for line in lines:
                record = json.loads(texts[line.number - 1])
                reason = self.refuse(record)
                if reason:
                    refused.append({"line": line.number, "reason": reason})
                elif line.record.seq <= self._stored[header.client]:
                    self.repeated += 1
                else:
                    self._store(header.client, record)
            highest = max((line.record.seq for line in lines), default=0)
            self._stored[header.client] = max(self._stored[header.client], highest)
            self._changed.notify_all()
            calls = {line.record.conference: "call-id" for line in lines if line.record.conference}
            stored = self._stored[header.client]
            return 200, {"stored": stored, "refused": refused, "calls": calls, "error": None}

    def _store(self, client: str, record: Record) -> None:
        if record["type"] == "report":
            found, damaged = samples.decode(json.dumps(record["stats"]).encode())
            assert found
            assert damaged == 0
        self.records.append({**record, "client": client})

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Return status and body for a POST."""
        if self.is_busy:
            # Only a closing page sends uncompressed.
            self.farewells += path == "/v1/batch" and "Content-Encoding" not in headers
            return 503, {}
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if path == "/v1/token":
            return self.sign_in(json.loads(body))
        return self.take(headers.get("Authorization", ""), body)

    def find_file(self, path: str) -> tuple[int, bytes, str]:
        """Return status, body and media type for a GET."""
        if path in browser.PATHS:
            return 200, browser.script(browser.PATHS[path]), browser.MEDIA_TYPE
        if path in self.pages:
            return 200, self.pages[path].encode(), "text/html; charset=utf-8"
        return 404, b"", "text/plain"


class Handler(BaseHTTPRequestHandler):
    """One connection of a browser."""

    protocol_version = "HTTP/1.1"
    recorder: RecordingServer

    def do_OPTIONS(self) -> None:
        self.recorder.requests["OPTIONS"] += 1
        self._reply(204, b"", "text/plain")

    def do_GET(self) -> None:
        self._reply(*self.recorder.find_file(self.path.partition("?")[0]))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.recorder.requests[self.path] += 1
        if self.recorder.is_away:
            self.close_connection = True
            return
        status, answer = self.recorder.answer(self.path, dict(self.headers.items()), body)
        self._reply(status, json.dumps(answer).encode(), "application/json")

    def _reply(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, **CORS}.items():
            self.send_header(name, value)
        if status == 503:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
