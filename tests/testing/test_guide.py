"""The guide for testing an application works as it is printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from callstats.testing import Recorder, plugin

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "testing-your-application.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {n}" for n in range(1, len(BLOCKS) + 1)])
def test_every_block_is_a_test_that_passes(block: str, tmp_path: Path) -> None:
    (tmp_path / "test_guide.py").write_text(block)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-p", plugin.__name__, "-q"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_fixture_is_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)

    assert rows == [name for name in vars(plugin) if name.startswith("callstats_")]


def test_what_the_guide_calls_is_there() -> None:
    methods = set(re.findall(r"`(\w+)\(", TEXT)) | {"eventually"}

    assert methods >= {"told", "events", "errors", "wait_for"}
    assert not [name for name in methods if not hasattr(Recorder, name)]
