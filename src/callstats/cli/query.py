"""``callstats query``: what else would you like to know?"""

import csv
import sys
from typing import Annotated

import typer

from callstats.cli import options, tables, terminal
from callstats.cli.target import open_source
from callstats.errors import BadInput


def query(
    sql: Annotated[str, typer.Argument(help="One statement that only reads; - reads stdin.")],
    *,
    csv_: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Ask the store in SQL (ClickHouse's dialect); the reference names the tables."""
    if json and csv_:
        raise BadInput("form of the output", found="--json and --csv", allowed="one of them")
    with open_source(data, url, token) as source:
        table = source.query(sys.stdin.read() if sql == "-" else sql)
    columns = table.column_names
    rows = [list(row.values()) for row in table.to_pylist()]
    if json:
        terminal.print_json({"columns": columns, "rows": rows})
    elif csv_:
        written = csv.writer(sys.stdout, lineterminator="\n")
        written.writerows([columns, *rows])
    else:
        terminal.show(tables.of_rows(columns, rows))
