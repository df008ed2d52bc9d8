import pytest

from .conftest import Command, Served


def test_the_list_is_one_document_with_the_latest_first(command: Command, served: Served) -> None:
    listed = command("calls", "--data", served.folder, "--json").json["calls"]
    assert listed[0]["id"] == served.call
    assert listed[0]["conference"] == "stand-up [daily]"
    assert listed[0]["app_id"] == served.app_id
    assert listed[0]["participants"] == 2


def test_people_see_a_table(command: Command, served: Served) -> None:
    outcome = command("calls", "--data", served.folder)
    assert served.call in outcome.out
    assert "stand-up [daily]" in outcome.out


def test_one_conference_can_be_asked_for(command: Command, served: Served) -> None:
    other = command("calls", "--data", served.folder, "--conference", "other")
    assert (other.code, other.out, other.err) == (0, "", "no call yet\n")


def test_url_and_token_may_come_from_the_environment(
    command: Command, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSTATS_URL", served.server.url)
    monkeypatch.setenv("CALLSTATS_TOKEN", served.server.token)
    assert command("calls", "--json").json["calls"][0]["id"] == served.call


def test_the_default_folder_must_exist(command: Command) -> None:
    outcome = command("calls")
    assert outcome.code == 1
    assert "found no folder callstats-data" in outcome.err


def test_a_wrong_token_is_one_line(command: Command, served: Served) -> None:
    outcome = command("calls", "--url", served.server.url, "--token", "made up")
    assert outcome.code == 1
    assert "token" in outcome.err
    assert outcome.err.count("\n") == 1
