"""How do other processes reach the engine? Over HTTP on loopback, as they would ClickHouse.

This is the part of ClickHouse's HTTP interface that clients use: the statement in the body, or in
``query`` with an INSERT's rows in the body; settings and ``param_…`` in the URL, or all of it as a
form; errors with ``X-ClickHouse-Exception-Code``. Every request carries the secret as the user's
password. Replies are bounded by the setting ``max_result_bytes``.
"""

import hmac
import sys
import threading
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from callstats.store.engine.chdb import Database, EngineError, Question

MAX_BODY = 268_435_456
"""Largest request in bytes: the Writer's whole queue four times over."""
MAX_REPLY = 536_870_912
"""Largest reply in bytes, in the engine's own form."""
PATIENCE = 300.0
"""Seconds without a byte until a connection is closed."""
_NOT_SETTINGS = frozenset(
    {
        *("query", "database", "default_format", "user", "password", "role", "query_id"),
        *("session_id", "session_timeout", "session_check", "client_protocol_version"),
        *("wait_end_of_query", "buffer_size", "compress", "decompress", "http_make_head_request"),
        *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
        *("enable_http_compression", "cancel_http_readonly_queries_on_client_close"),
    }
)
_AUTHENTICATION_FAILED = 516
_BAD_REQUEST = 36


class Front(ThreadingHTTPServer):
    """Serves one database until ``drain``."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, database: Database, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.database = database
        self.secret = secret
        self._busy = 0
        self._is_draining = False
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def knows(self, secret: str) -> bool:
        """Compare in a time that does not tell how much was right."""
        return hmac.compare_digest(secret.encode(), self.secret.encode())

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count a request from its first to its last byte; raise EngineError while draining."""
        with self._changed:
            if self._is_draining:
                raise EngineError("Code: 210. the engine is closing")
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left before its answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def drain(self, seconds: float) -> bool:
        """Begin nothing any more, and wait for what was begun; tell whether it ended in time."""
        with self._changed:
            self._is_draining = True
            return self._changed.wait_for(lambda: self._busy == 0, timeout=seconds)


class _Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's word
        """Say nothing: a request line holds what users asked."""

    def do_GET(self) -> None:
        """Answer a ping, or a statement that stands in the URL."""
        self.do_POST()

    def do_POST(self) -> None:
        """Answer one statement."""
        length = self._length()
        if not self.server.knows(self._password()):
            self._refuse(403, _AUTHENTICATION_FAILED, "wrong or no secret")
        elif length is None:
            self._refuse(411, _BAD_REQUEST, "found a body of unknown length")
        elif length > MAX_BODY:
            self._refuse(413, _BAD_REQUEST, f"found {length} bytes, allowed {MAX_BODY}")
        elif self.headers.get("Content-Encoding"):
            self._refuse(415, _BAD_REQUEST, "found a compressed body")
        elif urlsplit(self.path).path == "/ping":
            self._reply(200, b"Ok.\n")
        else:
            self._answer(self.rfile.read(length))

    def _answer(self, body: bytes) -> None:
        try:
            with self.server.working():
                reply = self.server.database.ask(self._question(body))
                headers = {"X-ClickHouse-Format": reply.format} if reply.format else {}
                self._reply(200, reply.body, headers)
        except EngineError as error:
            self._fail(500, error.code, str(error))
        except UnicodeDecodeError:
            self._fail(400, _BAD_REQUEST, "found a statement that is not UTF-8")

    def _question(self, body: bytes) -> Question:
        options = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        if self.headers.get_content_type() == "multipart/form-data":
            # What a client does with parameters that would make the URL too long.
            options, body = options | self._fields(body), b""
        sql, data = (options["query"], body) if "query" in options else (body.decode(), b"")
        settings = {name: value for name, value in options.items() if name not in _NOT_SETTINGS}
        return Question(
            sql=sql,
            data=data,
            database=options.get("database", ""),
            settings={"max_result_bytes": str(MAX_REPLY)} | settings,
            format=self.headers.get("X-ClickHouse-Format")
            or options.get("default_format", "TabSeparated"),
        )

    def _fields(self, body: bytes) -> dict[str, str]:
        """Return the fields of a form."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        return {
            str(part.get_param("name", header="content-disposition")): _content(part)
            for part in _parts(head + body)
        }

    def _password(self) -> str:
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return self.headers.get("X-ClickHouse-Key", "")
        try:
            return b64decode(credentials, validate=True).decode().partition(":")[2]
        except (Base64Error, UnicodeDecodeError):
            return ""

    def _length(self) -> int | None:
        if "Transfer-Encoding" in self.headers:
            return None
        text = self.headers.get("Content-Length", "0")
        return int(text) if text.isascii() and text.isdigit() else None

    def _refuse(self, status: int, code: int, message: str) -> None:
        """Answer without having read the body, which ends the connection."""
        self.close_connection = True
        self._fail(status, code, message)

    def _fail(self, status: int, code: int, message: str) -> None:
        self._reply(status, message.encode(), {"X-ClickHouse-Exception-Code": str(code)})

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _parts(form: bytes) -> Iterator[EmailMessage]:
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(form)
    for part in message.iter_parts():
        if isinstance(part, EmailMessage):
            yield part


def _content(part: EmailMessage) -> str:
    content = part.get_payload(decode=True)
    return content.decode() if isinstance(content, bytes) else ""
