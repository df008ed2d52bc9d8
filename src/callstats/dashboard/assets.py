"""Which files does a page load? Our own, under names that change with their content."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
"""What a page may load. Said here, as machines disagree about it and browsers are strict."""
FOREVER = "public, max-age=31536000, immutable"


class Asset(Struct, frozen=True):
    """One file: where it is served, its type and its bytes."""

    path: str
    media_type: str
    content: bytes


class Assets:
    """Every static file of the dashboard, read once: 80 kB that never change while we run.

    The address of a file holds a digest of its content, so that a browser may keep it forever and
    an upgrade still shows at once.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._by_name = {asset_name(folder, file): load(folder, file) for file in files(folder)}
        self._by_path = {asset.path: asset for asset in self._by_name.values()}

    def has(self, name: str) -> bool:
        """Tell whether this file was built in (the charts' library may be missing)."""
        return name in self._by_name

    def path(self, name: str) -> str:
        """Return the address of a file by its name below the folder."""
        return self._by_name[name].path

    @property
    def by_path(self) -> Mapping[str, Asset]:
        """Every file by its address."""
        return self._by_path

    async def serve(self, request: Request) -> Response:
        """Answer with one file; only the addresses we gave out exist."""
        asset = self._by_path.get(request.url.path)
        if asset is None:
            return Response("no such file\n", status_code=404, media_type="text/plain")
        return Response(
            asset.content, media_type=asset.media_type, headers={"Cache-Control": FOREVER}
        )


def files(folder: Path) -> list[Path]:
    """List the files below ``folder`` that a page may load."""
    return sorted(file for file in folder.rglob("*") if file.suffix in MEDIA_TYPES)


def asset_name(folder: Path, file: Path) -> str:
    """Return the name of a file as templates write it."""
    return file.relative_to(folder).as_posix()


def load(folder: Path, file: Path) -> Asset:
    """Read one file and give it an address."""
    content = file.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:16]
    path = f"/assets/{digest}/{asset_name(folder, file)}"
    return Asset(path, MEDIA_TYPES[file.suffix], content)
