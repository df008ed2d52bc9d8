from urllib.parse import urlsplit

import pytest

from callstats.access import COOKIE
from callstats.clock import SystemClock
from callstats.dashboard.sign_in import MAX_FORM, local
from callstats.store import Store
from callstats.testing import FakeClock

from .serving import Served, Visitor, serve


def test_a_stranger_is_sent_to_the_door_and_back_to_the_page_asked_for(stranger: Visitor) -> None:
    answer = stranger.get("/calls/abc?user=bob")

    assert answer.status == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fcalls%2Fabc%3Fuser%3Dbob"


def test_the_link_signs_in_and_takes_the_token_out_of_the_address(
    served: Served, stranger: Visitor
) -> None:
    parts = urlsplit(served.link())

    answer = stranger.get(f"{parts.path}?{parts.query}")

    assert answer.status == 303
    assert answer.headers["Location"] == "/"
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "SameSite=Lax" in answer.headers["Set-Cookie"]
    assert stranger.get("/").status == 200


def test_the_link_of_a_moment_long_gone_says_that_it_expired(store: Store) -> None:
    clock = FakeClock(SystemClock().now())
    with serve(store, clock) as served:
        link = urlsplit(served.link())
        clock.advance(2 * 86_400)
        visitor = Visitor(served.url)

        answer = visitor.get(f"{link.path}?{link.query}")

        assert answer.status == 403
        assert "has expired" in answer.text
        assert "Set-Cookie" not in answer.headers
        visitor.close()


def test_a_wrong_token_is_told_in_words_and_not_repeated(stranger: Visitor) -> None:
    answer = stranger.post("/sign-in", token="<b>my secret</b>", next="/calls/abc")

    assert answer.status == 403
    assert "did not issue" in answer.text
    assert "my secret" not in answer.text
    assert 'value="/calls/abc"' in answer.text


def test_a_pasted_token_that_may_read_signs_in_for_its_app(
    served: Served, stranger: Visitor, app_id: int
) -> None:
    answer = stranger.post("/sign-in", token=f" {served.tokens.issue('read', app_id)}\n")

    assert answer.status == 303
    assert stranger.get("/").status == 200


def test_a_token_that_may_only_send_does_not_sign_in(
    served: Served, stranger: Visitor, app_id: int
) -> None:
    answer = stranger.post("/sign-in", token=served.tokens.issue("send", app_id))

    assert answer.status == 403
    assert "not read calls" in answer.text


def test_a_cookie_with_a_token_that_may_only_send_is_no_session(
    served: Served, stranger: Visitor, app_id: int
) -> None:
    stranger.cookie = f"{COOKIE}={served.tokens.issue('send', app_id)}"

    assert stranger.get("/").status == 303


def test_an_invitation_is_no_session(served: Served, stranger: Visitor) -> None:
    stranger.cookie = f"{COOKIE}={served.sessions.invite()}"

    assert stranger.get("/").status == 303


def test_signing_out_ends_the_session(admin: Visitor) -> None:
    answer = admin.post("/sign-out")

    assert answer.status == 303
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    assert admin.get("/").status == 303


def test_a_form_of_a_megabyte_is_refused(stranger: Visitor) -> None:
    answer = stranger.post("/sign-in", token="x" * MAX_FORM)

    assert answer.status == 413


@pytest.mark.parametrize(
    "goal", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\\b", "/a\nb"]
)
def test_signing_in_never_leads_to_another_site(goal: str) -> None:
    assert local(goal) == "/"


def test_signing_in_leads_to_the_page_asked_for(served: Served, stranger: Visitor) -> None:
    token = served.sessions.invite()

    answer = stranger.post("/sign-in", token=token, next="/calls/abc?user=b%20c")

    assert answer.headers["Location"] == "/calls/abc?user=b%20c"
