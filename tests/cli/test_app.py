from pathlib import Path

from callstats.store import Store

from .conftest import Command, Served


def test_an_app_is_made_listed_and_rotated_in_a_folder(
    command: Command, store: Store, engine_folder: Path
) -> None:
    made = command("app", "create", "shop", "--data", engine_folder, "--json").json
    assert made["app_id"] > 0
    assert ":" in made["app_secret"]
    listed = command("app", "list", "--data", engine_folder, "--json").json["apps"]
    assert made["app_id"] in [each["app_id"] for each in listed]
    assert not any("app_secret" in each or "secret" in each for each in listed)
    rotated = command("app", "rotate", made["app_id"], "--data", engine_folder, "--json").json
    assert rotated["app_id"] == made["app_id"]
    assert rotated["app_secret"] != made["app_secret"]


def test_the_same_works_through_the_running_server(command: Command, served: Served) -> None:
    made = command("app", "create", "shop", "--data", served.folder, "--json").json
    away = ("--url", served.server.url, "--token", served.server.token)
    listed = command("app", "list", *away, "--json").json["apps"]
    assert {made["app_id"], served.app_id} <= {each["app_id"] for each in listed}
    assert command("app", "rotate", made["app_id"], *away).code == 0


def test_people_get_id_and_secret_on_a_line_each(command: Command, served: Served) -> None:
    first, second = command("app", "create", "shop", "--data", served.folder).out.splitlines()
    assert first.split()[0] == "app_id"
    assert second.split()[0] == "app_secret"
    assert "shop" in command("app", "list", "--data", served.folder).out


def test_an_unknown_app_cannot_be_rotated(command: Command, served: Served) -> None:
    outcome = command("app", "rotate", "7", "--data", served.folder)
    assert (outcome.code, outcome.out) == (1, "")
    assert "unknown app: found 7" in outcome.err


def test_a_wrong_token_is_refused(command: Command, served: Served) -> None:
    outcome = command("app", "list", "--url", served.server.url, "--token", "made up")
    assert outcome.code == 1
    assert "token" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_url_needs_a_token(command: Command) -> None:
    outcome = command("app", "list", "--url", "http://127.0.0.1:1")
    assert outcome.err == (
        "callstats: --url: found no token, allowed --token or CALLSTATS_TOKEN with it\n"
    )


def test_a_server_that_is_away_is_one_line(command: Command) -> None:
    outcome = command("app", "list", "--url", "http://127.0.0.1:1", "--token", "any")
    assert outcome.err == "callstats: no server answers at http://127.0.0.1:1\n"
