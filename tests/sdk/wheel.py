"""How is the wheel that is tested built? From a copy of the tree, or it is given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("src", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")


def build_wheel(folder: Path) -> Path:
    """Build the wheel in ``folder``, or take the one that ``CALLSTATS_WHEEL`` names."""
    given = os.environ.get("CALLSTATS_WHEEL")
    if given:
        return Path(given)
    tree = folder / "tree"
    tree.mkdir()
    for name in SOURCES:
        _copy(ROOT / name, tree / name)
    run(uv(), "build", "--wheel", "--out-dir", str(folder / "dist"), str(tree))
    return next((folder / "dist").glob("callstats-*.whl"))


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    elif source.exists():
        shutil.copy(source, target)


def uv() -> str:
    """Return the uv of the environment that runs the tests."""
    return str(Path(sys.executable).with_name("uv"))


def run(*command: str) -> str:
    """Run a command and return what it prints; a failure shows what it complained of."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{command[:3]}:\n{done.stdout}\n{done.stderr}"
    return done.stdout
