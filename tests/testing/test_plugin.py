"""pytest offers the fixtures to whoever has callstats installed, and nobody pays for it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import os

import callstats


def test_my_bot_reports_its_mute_and_its_hang_up(callstats_recorder, callstats_client):
    run_bot(callstats_client)

    callstats_recorder.wait_for("left")
    assert callstats_recorder.events("audioMute")


def test_each_test_begins_anew(callstats_recorder):
    assert callstats_recorder.told() == []


def test_a_bot_that_reads_its_environment_reports_here(callstats_environment, callstats_recorder):
    client = callstats.Client(
        os.environ["CALLSTATS_URL"],
        app_id=int(os.environ["CALLSTATS_APP_ID"]),
        app_secret=os.environ["CALLSTATS_APP_SECRET"],
        user="bot",
    )
    with client:
        run_bot(client)

    callstats_recorder.wait_for("left", user="bot")


def test_a_bot_that_forgets_to_hang_up_fails(callstats_recorder, callstats_client):
    callstats_client.event("audioMute", conference="c")

    callstats_recorder.wait_for("left", timeout=0.05)


def run_bot(client):
    client.event("audioMute", conference="c")
    client.leave("c")
"""

IMPORTED = """
import sys

import pytest

for name in sys.argv[1].split():
    __import__(name)
print(*{name.partition(".")[0] for name in sys.modules})
"""

SERVER = {"chdb", "clickhouse_connect", "httptools", "jinja2", "jwt", "pyarrow", "rich"}
SERVER |= {"starlette", "typer", "uvicorn", "uvloop", "websockets"}
ENGINES = {"aiortc", "av", "livekit", "numpy", "webrtc"}


def run(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    # Only this plugin: what else is installed here must not help, and may not hinder.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_fixtures_work_in_somebody_elses_tests(tmp_path: Path) -> None:
    (tmp_path / "test_bot.py").write_text(TESTS)

    done = run(
        *("-m", "pytest", "-W", "error", "-p", "callstats.testing.plugin", "-q"), folder=tmp_path
    )

    assert "3 passed" in done.stdout, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "'left' was reported 0 of 1 times within 0.05 s" in done.stdout
    assert "reported were: joined (1), audioMute (1)" in done.stdout


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [
        ("callstats.testing.plugin", {"msgspec", "urllib3"}),
        ("callstats.testing.plugin callstats.testing.recorder", set[str]()),
    ],
    ids=["the plugin imports nothing", "the recorder imports the client only"],
)
def test_neither_server_nor_engine_is_imported(
    tmp_path: Path, modules: str, unwanted: set[str]
) -> None:
    done = run("-c", IMPORTED, modules, folder=tmp_path)

    assert done.stderr == ""
    imported = set(done.stdout.split())
    assert "callstats" in imported
    assert imported & (SERVER | ENGINES | unwanted) == set()


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["entry-points"]["pytest11"] == {"callstats": "callstats.testing.plugin"}
