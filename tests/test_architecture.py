"""The picture in ARCHITECTURE.md is the code's: every package is drawn, and nothing else is."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
PACKAGE = ROOT / "src" / "callstats"


def code_has() -> set[str]:
    return {
        path.stem
        for path in PACKAGE.iterdir()
        if not path.name.startswith(("_", ".")) and (path.is_dir() or path.suffix == ".py")
    }


def test_each_package_has_one_line_and_each_line_a_package() -> None:
    named = re.findall(r"^\| `(\w+)`", PAGE, flags=re.MULTILINE)
    assert sorted(named) == sorted(code_has())


def test_the_picture_draws_the_layers_that_the_linter_enforces() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    picture = PAGE.split("```text\n", 1)[1].split("```", 1)[0]
    drawn = [set(re.findall(r"[a-z]+", line.split("  ←")[0])) for line in picture.splitlines()]
    assert [row for row in drawn if row] == [set(layer.split(" | ")) for layer in layers]


def test_each_module_says_what_question_it_answers() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not path.read_text().lstrip().startswith(('"""', 'r"""'))
    ]
    assert silent == []


def test_no_module_is_longer_than_the_wall() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path): size for path, size in sizes.items() if size > 500} == {}
