"""Where are the calls? On a server that runs, or in a data folder that is opened.

A server that is given by URL needs a token. A server that runs on the data folder says so in
``server.json`` there, with a token that the owner of the folder can read; if it answers, it is
asked, and only if not, the folder is opened.
"""

import os
from pathlib import Path

from callstats import calls
from callstats.cli import announcement
from callstats.cli.announcement import Server
from callstats.errors import BadInput, Unavailable

DEFAULT_FOLDER = Path("callstats-data")
ID_LENGTH = 26
_PAGE = 1_000
_SHOWN = 5


def choose(data: Path | None, url: str | None, token: str | None) -> Server | Path:
    """Return the server or the folder that was asked for; a flag counts more than a variable.

    Raises BadInput where both were asked for, or a server without a token.
    """
    if data is not None and url is not None:
        raise BadInput("where the calls are", found="--data and --url", allowed="one of them")
    if data is None:
        url = url or os.environ.get("CALLSTATS_URL")
    if url is None:
        return data or Path(os.environ.get("CALLSTATS_DATA", DEFAULT_FOLDER))
    token = token or os.environ.get("CALLSTATS_TOKEN")
    if token is None:
        raise BadInput("--url", found="no token", allowed="--token or CALLSTATS_TOKEN with it")
    return Server(url=url, token=token)


def locate(data: Path | None, url: str | None, token: str | None) -> Server | Path:
    """Return the server to ask, or the folder to open where no server runs on it."""
    chosen = choose(data, url, token)
    if isinstance(chosen, Server):
        return chosen
    running = announcement.read(chosen)
    return running if running is not None and running.api.is_alive() else chosen


def open_source(data: Path | None, url: str | None, token: str | None) -> calls.Source:
    """Open the calls wherever they are; raises BadInput where there is no data folder."""
    where = locate(data, url, token)
    if isinstance(where, Server):
        return calls.open(where.url, token=where.token)
    if not where.is_dir():
        raise BadInput(
            "data folder",
            found=f"no folder {where}",
            allowed="one that `callstats serve --data` made, or --url and --token",
        )
    return calls.open(where)


def find_call(source: calls.Source, wanted: str) -> calls.Call:
    """Return a call by its id, by the beginning of it if that is unique, or the ``last`` one."""
    if wanted == "last":
        latest = source.listing(limit=1)
        if not latest:
            raise Unavailable("there is no call yet")
        return source.call(latest[0].id)
    if len(wanted) >= ID_LENGTH:
        return source.call(wanted)
    return source.call(_completed(source, wanted.lower()))


def _completed(source: calls.Source, prefix: str) -> str:
    """Return the one id that begins so; raises BadInput where there is none or several."""
    found = [each for each in _ids(source) if each.startswith(prefix)]
    if len(found) == 1:
        return found[0]
    several = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    raise BadInput(
        "call",
        found=f"{prefix!r}, which begins {several}" if found else f"{prefix!r}, which begins none",
        allowed="a call's id, a beginning that is unique, or last",
    )


def _ids(source: calls.Source) -> list[str]:
    ids: list[str] = []
    before = None
    while page := source.listing(limit=_PAGE, before=before):
        ids.extend(each.id for each in page)
        before = page[-1].started_at
    return ids
