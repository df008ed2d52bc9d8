"""The build hook, with an npm that answers as each test wants."""

import io
import sys
import tarfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
MEMBER = b"window.drawing = true;\n"


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hook's module; hatchling is there only while building, so its base class is left out."""
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]
    for name in (
        "hatchling",
        "hatchling.builders",
        "hatchling.builders.hooks",
        "hatchling.builders.hooks.plugin",
    ):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An npm package with one file."""
    path = tmp_path / "drawing-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as members:
        member = tarfile.TarInfo("package/dist/drawing.js")
        member.size = len(MEMBER)
        members.addfile(member, io.BytesIO(MEMBER))
    return path


@pytest.fixture
def package(hook: Any, archive: Path) -> Any:
    """The package pinned as it is."""
    files = {"drawing.js": ("package/dist/drawing.js", hook.integrity_of(MEMBER))}
    return hook.Package("drawing", "1.0.0", hook.integrity_of(archive.read_bytes()), files)


@pytest.fixture
def npm(tmp_path: Path, archive: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only npm of the machine: copies the archive, and notes that it was asked."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n/bin/cp {archive} .\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return program


def test_the_files_are_fetched_once(hook: Any, package: Any, npm: Path, tmp_path: Path) -> None:
    folder = tmp_path / "vendor"

    first, second = hook.provide(package, folder), hook.provide(package, folder)

    assert (first, second) == (True, False)
    assert (folder / "drawing.js").read_bytes() == MEMBER
    assert (npm.parent / "asked").read_text() == "pack drawing@1.0.0 --ignore-scripts\n"


def test_a_damaged_file_is_fetched_again(
    hook: Any, package: Any, npm: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "vendor"
    hook.provide(package, folder)
    (folder / "drawing.js").write_bytes(b"window.evil = true;")

    assert hook.provide(package, folder)
    assert (folder / "drawing.js").read_bytes() == MEMBER


def test_what_was_not_pinned_is_not_taken(
    hook: Any, package: Any, npm: Path, tmp_path: Path
) -> None:
    pinned = package._replace(integrity=hook.integrity_of(b"something else"))

    with pytest.raises(hook.NotFetched, match="not what was pinned"):
        hook.provide(pinned, tmp_path / "vendor")

    assert not (tmp_path / "vendor").exists()


def test_a_registry_out_of_reach_is_told_with_what_was_tried(
    hook: Any, package: Any, npm: Path, tmp_path: Path
) -> None:
    npm.write_text(
        "#!/bin/sh\n"
        "echo 'npm error code ECONNREFUSED' >&2\n"
        "echo 'npm error     at stack (internal.js:1)' >&2\n"
        "exit 1\n"
    )

    with pytest.raises(hook.NotFetched) as raised:
        hook.provide(package, tmp_path / "vendor")

    assert "pack drawing@1.0.0" in str(raised.value)
    assert "ECONNREFUSED" in str(raised.value)
    assert "internal.js" not in str(raised.value)


def test_a_machine_without_npm_asks_for_it_from_pypi(
    hook: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hook, "VENDOR", "nowhere")
    build = hook.CustomBuildHook()
    build.root = str(tmp_path)

    assert build.dependencies() == [hook.NODE]


def test_what_the_pages_load_is_what_the_hook_fetches(hook: Any) -> None:
    page = (ROOT / "src/callstats/dashboard/templates/call.html").read_text()

    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        assert f"vendor/{name}" in page
        assert name in hook.UPLOT.files
    assert hook.is_complete(hook.UPLOT, ROOT / hook.VENDOR)
