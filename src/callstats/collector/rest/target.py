"""What does the path of a request say? App, conference, call, and what it is about.

Segments are taken apart before they are decoded: a conference's name may hold an encoded slash.
Browsers write a space as ``%20``, Java as ``+``; both write a plus as ``%2B``.
"""

from urllib.parse import unquote, unquote_to_bytes

from msgspec import Struct

from callstats.collector.errors import RestRefusal
from callstats.wire.records import MAX_NAME

PREFIX = b"/v1/apps/"


class Target(Struct, frozen=True):
    """Where a request goes; ``call`` and ``conference`` are None where the path has none."""

    app: str
    conference: str | None
    call: str | None
    tail: str


def read(raw_path: bytes) -> Target:
    """Take a path apart; raises RestRefusal."""
    app, *rest = raw_path.removeprefix(PREFIX).split(b"/")
    if rest[:1] != [b"conferences"]:
        return Target(unquote(app.decode("latin-1")), None, None, _tail(rest))
    conference = _conference(rest[1] if len(rest) > 1 else b"")
    call = unquote(rest[2].decode("latin-1")) if len(rest) > 2 else ""
    return Target(unquote(app.decode("latin-1")), conference, call or None, _tail(rest[3:]))


def _tail(segments: list[bytes]) -> str:
    # "…/stats" and "…/stats/" are the same; "…/{ucID}/" has an empty tail.
    return "/".join(unquote(each.decode("latin-1")) for each in segments if each)


def _conference(segment: bytes) -> str:
    try:
        name = unquote_to_bytes(segment.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise RestRefusal(
            400, "conference: found no UTF-8, allowed UTF-8, percent-encoded"
        ) from None
    if not 0 < len(name) <= MAX_NAME:
        allowed = f"1 to {MAX_NAME}"
        raise RestRefusal(400, f"conference: found {len(name)} characters, allowed {allowed}")
    return name
