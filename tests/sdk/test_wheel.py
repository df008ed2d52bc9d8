"""``pip install callstats`` brings the client and nothing else."""

import json
import sys
from pathlib import Path

import pytest

from .wheel import build_wheel, run, uv


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment in which only the wheel was installed, without extras."""
    folder = tmp_path_factory.mktemp("wheel")
    wheel = build_wheel(folder)
    environment = folder / "environment"
    run(uv(), "venv", "--python", sys.executable, str(environment))
    python = str(environment / "bin" / "python")
    run(uv(), "pip", "install", "--python", python, str(wheel))
    return python


def test_the_wheel_brings_msgspec_and_urllib3_only(python: str) -> None:
    installed = json.loads(run(uv(), "pip", "list", "--python", python, "--format", "json"))

    assert {each["name"] for each in installed} == {"callstats", "msgspec", "urllib3"}


def test_a_client_works_without_extras(python: str, tmp_path: Path) -> None:
    script = tmp_path / "guest.py"
    script.write_text(
        """
import callstats

with callstats.Client("http://127.0.0.1:9", app_id=1, app_secret="x", user="alice") as client:
    client.event("audioMute", conference="standup", data={"muted": True})
    client.close(0.2)
print(callstats.__version__, sum(client.dropped.values()))
"""
    )

    version, dropped = run(python, str(script)).split()

    assert version.count(".") == 2
    assert dropped == "3"


def test_what_needs_an_extra_says_so_by_its_import(python: str, tmp_path: Path) -> None:
    script = tmp_path / "reader.py"
    script.write_text(
        """
import callstats

try:
    callstats.open
except ImportError as error:
    print(error)
"""
    )

    assert "No module named" in run(python, str(script))
