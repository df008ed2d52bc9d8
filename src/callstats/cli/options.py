"""Which options do several commands take? Where the calls are, and in which form to print."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder of the server.  [CALLSTATS_DATA, ./callstats-data]",
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of a server instead, with --token.  [CALLSTATS_URL]"),
]
Token = Annotated[
    str | None,
    typer.Option("--token", help="A token of that server.  [CALLSTATS_TOKEN]"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
