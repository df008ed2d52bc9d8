"""A token allows what it was issued for, for as long as it was issued."""

import jwt
import pytest

from callstats.access import (
    COOKIE,
    Sessions,
    TokenExpired,
    TokenInvalid,
    Tokens,
    WrongScope,
    set_cookie,
)
from callstats.testing import FakeClock

KEY = b"k" * 32


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> Tokens:
    return Tokens(KEY, clock=clock)


def test_a_token_tells_what_it_was_issued_for(tokens: Tokens) -> None:
    grant = tokens.check(tokens.issue("send", 7, user="alice"))

    assert (grant.app_id, grant.user) == (7, "alice")
    assert grant.allows("send")
    assert not grant.allows("read")


def test_admin_covers_every_scope(tokens: Tokens) -> None:
    grant = tokens.check(tokens.issue("admin"))

    assert all(grant.allows(scope) for scope in ("send", "read", "admin"))


def test_a_missing_scope_is_named(tokens: Tokens) -> None:
    grant = tokens.check(tokens.issue("send", 7))

    with pytest.raises(WrongScope, match="found send, allowed read"):
        grant.require("read")


def test_an_expired_token_is_told_in_the_words_old_clients_wait_for(
    tokens: Tokens, clock: FakeClock
) -> None:
    token = tokens.issue("read", seconds=60)
    clock.advance(60)

    with pytest.raises(TokenExpired, match=r"^Token has expired$"):
        tokens.check(token)


def test_a_restart_invalidates_no_token(tokens: Tokens, clock: FakeClock) -> None:
    token = tokens.issue("read", 7)

    assert Tokens(KEY, clock=clock).check(token).app_id == 7


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "x",
        "a.b.c",
        "é" * 10,
        "x" * 100_000,
        jwt.encode({"scope": "admin", "exp": 9e9}, b"z" * 32, algorithm="HS256"),
        jwt.encode({"scope": "admin", "exp": 9e9}, "", algorithm="none"),
        jwt.encode({"scope": "admin", "exp": 9e9}, KEY, algorithm="HS256"),
    ],
    ids=["empty", "word", "dots", "no ascii", "long", "other key", "no signature", "raw key"],
)
def test_what_this_server_did_not_sign_is_invalid(tokens: Tokens, forged: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens.check(forged)


def test_a_token_to_send_needs_an_app(tokens: Tokens) -> None:
    with pytest.raises(ValueError, match="app"):
        tokens.issue("send")


def test_an_invitation_becomes_a_session_and_is_none_itself(clock: FakeClock) -> None:
    sessions = Sessions(KEY, clock=clock)
    invitation = sessions.invite()

    session = sessions.accept(invitation)

    assert sessions.check(session).allows("admin")
    with pytest.raises(TokenInvalid):
        sessions.check(invitation)
    with pytest.raises(TokenInvalid):
        sessions.accept(session)


def test_an_invitation_expires(clock: FakeClock) -> None:
    sessions = Sessions(KEY, clock=clock)
    invitation = sessions.invite(seconds=10)
    clock.advance(11)

    with pytest.raises(TokenExpired):
        sessions.accept(invitation)


def test_a_session_is_no_token_and_a_token_no_session(tokens: Tokens, clock: FakeClock) -> None:
    sessions = Sessions(KEY, clock=clock)

    with pytest.raises(TokenInvalid):
        tokens.check(sessions.begin())
    with pytest.raises(TokenInvalid):
        sessions.check(tokens.issue("admin"))


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites() -> None:
    header = set_cookie("value", is_secure=True)

    assert header.startswith(f"{COOKIE}=value")
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(header.split("; "))
    assert "Max-Age=0" in set_cookie("", is_secure=False)
