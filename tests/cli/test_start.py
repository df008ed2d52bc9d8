import errno
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

import callstats
from callstats.cli import calls, commands, start

from .conftest import Command


def test_the_module_runs_as_the_command_does() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "callstats", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"callstats {callstats.__version__}\n"


def test_the_sdk_alone_says_which_extra_is_missing() -> None:
    code = (
        "import sys; sys.modules['typer'] = None; from callstats.cli import main; main(['calls'])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr == (
        "callstats: this command needs the package typer: pip install 'callstats[server]'\n"
    )


@pytest.mark.parametrize("wrong", [["--nonsense"], ["fly"], ["show"], ["calls", "--limit", "x"]])
def test_a_wrong_command_line_is_a_usage_error(command: Command, wrong: list[str]) -> None:
    outcome = command(*wrong)
    assert outcome.code == 2
    assert "Usage" in outcome.err
    assert "Traceback" not in outcome.err


def test_an_error_of_the_system_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "somewhere")

    monkeypatch.setattr(calls, "open_source", full)
    outcome = command("calls")
    assert (outcome.code, outcome.err) == (1, "callstats: no space left on device (somewhere)\n")


def test_an_interrupted_command_says_so_by_its_code(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "_dispatch", interrupted)
    assert command("calls").code == 130


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> int:
        raise ModuleNotFoundError("no", name="callstats.nothing")

    monkeypatch.setattr(start, "_dispatch", broken)
    with pytest.raises(ModuleNotFoundError):
        start.run(["calls"])


def test_a_file_is_no_data_folder(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    outcome = command("calls", "--data", tmp_path / "file")
    assert outcome.code == 1
    assert outcome.err.startswith("callstats: data folder: found no folder")
    assert outcome.err.count("\n") == 1


def test_every_command_and_option_is_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text()
    application = typer.main.get_command(commands.application)
    for path, options in described(application):
        assert f"callstats {path}" in manual, path
        assert [each for each in options if not re.search(f"`{each}[ `]", manual)] == [], path


def described(group: Any, above: str = "") -> Iterator[tuple[str, list[str]]]:
    """Yield each command's name and its options."""
    for name, each in group.commands.items():
        path = f"{above} {name}".strip()
        if hasattr(each, "commands"):
            yield from described(each, path)
        else:
            names = [option for parameter in each.params for option in parameter.opts]
            yield path, [option for option in names if option.startswith("--")]
