"""A client of the old service, as far as the collector can tell."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from callstats.access import App
from tests.collector.conftest import Peer

HEAD = b'{"alg":"HS256"}'


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def sign(claims: dict[str, Any], secret: str) -> str:
    """Sign as the browser's library does: with what follows the colon, and no times."""
    key = secret.partition(":")[2] or secret
    signed = f"{segment(HEAD)}.{segment(json.dumps(claims).encode())}"
    return f"{signed}.{segment(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))}"


def payload_of(token: str) -> Any:
    """Decode a token as the browser's library does: with plain base64."""
    part = token.split(".")[1]
    return json.loads(base64.b64decode(part + "=" * (-len(part) % 4), validate=True))


def form(user: str, app_id: int | str, code: str, **more: str) -> bytes:
    fields = {"grant_type": "authorization_code", "code": code, "client_id": f"{user}@{app_id}"}
    return urlencode({**fields, **more}).encode()


class OldClient(Peer):
    """One user on one device."""

    def __init__(self, url: str, app: App, user: str = "alice", device: str = "d1") -> None:
        super().__init__(url)
        self.app = app
        self.user = user
        self.device = device
        self.conference = "room"
        self.call = ""

    def authenticate(self, **headers: str) -> Any:
        code = sign({"userID": self.user, "appID": self.app.app_id}, self.app.secret)
        reply = self.ask(
            "POST", "/authenticate", form(self.user, self.app.app_id, code), headers=headers
        )
        assert reply.status == 200, reply.data
        answer = reply.json()
        self.token = answer["access_token"]
        return answer

    def path(self, tail: str, conference: str | None = None) -> str:
        name = quote(self.conference if conference is None else conference, safe="")
        whole = tail.replace("{C}", f"conferences/{name}/{self.call}")
        return f"/v1/apps/{self.app.app_id}/{whole}"

    def body(self, at: float | None = None, **members: Any) -> dict[str, Any]:
        now = (time.time() if at is None else at) * 1000
        return {"localID": self.user, "deviceID": self.device, "timestamp": now, **members}

    def post(self, tail: str, *, at: float | None = None, **members: Any) -> Any:
        """Say something that is taken."""
        reply = self.send(tail, json.dumps(self.body(at, **members)).encode())
        assert reply.status == 200, reply.data
        assert reply.json()["status"] == "success"
        return reply.json()

    def send(self, tail: str, body: bytes, **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask(
            "POST", self.path(tail), body, headers={"Content-Type": "application/json", **named}
        )

    def join(self, conference: str = "room", *, at: float | None = None, **members: Any) -> str:
        self.conference = conference
        joined = f"conferences/{quote(conference, safe='')}"
        members = {"eventType": "userJoined", **members}
        endpoint = {"type": "browser", "userAgent": "Old/1"}
        self.call = self.post(joined, at=at, endpointInfo=endpoint, **members)["ucID"]
        return self.call
