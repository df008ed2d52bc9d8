"""What can be set, and where is it read? From flags, CALLSTATS_* variables and one TOML file.

In that order the first that says something counts. Every setting has one name: ``silence`` is the
flag ``--silence``, the variable ``CALLSTATS_SILENCE`` and the TOML key ``silence``.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from callstats.collector.http import Limits
from callstats.errors import BadInput

PREFIX = "CALLSTATS_"

Seconds = Annotated[float, Meta(gt=0)]
Bytes = Annotated[int, Meta(gt=0)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one collector runs; seconds and bytes."""

    data: str | None = None
    """Data folder; None means ``callstats-data`` in the current folder."""
    store: str | None = None
    """URL of a ClickHouse server instead of the embedded engine."""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    """0 takes a free one."""
    silence: Seconds = 30.0
    """Too low ends calls on a bad network; too high merges two calls of one room."""
    token_seconds: Seconds = 3600.0
    """Life of a sender's token. Too low makes senders ask all the time; too high keeps a leaked
    token alive."""
    header_seconds: Seconds = 10.0
    """Too low cuts off slow mobile networks; too high lets idle connections pile up."""
    body_seconds: Seconds = 30.0
    """As ``header_seconds``, for the body."""
    header_bytes: Bytes = 65_536
    body_bytes: Bytes = 1_048_576
    """Largest body after inflation. Senders split what is larger; too high costs memory."""
    keep_alive: Seconds = 75.0
    """How long an idle connection stays open; below the senders' interval each report pays for a
    new connection."""
    stop_seconds: Seconds = 10.0
    """How long requests under way may take to finish when the server stops."""
    turn_urls: str = ""
    """TURN servers for tests before a call, such as ``turn:turn.example.org``, with commas
    between. Empty: pages cannot test."""
    turn_secret: str | None = None
    """The secret that they share with us (``static-auth-secret`` of coturn)."""
    log_level: str = "info"

    @property
    def limits(self) -> Limits:
        """What the HTTP protocol enforces."""
        return Limits(
            header_seconds=self.header_seconds,
            body_seconds=self.body_seconds,
            header_bytes=self.header_bytes,
            body_bytes=self.body_bytes,
        )


NAMES = tuple(field.name for field in msgspec.structs.fields(Settings))


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], file: Path | None = None
) -> Settings:
    """Return the settings; raises BadInput naming the place that is wrong.

    ``flags`` holds what was given on the command line: None means not given. The file is the
    argument, else the one that CALLSTATS_CONFIG names, else there is none.
    """
    given = file or (Path(environ[f"{PREFIX}CONFIG"]) if f"{PREFIX}CONFIG" in environ else None)
    layers: list[tuple[str, Mapping[str, Any]]] = [
        (f"file {given}", _read(given) if given else {}),
        ("environment", _from_environment(environ)),
        ("flags", {name: value for name, value in flags.items() if value is not None}),
    ]
    merged: dict[str, Any] = {}
    for place, values in layers:
        _check(place, values)
        merged |= values
    return msgspec.convert(merged, Settings, strict=False)


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    named = {name: environ.get(f"{PREFIX}{name.upper()}") for name in NAMES}
    return {name: value for name, value in named.items() if value is not None}


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise BadInput(
            f"settings file {file}", found=error.strerror or "no such file", allowed="a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"settings file {file}", found=str(error), allowed="TOML") from None


def _check(place: str, values: Mapping[str, Any]) -> None:
    """Convert each layer by itself, so that the error can say where it stands."""
    for name, value in values.items():
        if name not in NAMES:
            raise BadInput(
                f"setting in {place}", found=repr(name), allowed=", ".join(sorted(NAMES))
            )
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            problem = str(error).partition(" - at ")[0]
            raise BadInput(
                f"setting {name} in {place}", found=_shown(name, value), allowed=problem
            ) from None


def _shown(name: str, value: Any) -> str:
    # The URL of a store holds a password.
    return "a value of another form" if name in ("store", "turn_secret") else repr(value)[:80]
