"""How does a command talk to people, and how to scripts? The edge to stdout and stderr.

Results go to stdout, everything else to stderr, so that a ``--json`` output is exactly one JSON
document.
"""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import msgspec
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

NARROWEST = 100
"""Columns assumed where the output is no terminal: wrapped tables are of no use in a file."""


def _console(stream_is_stderr: bool) -> Console:
    stream = sys.stderr if stream_is_stderr else sys.stdout
    width = None if stream.isatty() else 4 * NARROWEST
    return Console(stderr=stream_is_stderr, width=width, highlight=False, soft_wrap=True)


def show(*what: RenderableType) -> None:
    """Print tables and text for people."""
    console = _console(False)
    for each in what:
        console.print(each)


def say(text: str) -> None:
    """Print one line beside the result; brackets in it mean nothing."""
    _console(True).print(escape(text))


def print_json(value: object) -> None:
    """Print a value as the one JSON document of this command."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    sys.stdout.write("\n")


@contextmanager
def progress(title: str, *, total: float | None, visible: bool) -> Iterator["Bar"]:
    """Show a bar on stderr while something lasts, where stderr is a terminal.

    ``total`` is None where nobody knows how long.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    console = _console(True)
    with Progress(
        *columns, console=console, transient=True, disable=not (visible and console.is_terminal)
    ) as shown:
        yield Bar(shown, title, total)


class Bar:
    """A progress bar that is told how far things are."""

    def __init__(self, shown: Progress, title: str, total: float | None) -> None:
        self._shown = shown
        self._task = shown.add_task(escape(title), total=total)

    def move(self, done: float) -> None:
        """Show that so much of the total is done."""
        self._shown.update(self._task, completed=done)


@contextmanager
def sigterm_as_interrupt() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that what was opened is closed."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
