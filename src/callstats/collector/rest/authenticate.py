"""``POST /authenticate``: a client of the old service shows who it is and gets a token.

The form is OAuth's: ``code`` is a token that the client or its application's server signed, and
``client_id`` is ``<user>@<app>``. The answer is read by clients nobody can change, so each quirk of
it is theirs:

- The browser's library decodes the token and wants the claims below in it; for others it is opaque.
- ``metadata.urls`` is where they send everything else; some have no other address.
- A refusal carries ``errorActions``. The browser's library goes on asking at once where there are
  none, and shows the reason to its page only for action 2; action 1 makes Java's ask its
  application for a new code. A failure of ours carries none: then they all try again later.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request

from callstats import access
from callstats.access import Tokens
from callstats.clock import Clock
from callstats.collector import body
from callstats.collector.errors import TooLarge
from callstats.collector.ice import IceServers
from callstats.collector.proofs import Asked, Proofs
from callstats.collector.rest.replies import Reply
from callstats.errors import BadInput, Refused, Unavailable
from callstats.wire import callstats_rest

SUBMISSION_INTERVAL_MS = 5_000
"""Milliseconds between two reports of the browser's library; it waits for the next poll after."""
GET_NEW_TOKEN, REPORT_ERROR = 1, 2
MAX_USER_BYTES = 512
"""Longest user id: the token holds it percent-encoded, and travels in a header."""


class Authentication:
    """The endpoint."""

    def __init__(
        self,
        proofs: Proofs,
        tokens: Tokens,
        ice_servers: IceServers,
        *,
        clock: Clock,
        seconds: float,
        limit: int,
    ) -> None:
        self._proofs = proofs
        self._tokens = tokens
        self._ice_servers = ice_servers
        self._clock = clock
        self._seconds = seconds
        self._limit = limit

    async def answer(self, request: Request) -> Reply:
        """Answer with a token, or say why not; raises Disconnected."""
        try:
            asked = read(
                body.inflate(await body.read(request.receive, self._limit), "", self._limit)
            )
            origin = request.headers.get("origin")
            await run_in_threadpool(self._proofs.check, asked, origin)
        except (BadInput, Refused, TooLarge) as error:
            return _refusal(error)
        except Unavailable as error:
            return Reply(500, {"error": "temporarily_unavailable", **_reasons(str(error))})
        return Reply(200, self._given(asked, base_url(request)))

    def _given(self, asked: Asked, url: str) -> dict[str, Any]:
        apps_url = f"{url}/v1/apps"
        given: dict[str, Any] = {
            "access_token": self._token(asked),
            "token_type": "bearer",
            "expires_in": round(self._seconds),
            "metadata": {"urls": {"events": apps_url, "stats": apps_url, "config": apps_url}},
        }
        servers = self._ice_servers.of(asked.user)
        return {**given, "iceServers": servers, "turnServers": servers} if servers else given

    def _token(self, asked: Asked) -> str:
        expires_at = datetime.fromtimestamp(self._clock.now() + self._seconds, UTC)
        expiry = expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        claims = {
            "appID": asked.app_id,
            "userID": quote(asked.user, safe="!~*'()"),  # as encodeURIComponent does
            "expiry": expiry,
            "submissionInterval": SUBMISSION_INTERVAL_MS,
            "collectSDP": True,
            "taasEnabled": bool(self._ice_servers),
            "adaptiveStatsEnabled": False,
            "mlPipelineEnabled": False,
            "ingestedEvents": callstats_rest.INGESTED,
        }
        return self._tokens.issue("send", asked.app_id, seconds=self._seconds, more=claims)


def read(form: bytes) -> Asked:
    """Return what the form says; raises BadInput. Phones send its values without encoding."""
    try:
        fields = parse_qs(form.decode(), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError:
        raise BadInput("form", found="something else", allowed="an encoded form") from None
    grant_type = _one(fields, "grant_type")
    if grant_type != "authorization_code":
        raise BadInput("grant_type", found=repr(grant_type[:40]), allowed="authorization_code")
    user, _, app_id = _one(fields, "client_id").rpartition("@")
    if not user or len(user.encode(errors="replace")) > MAX_USER_BYTES:
        allowed = f"a user of 1 to {MAX_USER_BYTES} bytes, @, an app's id"
        raise BadInput("client_id", found="another form", allowed=allowed)
    if not (app_id.isascii() and app_id.isdigit() and len(app_id) < 19):
        raise BadInput("client_id", found="no app's id after the @", allowed="a number")
    return Asked(user, int(app_id), _one(fields, "code"))


def _one(fields: dict[str, list[str]], name: str) -> str:
    if name not in fields:
        raise BadInput(name, found="nothing", allowed="a value")
    return fields[name][-1]


def _refusal(error: Exception) -> Reply:
    reason = str(error)
    actions: list[dict[str, Any]] = [
        {"action": REPORT_ERROR, "params": {"errorReason": reason}},
    ]
    if isinstance(error, access.ProofExpired):
        actions.insert(0, {"action": GET_NEW_TOKEN, "params": {}})
    told = {"error": "invalid_request", **_reasons(reason)}
    return Reply(400, {**told, "urn:x-callstats:auth:errorActions": actions})


def _reasons(reason: str) -> dict[str, str]:
    # The draft calls it errorReason, Java reads error_description.
    return {"errorReason": reason, "error_description": reason}


def base_url(request: Request) -> str:
    """Return the address under which the client reached us, as far as it told."""
    host = Headers(scope=request.scope).get("host") or request.url.netloc
    return f"{request.url.scheme}://{host}"
