"""What may a client be set up with? Each check returns the value, or raises BadInput."""

import math
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from callstats.errors import BadInput
from callstats.wire.records import MAX_NAME


def check_url(url: object) -> str:
    """Return the collector's URL without a trailing slash."""
    allowed = "http:// or https://, a host, and perhaps a path"
    if not isinstance(url, str):
        raise BadInput("url", found=_kind(url), allowed=allowed)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadInput("url", found="no URL", allowed=allowed) from None
    if parts.scheme not in ("http", "https"):
        found = f"scheme {parts.scheme!r}" if parts.scheme else "no scheme"
        raise BadInput("url", found=found, allowed=allowed)
    if not parts.hostname:
        raise BadInput("url", found="no host", allowed=allowed)
    if parts.username is not None or parts.query or parts.fragment:
        raise BadInput("url", found="credentials, a query or a fragment", allowed=allowed)
    return url.rstrip("/")


def check_app_id(app_id: object) -> int:
    """Return the app's number."""
    if isinstance(app_id, bool) or not isinstance(app_id, int) or app_id < 1:
        raise BadInput("app_id", found=_kind(app_id), allowed="the app's number, above zero")
    return app_id


def check_secret(app_secret: object) -> str:
    """Return the app's secret; it never appears in an error."""
    if not isinstance(app_secret, str) or not app_secret.strip():
        found = "no text" if isinstance(app_secret, str) else _kind(app_secret)
        raise BadInput("app_secret", found=found, allowed="the app's secret as text")
    return app_secret


def check_name(what: str, name: object) -> str:
    """Return a user or a device."""
    if not is_name(name):
        found = f"text of {len(name)} characters" if isinstance(name, str) else _kind(name)
        raise BadInput(what, found=found, allowed=f"text of 1 to {MAX_NAME} characters")
    return str(name)


def check_number(what: str, number: object, *, at_least: float) -> float:
    """Return a number that is finite and not below ``at_least``."""
    allowed = f"a number from {at_least:g} on"
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise BadInput(what, found=_kind(number), allowed=allowed)
    if not (math.isfinite(number) and number >= at_least):
        raise BadInput(what, found=f"{number:g}", allowed=allowed)
    return number


def check_spool(spool: object) -> Path | None:
    """Return the folder for unsent records, made if need be, which we can write to."""
    if spool is None:
        return None
    if not isinstance(spool, str | os.PathLike):
        raise BadInput("spool", found=_kind(spool), allowed="a folder's path")
    if sys.platform == "win32":
        raise BadInput("spool", found="Windows, which lacks flock", allowed="on Linux and macOS")
    folder = Path(os.fsdecode(spool))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput("spool", found=type(error).__name__, allowed="a folder") from None
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise BadInput("spool", found="no permission", allowed="a folder to write to")
    return folder


def is_name(value: object) -> bool:
    """Whether a value can name a conference, user, device, remote or event."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME


def _kind(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__}"
