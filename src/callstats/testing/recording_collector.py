"""How does a client fare with a collector that does as it is told? A real one, on loopback.

It speaks ``/v1/token`` and ``/v1/batch``, keeps every record, and answers well unless told
otherwise: by ``token_answers`` and ``batch_answers``, one for each request to come.
"""

import gzip
import json
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

import msgspec

from callstats.wire import AnyRecord, Report, batch

APP_ID = 42
SECRET = "keyid:correct-horse-battery"  # noqa: S105 - guards nothing
PATIENCE = 30.0
"""Seconds that an answer may be held back."""
DRIP = 0.05
"""Seconds between two bytes of a dripping answer."""

T = TypeVar("T")


@dataclass
class Answer:
    """How the collector answers one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    refuse: dict[int, str] = field(default_factory=dict)
    """Records of the batch, by their place in it, and why they are refused."""
    is_lost: bool = False
    """Store what came, and break the connection instead of answering."""
    is_dripping: bool = False
    """Store what came, and answer byte by byte."""
    wait_for: threading.Event | None = None


class RecordingCollector:
    """Keeps all records by their identity, and counts those that came again."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], AnyRecord] = {}
        self.repeated: Counter[tuple[str, int]] = Counter()
        self.headers: list[batch.Header] = []
        self.arrivals: list[float] = []
        self.bodies: list[bytes] = []
        self.tokens = 0
        self.valid_tokens: set[str] = set()
        self.token_answers: deque[Answer] = deque()
        self.batch_answers: deque[Answer] = deque()
        self.max_body = batch.MAX_BODY
        self.changed = threading.Condition()
        """Notified after every batch that was stored."""
        self.port = 0
        """A free one is taken at the first start, and kept."""
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Begin to listen, in a thread."""
        handler = type("Handler", (_Handler,), {"collector": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), name="test-collector"
        )
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; harmless when done twice."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def issue(self) -> bytes:
        """Return the answer to a request for a token."""
        with self.changed:
            self.tokens += 1
            token = f"token-{self.tokens}"
            self.valid_tokens.add(token)
        return json.dumps({"token": token, "expiresIn": 3600}).encode()

    def store(self, body: bytes, refuse: dict[int, str]) -> bytes:
        """Keep the records of a batch, and return the answer to it."""
        header, lines, refused = batch.decode(body)
        assert not refused, refused  # noqa: S101 - it fails the test, as it should
        with self.changed:
            self.headers.append(header)
            self.bodies.append(body)
            self.arrivals.append(time.monotonic())
            for line in lines:
                if line.number - 2 not in refuse:
                    self._keep((header.client, line.record.seq), line.record)
            stored = max(
                (seq for client, seq in self.records if client == header.client), default=0
            )
            calls = {line.record.conference: "call-1" for line in lines if line.record.conference}
            self.changed.notify_all()
        no = [batch.Refusal(index + 2, None, reason, "x", "y") for index, reason in refuse.items()]
        return msgspec.json.encode(batch.Answer(stored=stored, refused=no, calls=calls))

    def _keep(self, identity: tuple[str, int], record: AnyRecord) -> None:
        if identity in self.records:
            self.repeated[identity] += 1
        self.records[identity] = record

    def of_type(self, kind: type[T]) -> list[T]:
        """Return the records of one class."""
        with self.changed:
            return [record for record in self.records.values() if isinstance(record, kind)]

    def names(self) -> list[str]:
        """Return the names of all records, in the order they came; "" for those without."""
        with self.changed:
            return [str(getattr(record, "name", "")) for record in self.records.values()]

    def kinds(self) -> Counter[str]:
        """Return how many records there are of each class, by its name in lower case."""
        with self.changed:
            return Counter(type(record).__name__.lower() for record in self.records.values())

    def stats(self) -> list[list[dict[str, Any]]]:
        """Return the stats objects of each report."""
        return [json.loads(bytes(report.stats)) for report in self.of_type(Report)]


class _Handler(BaseHTTPRequestHandler):
    collector: RecordingCollector
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/token":
            self._answer_token(body)
        elif self.path == "/v1/batch":
            self._answer_batch(gzip.decompress(body))
        else:
            self._send(404, b"{}")

    def _answer_token(self, body: bytes) -> None:
        answer = self.collector.token_answers.popleft() if self.collector.token_answers else None
        if answer is not None:
            self._send(answer.status, answer.body or b"{}", answer.headers)
        elif json.loads(body) == {"appId": APP_ID, "appSecret": SECRET}:
            self._send(200, self.collector.issue())
        else:
            self._send(401, b'{"error":{"code":"wrong secret"}}')

    def _answer_batch(self, body: bytes) -> None:
        queue = self.collector.batch_answers
        answer = queue.popleft() if queue else Answer()
        if answer.wait_for is not None:
            answer.wait_for.wait(PATIENCE)
        if self.headers["Authorization"].removeprefix("Bearer ") not in self.collector.valid_tokens:
            self._send(401, b'{"error":{"code":"token expired"}}')
        elif len(body) > self.collector.max_body:
            self._send(413, b"{}")
        elif answer.status != 200 or answer.body is not None:
            self._send(answer.status, answer.body or b"{}", answer.headers)
        else:
            self._store(body, answer)

    def _store(self, body: bytes, answer: Answer) -> None:
        stored = self.collector.store(body, answer.refuse)
        if answer.is_dripping:
            self._drip(stored)
        elif answer.is_lost:
            self.close_connection = True
            self.connection.close()
        else:
            self._send(200, stored)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def _drip(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(DRIP)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: a test's output is its own."""

    def finish(self) -> None:
        """Let a client that hung up go without a trace."""
        with suppress(OSError, ValueError):
            super().finish()
