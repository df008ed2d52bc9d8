"""What do commands ask of a running server besides its calls? Health, and its apps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import urllib3
from msgspec import Struct

from callstats.errors import BadInput, Refused, Unavailable

ALIVE_SECONDS = 2.0
"""Too short takes a busy server for a dead one; too long makes every command wait for a dead."""
ANSWER_SECONDS = 30.0

T = TypeVar("T")


class AppShown(Struct, frozen=True, kw_only=True):
    """An app without its secret."""

    app_id: int
    name: str
    origins: Sequence[str] = ()
    created_at: datetime


class AppGiven(Struct, frozen=True, kw_only=True):
    """An app with its new secret."""

    app_id: int
    app_secret: str
    name: str
    created_at: datetime


class _AppList(Struct, frozen=True):
    apps: Sequence[AppShown]


class _Problem(Struct, frozen=True):
    message: str = "the server said no"


class _Problems(Struct, frozen=True):
    error: _Problem = _Problem()


class Api:
    """Asks one server with one token."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def is_alive(self) -> bool:
        """Tell whether something answers there as a callstats server does."""
        return self._answers("/healthz", seconds=ALIVE_SECONDS)

    def is_ready(self) -> bool:
        """Tell whether a report sent now would be stored."""
        return self._answers("/readyz", seconds=ANSWER_SECONDS)

    def date(self) -> str | None:
        """Return the moment the server says it is, as its Date header has it."""
        return self._request("GET", "/healthz", seconds=ALIVE_SECONDS).headers.get("date")

    def apps(self) -> Sequence[AppShown]:
        """Return every app."""
        return self._ask("GET", "/api/v1/apps", _AppList).apps

    def create_app(self, name: str) -> AppGiven:
        """Make an app."""
        return self._ask("POST", "/api/v1/apps", AppGiven, {"name": name})

    def rotate_app(self, app_id: int) -> AppGiven:
        """Give an app a new secret."""
        return self._ask("POST", f"/api/v1/apps/{app_id}/rotate", AppGiven)

    def _answers(self, path: str, *, seconds: float) -> bool:
        try:
            return bool(self._request("GET", path, seconds=seconds).status == 200)
        except (Unavailable, BadInput):
            return False

    def _ask(
        self, method: str, path: str, answer: type[T], body: Mapping[str, Any] | None = None
    ) -> T:
        response = self._request(method, path, body=body, seconds=ANSWER_SECONDS)
        if response.status >= 400:
            raise _refusal(response)
        return _decoded(response, answer)

    def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        seconds: float,
    ) -> urllib3.BaseHTTPResponse:
        try:
            return urllib3.request(
                method,
                f"{self._url}{path}",
                headers={"Authorization": f"Bearer {self._token}"},
                json=body,
                timeout=seconds,
                retries=False,
                redirect=False,
            )
        except (urllib3.exceptions.LocationValueError, ValueError):
            raise BadInput(
                "address of the server", found=self._url, allowed="http:// or https:// and a host"
            ) from None
        except urllib3.exceptions.HTTPError:
            raise Unavailable(f"no server answers at {self._url}") from None


def _refusal(response: urllib3.BaseHTTPResponse) -> Exception:
    try:
        message = msgspec.json.decode(response.data, type=_Problems).error.message
    except msgspec.DecodeError:
        message = f"the server answered with status {response.status}"
    return Unavailable(message) if response.status >= 500 else Refused(message)


def _decoded(response: urllib3.BaseHTTPResponse, answer: type[T]) -> T:
    try:
        return msgspec.json.decode(response.data, type=answer)
    except msgspec.DecodeError:
        raise Unavailable("what answers there is no callstats server of this version") from None
