"""How does a batch get to the collector? Two requests: one for a token, one with the records.

This edge does the waiting and nothing else: it never retries and never logs. What came of a
request is a value (``Outcome``); the courier decides what follows from it.
"""

import email.utils
import gzip
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec
import urllib3

from callstats.sdk.proxies import open_pool
from callstats.wire import batch

TIMEOUT = 10.0
"""Seconds a request may take. Shorter gives up on a busy server, which then gets everything twice;
longer keeps a dead connection for longer."""
MAX_ANSWER = 1_048_576
"""Bytes read of an answer; one that names 1,000 refused lines has 200 kB."""
RENEW = 0.8
"""Share of a token's life after which a new one is asked for."""
COMPRESSION = 3
"""gzip level: reports shrink to 12 % in a third of the time that level 6 takes for 11 %."""

Verdict = Literal["answered", "later", "too large", "denied", "refused"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a request.

    ``later``: not now (network, 408, 429, 5xx, or no readable answer), ``retry_after`` in seconds
    if the server said so. ``denied``: the app's credentials were not accepted. ``refused``: the
    server understood and said no. ``reason`` is a phrase for people and for counting.
    """

    verdict: Verdict
    reason: str = ""
    retry_after: float | None = None
    answer: batch.Answer | None = None


class _Issued(msgspec.Struct, rename="camel"):
    token: str
    expires_in: float


@dataclass
class _Reply:
    status: int
    body: bytes
    headers: Mapping[str, str]


class _Away(Exception):
    """No reply came."""


class Http:
    """One collector as seen by one app: holds the connection and the token."""

    def __init__(self, url: str, *, app_id: int, app_secret: str, timeout: float = TIMEOUT) -> None:
        self._base = url
        self._credentials = msgspec.json.encode({"appId": app_id, "appSecret": app_secret})
        self._timeout = timeout
        self._pool: urllib3.PoolManager | None = None
        # What the first request would import, in our thread. A fork in the middle of an import
        # leaves the child with half a module, and a lock that nobody lets go of.
        "localhost".encode("idna")
        self._token: str | None = None
        self._renew_at = 0.0

    def knock(self, *, deadline: float) -> Outcome:
        """Get a token, if there is none."""
        try:
            return self._renew_token(deadline) or Outcome(verdict="answered")
        except _Away as away:
            return Outcome(verdict="later", reason=str(away))

    def send(self, header: batch.Header, lines: Sequence[bytes], *, deadline: float) -> Outcome:
        """Post one batch, with a new token where one is needed.

        ``deadline`` is a moment of the monotonic clock: no request lasts beyond it.
        """
        body = gzip.compress(batch.encode(header, lines), COMPRESSION, mtime=0)
        outcome = self._post_batch(body, deadline)
        if outcome.verdict == "denied" and self._token is not None:
            # The token was good for us, but not for the server: it has expired, or the server's
            # key is new. A fresh one decides; a second refusal is final.
            self._token = None
            outcome = self._post_batch(body, deadline)
        return outcome

    def close(self) -> None:
        """Let go of the connection."""
        if self._pool is not None:
            self._pool.clear()

    def _post_batch(self, body: bytes, deadline: float) -> Outcome:
        try:
            trouble = self._renew_token(deadline)
            if trouble is not None:
                return trouble
            headers = {
                "Authorization": f"Bearer {self._token}",
                "Content-Encoding": "gzip",
                "Content-Type": batch.CONTENT_TYPE,
            }
            reply = self._post("/v1/batch", body, headers, deadline)
        except _Away as away:
            return Outcome(verdict="later", reason=str(away))
        if reply.status != 200:
            return _failure(reply)
        return _answered(reply.body)

    def _renew_token(self, deadline: float) -> Outcome | None:
        asked_at = time.monotonic()
        if self._token is not None and asked_at < self._renew_at:
            return None
        self._token = None
        headers = {"Content-Type": "application/json"}
        reply = self._post("/v1/token", self._credentials, headers, deadline)
        if reply.status != 200:
            failure = _failure(reply)
            # Without a token nothing can be sent, but the records are not to blame: keep them.
            return (
                msgspec.structs.replace(failure, verdict="denied") if _is_no(failure) else failure
            )
        try:
            issued = msgspec.json.decode(reply.body, type=_Issued)
        except msgspec.DecodeError:
            return Outcome(verdict="later", reason="no readable answer")
        self._token = issued.token
        self._renew_at = asked_at + issued.expires_in * RENEW
        return None

    def _post(self, path: str, body: bytes, headers: dict[str, str], deadline: float) -> _Reply:
        ends_at = min(deadline, time.monotonic() + self._timeout)
        seconds = ends_at - time.monotonic()
        if seconds <= 0:
            raise _Away("no time left")
        try:
            self._pool = self._pool or open_pool(self._base)
            response = self._pool.request(
                "POST",
                self._base + path,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
                preload_content=False,
            )
            try:
                return _Reply(response.status, _read(response, ends_at), response.headers)
            finally:
                response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Away(_kind_of(error)) from None


def _read(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    """Read the answer, but no more of it and no longer than we are ready to."""
    parts: list[bytes] = []
    # read1 returns what is there; read would wait for all of it, from a server that drips.
    while part := response.read1(MAX_ANSWER):
        parts.append(part)
        if sum(map(len, parts)) > MAX_ANSWER or time.monotonic() > ends_at:
            response.close()
            raise _Away("no end of the answer")
    return b"".join(parts)


def _answered(body: bytes) -> Outcome:
    try:
        return Outcome(verdict="answered", answer=msgspec.json.decode(body, type=batch.Answer))
    except msgspec.DecodeError:
        return Outcome(verdict="later", reason="no readable answer")


def _failure(reply: _Reply) -> Outcome:
    reason = f"status {reply.status}"
    if reply.status in (408, 429) or reply.status >= 500 or 200 <= reply.status < 300:
        after = read_retry_after(reply.headers)
        return Outcome(verdict="later", reason=reason, retry_after=after)
    if reply.status == 413:
        return Outcome(verdict="too large", reason=reason)
    # A redirect is not followed: it would carry the secret elsewhere.
    return Outcome(verdict="denied" if reply.status == 401 else "refused", reason=reason)


def _is_no(failure: Outcome) -> bool:
    return failure.verdict in ("refused", "too large")


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read a Retry-After header (RFC 9110 section 10.2.3) as seconds from now.

    A moment is compared with the server's own ``Date``, since our clock may be wrong.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    moment = _read_date(value)
    if moment is None:
        return None
    now = _read_date(headers.get("Date", ""))
    return max(0.0, moment - (time.time() if now is None else now))


def _read_date(value: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _kind_of(error: Exception) -> str:
    """Say what went wrong without the address that stands in the exception's text."""
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # is a TimeoutError, too
        return "no connection"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "no trusted TLS connection"
    return "no connection"
