"""Apps and the server key live in the store and survive a restart."""

import base64

import pytest

from callstats.access import Apps, UnknownApp, WrongSecret, server_key
from callstats.errors import BadInput
from callstats.store import Store


def test_a_new_app_can_prove_its_secret(store: Store) -> None:
    app = Apps(store).create("bridge")

    assert Apps(store).check_secret(app.app_id, app.secret) == app
    assert app in Apps(store).list()


def test_id_and_secret_have_the_form_that_old_clients_need(store: Store) -> None:
    app = Apps(store).create("bridge")

    key_id, _, secret = app.secret.partition(":")
    assert 100_000_000 <= app.app_id <= 999_999_999
    assert len(base64.b64decode(key_id, validate=True)) == 4
    assert len(secret) == 43


def test_a_wrong_secret_and_an_unknown_app_are_told_apart(store: Store) -> None:
    app = Apps(store).create("bridge")

    with pytest.raises(WrongSecret):
        Apps(store).check_secret(app.app_id, app.secret + "x")
    with pytest.raises(WrongSecret):
        Apps(store).check_secret(app.app_id, "")
    with pytest.raises(UnknownApp, match="found 5"):
        Apps(store).check_secret(5, app.secret)


def test_the_secret_before_stays_valid_until_the_next_rotation(store: Store) -> None:
    apps = Apps(store)
    first = apps.create("bridge")

    second = apps.rotate(first.app_id)
    assert apps.check_secret(first.app_id, first.secret) == second
    third = apps.rotate(first.app_id)

    assert apps.check_secret(first.app_id, second.secret) == third
    with pytest.raises(WrongSecret):
        apps.check_secret(first.app_id, first.secret)


def test_the_name_of_an_app_is_checked(store: Store) -> None:
    with pytest.raises(BadInput, match="1 to 200"):
        Apps(store).create(" ")
    with pytest.raises(BadInput, match="found 201 characters"):
        Apps(store).create("x" * 201)


def test_an_app_shows_itself_without_its_secret(store: Store) -> None:
    app = Apps(store).create("bridge")

    assert app.secret not in f"{app!r} {app}"


def test_the_server_key_is_made_once(store: Store) -> None:
    key = server_key(store)

    assert len(key) == 32
    assert server_key(store) == key
