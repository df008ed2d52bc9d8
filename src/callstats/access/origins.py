"""May this page use this app? An app may list the origins of its pages.

An origin is scheme, host and port as browsers send them, such as ``https://meet.example.org``;
``https://*.example.org`` stands for every name below, at any depth. An app that lists none takes
every page, and who sends no origin is no page.
"""

from urllib.parse import urlsplit

from callstats.access.errors import OriginRefused
from callstats.errors import BadInput

MAX_ORIGIN = 256


def checked_origin(origin: str) -> str:
    """Return an origin as it is compared; raises BadInput."""
    tidy = _tidy(origin)
    try:
        parts = urlsplit(tidy)
        is_whole = bool(parts.scheme in ("http", "https") and parts.hostname)
        has_more = bool(parts.path or parts.query or parts.fragment or parts.username)
    except ValueError:
        is_whole, has_more = False, True
    if not is_whole or has_more or len(tidy) > MAX_ORIGIN:
        raise BadInput(
            "origin", found=repr(origin[:80]), allowed="https://host, with * for every name below"
        )
    return tidy


def check_origin(app_id: int, listed: tuple[str, ...], origin: str | None) -> None:
    """Raise OriginRefused where the app lists origins and this is none of them."""
    if not listed or origin is None:
        return
    found = _tidy(origin)
    if not any(_fits(pattern, found) for pattern in listed):
        raise OriginRefused(app_id)


def _fits(pattern: str, origin: str) -> bool:
    scheme, is_wild, rest = pattern.partition("://*.")
    if not is_wild:
        return origin == pattern
    return origin.startswith(f"{scheme}://") and origin.endswith(f".{rest}")


def _tidy(origin: str) -> str:
    return origin.strip().rstrip("/").lower()
