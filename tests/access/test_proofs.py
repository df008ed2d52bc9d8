"""What applications sign themselves is believed when it fits, and only then."""

import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.access import App, ProofExpired, ProofInvalid, PublicKeys, Tokens, check_proof
from callstats.errors import BadInput
from callstats.store import Store

NOW = 1_800_000_000.0


def app(secret: str = "YWJj:s3cret", previous: str = "") -> App:
    made = datetime.fromtimestamp(NOW, UTC)
    return App(app_id=7, name="a", secret=secret, previous_secret=previous, created_at=made)


def part(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def signed(key: str, head: str = '{"alg":"HS256"}', **more: Any) -> str:
    claims = {"userID": "alice", "appID": 7, **more}
    text = f"{part(head.encode())}.{part(json.dumps(claims).encode())}"
    return f"{text}.{part(hmac.digest(key.encode(), text.encode(), 'sha256'))}"


def check(code: str, of: App | None = None) -> None:
    check_proof(code, user="alice", app=of or app(), public_keys=[], now=NOW)


@pytest.mark.parametrize(
    "code",
    [
        signed("s3cret"),
        signed("s3cret", keyId="616263"),
        signed("s3cret", keyID="616263", appID="7", exp=NOW + 600, nbf=NOW - 600),
        signed("s3cret", exp=NOW - 30, nbf=NOW + 30),
    ],
)
def test_a_token_of_the_secret_is_believed(code: str) -> None:
    check(code)


def test_an_old_secret_without_a_colon_signs_as_a_whole() -> None:
    check(signed("short"), app("short"))
    check(signed("short"), app("YWJj:new", previous="short"))


@pytest.mark.parametrize(
    "code",
    [
        "",
        "a.b",
        "..",
        "a.b.c",
        signed("wrong"),
        signed("YWJj:s3cret"),
        signed("s3cret", keyID="ffff"),
        signed("s3cret", appID=8),
        signed("s3cret", appID=None),
        signed("s3cret", userID="bob"),
        signed("s3cret", userID=None),
        signed("s3cret", nbf=NOW + 100),
        signed("s3cret", exp="soon"),
        signed("s3cret", head='{"alg":"none"}'),
        signed("s3cret", head='{"alg":"ES256"}'),
        signed("s3cret", head="[]"),
        signed("s3cret").rpartition(".")[0] + ".",
        "x" * 9000,
    ],
)
def test_anything_else_is_not(code: str) -> None:
    with pytest.raises(ProofInvalid):
        check(code)


def test_one_that_is_over_asks_for_another() -> None:
    with pytest.raises(ProofExpired):
        check(signed("s3cret", exp=NOW - 61))


@pytest.mark.parametrize("text", ["", "x", "{}", '{"kty":"RSA"}', "-----BEGIN PUBLIC KEY-----"])
def test_what_is_no_key_is_refused(store: Store, app_id: int, text: str) -> None:
    with pytest.raises(BadInput):
        PublicKeys(store).add(app_id, text)


@given(user=st.text(max_size=60))
def test_a_tokens_claims_are_plain_base64_whatever_they_say(user: str) -> None:
    tokens = Tokens(b"k" * 32)
    token = tokens.issue("send", 7, more={"userID": user, "app": 8})

    payload = token.split(".")[1]

    assert not set("-_") & set(payload)
    assert tokens.check(token).app_id == 7
