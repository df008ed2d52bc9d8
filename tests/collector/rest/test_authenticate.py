"""A client of the old service gets a token exactly as it expects it, or a reason."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from callstats.access import App, Apps, PublicKeys
from callstats.collector import Server
from callstats.store import Store
from tests.collector.conftest import Peer

from .client import OldClient, form, payload_of, sign

ACTIONS = "urn:x-callstats:auth:errorActions"


def claims(app: App, user: str = "alice", **more: Any) -> dict[str, Any]:
    return {"userID": user, "appID": app.app_id, **more}


def ask(peer: Peer, body: bytes, **headers: str) -> tuple[int, Any]:
    reply = peer.ask("POST", "/authenticate", body, headers=headers)
    return reply.status, reply.json()


@pytest.fixture
def peer(server: Server) -> Peer:
    return Peer(server.url)


@pytest.mark.parametrize("user", ["alice", "alice 1", "a~?>~??>>~~", "ä☎🙂", "a@b@c", "%2F+ "])
def test_the_reply_is_what_the_browsers_library_reads(
    server: Server, app: App, new_client: Callable[..., OldClient], user: str
) -> None:
    client = OldClient(server.url, app, user)

    answer = client.authenticate()

    url = f"{server.url}/v1/apps"
    assert answer.keys() == {"access_token", "token_type", "expires_in", "metadata"}
    assert (answer["token_type"], answer["expires_in"]) == ("bearer", 3600)
    assert answer["metadata"] == {"urls": {"events": url, "stats": url, "config": url}}
    told = payload_of(answer["access_token"])
    assert told["appID"] == app.app_id
    assert told["expiry"].endswith("Z")
    assert isinstance(told["submissionInterval"], int)
    assert "fabricSetup" in told["ingestedEvents"]
    client.join()
    client.close()


def test_the_urls_are_those_of_the_host_that_was_asked(peer: Peer, app: App) -> None:
    body = form("alice", app.app_id, sign(claims(app), app.secret))

    _, answer = ask(peer, body, Host="stats.example.org", **{"X-Forwarded-Proto": "https"})

    assert answer["metadata"]["urls"]["events"] == "https://stats.example.org/v1/apps"


def test_the_app_may_be_text_and_the_key_may_be_named_either_way(peer: Peer, app: App) -> None:
    key_id = base64.b64decode(app.secret.partition(":")[0]).hex()
    for more in ({"keyId": key_id}, {"keyID": key_id}, {"appID": str(app.app_id)}):
        code = sign({**claims(app), **more}, app.secret)

        assert ask(peer, form("alice", app.app_id, code))[0] == 200


def test_the_form_may_be_sent_without_encoding(peer: Peer, app: App) -> None:
    code = sign(claims(app), app.secret)
    body = f"client_id=alice@{app.app_id}&code={code}&grant_type=authorization_code"

    assert ask(peer, body.encode())[0] == 200


def test_after_a_rotation_the_secret_before_is_still_good(
    peer: Peer, app: App, own_store: Store
) -> None:
    Apps(own_store).rotate(app.app_id)

    assert ask(peer, form("alice", app.app_id, sign(claims(app), app.secret)))[0] == 200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"appID": 1}, "the token is for another app"),
        ({"userID": "bob"}, "the token is for another user"),
        ({"exp": 1}, "the token of the application has expired"),
        ({"nbf": 9e9}, "the token is not valid yet"),
        ({"keyID": "abcdef"}, "the signature does not match"),
    ],
)
def test_a_token_that_does_not_fit_is_refused_with_its_reason(
    peer: Peer, app: App, change: dict[str, Any], reason: str
) -> None:
    code = sign({**claims(app), **change}, app.secret)

    status, answer = ask(peer, form("alice", app.app_id, code))

    assert (status, answer["error"], answer["errorReason"]) == (400, "invalid_request", reason)
    assert {"action": 2, "params": {"errorReason": reason}} in answer[ACTIONS]


def test_an_expired_token_asks_for_a_new_one(peer: Peer, app: App) -> None:
    code = sign(claims(app, exp=1), app.secret)

    _, answer = ask(peer, form("alice", app.app_id, code))

    assert [action["action"] for action in answer[ACTIONS]] == [1, 2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"grant_type=password&client_id=a%401&code=x",
        b"grant_type=authorization_code&client_id=a&code=x",
        b"grant_type=authorization_code&client_id=a%40b&code=x",
        b"grant_type=authorization_code&client_id=%401&code=x",
        b"grant_type=authorization_code&client_id=a%40555000111&code=x.y.z",
        b"grant_type=authorization_code&client_id=a%40555000111",
        b'{"json": true}',
    ],
)
def test_every_refusal_says_what_to_do(peer: Peer, body: bytes) -> None:
    status, answer = ask(peer, body)

    assert (status, answer["error"]) == (400, "invalid_request")
    assert answer["errorReason"] == answer["error_description"]
    assert answer[ACTIONS][-1]["params"]["errorReason"] == answer["errorReason"]


def test_a_key_that_was_uploaded_signs_for_its_app_alone(
    peer: Peer, app: App, own_store: Store
) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = PublicKeys(own_store).add(app.app_id, pem.decode())
    other = Apps(own_store).create("other")

    def code(of: App, **more: Any) -> str:
        return jwt.encode(claims(of, keyID=key.key_id, **more), private, algorithm="ES256")

    assert ask(peer, form("alice", app.app_id, code(app)))[0] == 200
    assert ask(peer, form("alice", other.app_id, code(other)))[0] == 400
    ours = json.dumps({"appId": app.app_id, "userId": "alice", "code": code(app)}).encode()
    assert peer.ask("POST", "/v1/token", ours).status == 200
    old = json.dumps({"appId": app.app_id, "userId": "alice", "code": code(app, exp=1)}).encode()
    reply = peer.ask("POST", "/v1/token", old)
    assert (reply.status, reply.json()["error"]["code"]) == (401, "proof_expired")

    PublicKeys(own_store).remove(app.app_id, key.key_id)
    assert ask(peer, form("alice", app.app_id, code(app)))[0] == 400


def test_an_app_that_lists_origins_takes_no_other_page(
    peer: Peer, app: App, own_store: Store
) -> None:
    body = form("alice", app.app_id, sign(claims(app), app.secret))
    assert ask(peer, body, Origin="https://anywhere.example")[0] == 200

    Apps(own_store).allow_origins(app.app_id, ["https://meet.example.org/", "https://*.example"])

    assert ask(peer, body, Origin="https://meet.example.org")[0] == 200
    assert ask(peer, body, Origin="https://a.b.example")[0] == 200
    assert ask(peer, body)[0] == 200
    for origin in ("https://meet.example.org:8443", "http://a.b.example", "null"):
        assert ask(peer, body, Origin=origin)[0] == 400
    ours = json.dumps({"appId": app.app_id, "appSecret": app.secret}).encode()
    refused = peer.ask("POST", "/v1/token", ours, headers={"Origin": "https://evil.test"})
    assert (refused.status, refused.json()["error"]["code"]) == (403, "origin_refused")
