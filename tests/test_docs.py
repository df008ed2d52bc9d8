"""The pages tell the truth: links lead somewhere, commands exist, code runs."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer.main

from callstats.cli.commands import application

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "conformance/README.md"])
README = (ROOT / "README.md").read_text()


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_readme_gives_two_commands_that_the_makefile_has() -> None:
    named = set(re.findall(r"^make (\w+)", blocks(README, "sh")[0], flags=re.MULTILINE))
    has = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named == {"demo", "test"}
    assert named <= has


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert [line for line in script.splitlines() if line.startswith("exec")] == ["exec make test"]


def test_commands_in_the_readme_exist() -> None:
    group = typer.main.get_command(application)
    lines = "\n".join(blocks(README, "sh")).splitlines()
    called = [
        shlex.split(line, comments=True)[1] for line in lines if line.startswith("callstats ")
    ]
    assert called
    assert [name for name in called if name not in group.commands] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_pages_is_python(page: Path) -> None:
    for code in blocks(page.read_text(), "python"):
        ast.parse(code)


def test_no_page_or_module_names_a_path_of_some_machine() -> None:
    files = [*PAGES, *(ROOT / "src").rglob("*.py"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    assert [f for f in files if re.search(r"/(home|root|work)/\w", f.read_text())] == []
