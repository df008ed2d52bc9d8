import socket
from pathlib import Path

import pytest

from .conftest import Command, Outcome, Served


def problems(outcome: Outcome) -> dict[str, str]:
    """Return the fix by check, for each check that is not well."""
    return {each["check"]: each["fix"] for each in outcome.json["checks"] if not each["ok"]}


def test_a_new_machine_is_well(command: Command, tmp_path: Path) -> None:
    outcome = command("doctor", "--data", tmp_path / "new" / "data", "--port", 0, "--json")
    assert problems(outcome) == {}
    assert (outcome.code, outcome.json["ok"]) == (0, True)
    assert not (tmp_path / "new").exists()


def test_a_running_server_is_well(command: Command, served: Served) -> None:
    outcome = command("doctor", "--data", served.folder)
    assert outcome.code == 0
    assert f"server: {served.server.url} takes reports" in outcome.out
    assert "problem" not in outcome.out


def test_a_server_elsewhere_can_be_asked(command: Command, served: Served) -> None:
    away = ("--url", served.server.url, "--token", served.server.token)
    assert command("doctor", *away).code == 0
    wrong = command("doctor", "--url", served.server.url, "--token", "made up", "--json")
    assert problems(wrong) == {"token": "pass an admin token of this server"}
    assert wrong.code == 1


def test_a_server_that_is_away_is_a_problem(command: Command) -> None:
    away = command("doctor", "--url", "http://127.0.0.1:1", "--token", "any")
    assert away.code == 1
    assert "no server answers at http://127.0.0.1:1  → start it with callstats serve" in away.out


def test_a_port_in_use_is_a_problem(command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = command("doctor", "--data", tmp_path / "data", "--port", port, "--json")
    assert problems(outcome) == {"port": "choose another --port"}


def test_a_file_in_place_of_the_folder_is_a_problem(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = command("doctor", "--data", tmp_path / "file", "--port", 0, "--json")
    assert "data folder" in problems(outcome)


def test_a_full_disk_is_a_problem(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callstats.cli.doctor.LEAST_FREE", 1 << 62)
    outcome = command("doctor", "--data", tmp_path / "data", "--port", 0, "--json")
    assert problems(outcome) == {"disk": "free at least 1 GiB"}
