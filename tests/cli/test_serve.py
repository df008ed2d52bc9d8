import inspect
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
import urllib3

from callstats.cli.serve import serve
from callstats.collector import Settings

from .conftest import Command, Served


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command as people do; yield the process and the first line it says."""
    command = [sys.executable, "-m", "callstats", "serve", "--data", str(folder), "--port", "0"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def left(process: subprocess.Popen[str], by: signal.Signals) -> tuple[int, str, str]:
    process.send_signal(by)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_the_first_start_tells_how_to_go_on_and_sigterm_ends_it_cleanly(
    tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "data"
    with serving(folder) as (process, first):
        url = re.fullmatch(r"callstats listens at (http://127\.0\.0\.1:\d+)\n", first)
        assert url is not None
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(3)]
        assert f"{url[1]}/sign-in?token=" in said[0]
        assert said[1] == f"reports to {url[1]}\n"
        assert said[2] == f"make an app with: callstats app create NAME --data {folder}\n"
        announced = folder / "server.json"
        assert stat.S_IMODE(announced.stat().st_mode) == 0o600
        assert msgspec.json.decode(announced.read_bytes())["pid"] == process.pid
        link = said[0].split()[-1]
        signed_in = urllib3.request("GET", link, redirect=False, timeout=30, retries=False)
        assert signed_in.status == 303
        assert "HttpOnly" in signed_in.headers["Set-Cookie"]
        assert command("app", "create", "shop", "--data", folder).code == 0
        assert left(process, signal.SIGTERM) == (0, "", "")
    assert not announced.exists()
    with serving(folder) as (process, first):
        code, out, _ = left(process, signal.SIGINT)
        assert first.startswith("callstats listens at ")
        assert (code, out) == (0, "")  # no link to sign in with: stdout is no terminal


def test_a_folder_has_one_server(command: Command, served: Served) -> None:
    outcome = command("serve", "--data", served.folder, "--port", 0)
    assert (outcome.code, outcome.out) == (1, "")
    assert f"is in use by process {served.server.pid}" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_port_in_use_is_one_line(command: Command, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = command("serve", "--data", tmp_path / "data", "--port", port)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("callstats: port in use: found another program on port")
    assert outcome.err.count("\n") == 1


def test_a_folder_of_somebody_else_is_refused(command: Command, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    outcome = command("serve", "--data", tmp_path, "--port", 0)
    assert outcome.code == 1
    assert "found files of somebody else, such as thesis.tex" in outcome.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--silence", "0"], "setting silence in flags: found 0.0"),
        (["--log-level", "loud"], "setting log_level: found 'loud', allowed debug or info"),
        (["--data", "here", "--store", "clickhouse://there"], "found data and store, allowed one"),
        (["--port", "70000"], "setting port in flags: found 70000"),
        (["--config", "nowhere.toml"], "settings file nowhere.toml: found No such file"),
    ],
)
def test_a_wrong_setting_names_its_place(command: Command, options: list[str], said: str) -> None:
    outcome = command("serve", *options)
    assert outcome.code == 1
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_every_setting_is_a_flag_and_in_the_manual() -> None:
    flags = {*inspect.signature(serve).parameters} - {"config"}
    secret = {"turn_secret"}  # a command line can be read by everyone on the machine
    assert flags == {*Settings.__struct_fields__} - secret
    root = Path(__file__).parents[2]
    manual = (root / "docs" / "reference" / "command-line.md").read_text()
    assert [flag for flag in flags if f"`--{flag.replace('_', '-')} " not in manual] == []


def test_a_server_that_was_killed_leaves_a_folder_that_opens(
    command: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    with serving(folder) as (process, _):
        assert command("app", "create", "kept", "--data", folder).code == 0
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (folder / "server.json").exists()
    assert command("app", "list", "--data", folder, "--json").json["apps"][0]["name"] == "kept"
