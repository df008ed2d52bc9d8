"""``callstats calls``: which calls were there?"""

from typing import Annotated

import typer

from callstats.cli import options, tables, terminal
from callstats.cli.target import open_source


def calls(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many, the latest first.")] = 50,
    conference: Annotated[str | None, typer.Option(help="Only calls of this conference.")] = None,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """List the latest calls with their verdicts."""
    with open_source(data, url, token) as source:
        found = source.listing(limit=limit, conference=conference)
    if json:
        terminal.print_json({"calls": found})
    elif found:
        terminal.show(tables.listing(found))
    else:
        terminal.say("no call yet")
