"""May this SQL of a user's run? Only if it reads, and reads nothing but calls.

The engine's own parser decides: it must be one statement, and every node of its syntax tree that
names a table, a table function or a function that reaches outside must be harmless. What runs
is the text that the parser gives back, with the engine's ``readonly`` on top, so that neither
settings nor a second statement slip in.
"""

import re
from collections.abc import Callable, Iterator

from callstats.errors import BadInput
from callstats.store import tables
from callstats.store.errors import QueryRefused

ALLOWED = "one SELECT, SHOW, DESCRIBE or EXPLAIN over the tables of calls, within its limits"

_STATEMENTS = frozenset(
    {
        *("SelectWithUnionQuery", "Explain", "DescribeQuery"),
        *("ShowTables", "ShowColumns", "ShowFunctions", "ShowIndexes"),
    }
)
"""What prints rows. A literal right below one of these is the file of INTO OUTFILE, an identifier
the name of a FORMAT."""
_TABLE_FUNCTIONS = frozenset(
    {
        *("numbers", "numbers_mt", "zeros", "zeros_mt", "values", "view", "format", "null"),
        *("generateSeries", "generate_series"),
    }
)
_SYSTEM_TABLES = frozenset({"columns", "functions", "numbers", "one", "parts", "tables", "zeros"})
_OUTWARD = re.compile(
    r"file|dictGet.*|dictHas|dictIsIn|joinGet.*|ai[A-Z].*|catboost.*|url.*Content|eval.*"
    r"|getServerSetting|getMaxTableName.*|reverseDNSQuery|executable.*|connectionId",
    re.IGNORECASE,
)
_NODE = re.compile(r"(?P<indent> *)(?P<kind>\w+)(?: (?P<name>[^ (]+))?")
_HEAD = re.compile(r"\A(?:.*?server response: )?(?:Code: \d+\. )?(?:DB::Exception: )?", re.DOTALL)
_TAIL = re.compile(r"(?:[:.]? (?:In scope|In query) | \(for url ).*\Z", re.DOTALL)
"""Where the engine repeats the question, with all that was asked for."""


def check(sql: str, explain: Callable[..., list[str]]) -> str:
    """Return the statement as the engine's parser writes it; raise QueryRefused if not allowed.

    ``explain`` asks the engine and returns the first column of its answer.
    """
    (written,) = explain("SELECT formatQuerySingleLine({text:String})", text=sql)
    _check_kind(written)
    nodes = list(_nodes(explain(f"EXPLAIN AST {written}")))
    for problem in _problems(nodes):
        raise _refusal(problem)
    return written


def _check_kind(written: str) -> None:
    """Let nothing through to EXPLAIN whose parse could do something."""
    word = written.lstrip("( ").partition(" ")[0].upper()
    if word not in {"SELECT", "WITH", "SHOW", "DESCRIBE", "EXPLAIN"}:
        raise _refusal(f"a statement that begins with {word[:40]}")


def _nodes(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    """Yield depth, kind and name of each node of a printed syntax tree."""
    for line in lines:
        if found := _NODE.match(line):
            yield len(found["indent"]), found["kind"], (found["name"] or "").strip("`")


def _problems(nodes: list[tuple[int, str, str]]) -> Iterator[str]:
    if nodes[0][1] not in _STATEMENTS:
        yield f"a statement of kind {nodes[0][1]}"
    above = {0: ""}
    for depth, kind, name in nodes:
        above[depth] = kind
        if problem := _problem(kind, name, above.get(depth - 1, "")):
            yield problem


def _problem(kind: str, name: str, parent: str) -> str | None:
    """Say what is wrong with one node below ``parent``; None where nothing is."""
    match kind:
        case "Literal" if parent in _STATEMENTS:
            return "INTO OUTFILE"
        case "Identifier" if parent in _STATEMENTS:
            return f"FORMAT {name}"
        case "TableIdentifier" if not _is_open(name):
            return f"table {name}"
        case "Identifier" if name.rpartition(".")[2] in tables.SECRET:
            return f"table {name}"
        case "Function" if not _is_harmless(name, parent):
            return f"function {name}"
    return None


def _is_open(table: str) -> bool:
    database, _, name = table.rpartition(".")
    if database == "system":
        return name in _SYSTEM_TABLES
    return name not in tables.SECRET and (not database or name in tables.BY_NAME)


def _is_harmless(function: str, parent: str) -> bool:
    if parent == "TableExpression":
        return function in _TABLE_FUNCTIONS
    return not _OUTWARD.fullmatch(function)


def _refusal(found: str) -> BadInput:
    return QueryRefused("query", found=found, allowed=ALLOWED)


def only(app_id: int) -> dict[str, str]:
    """Return the filter, by table, that leaves the rows of one app."""
    return {table.name: f"app_id = {app_id:d}" for table in tables.ALL if "app_id" in table.names}


def one_line(message: str) -> str:
    """Shorten an error of the engine's to what one can act on, without what was asked."""
    return " ".join(_TAIL.sub("", _HEAD.sub("", message)).split())[:300]
