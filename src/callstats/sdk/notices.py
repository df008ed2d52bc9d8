"""What does the client tell the application's log? Little, and each thing once in a while.

Everything goes to the logger ``callstats``. A notice says what happened and what to do; never a
secret, a token, an address or anything that was to be reported.
"""

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

SILENCE = 60.0
"""Seconds in which a notice is not repeated. Shorter floods a log while the server is away for an
hour; longer hides that it still is."""

logger = logging.getLogger("callstats")

own_thread = threading.local()
"""Has ``is_ours`` in our own threads: what is logged there is about our own traffic."""

_P = ParamSpec("_P")
_R = TypeVar("_R")
_I = TypeVar("_I")


class Notices:
    """Tells each thing at most once per ``SILENCE``, with how often it happened meanwhile."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def tell(self, topic: str, text: str, *, level: int = logging.WARNING) -> None:
        """Log one notice, or count it when its topic was told a moment ago; never raises."""
        now = time.monotonic()
        if now - self._told.get(topic, -SILENCE) < SILENCE:
            self._held[topic] = self._held.get(topic, 0) + 1
            return
        self._told[topic] = now
        held = self._held.pop(topic, 0)
        repeated = f" ({held} more since the last notice)" if held else ""
        _log(level, text + repeated)


def _log(level: int, text: str) -> None:
    with contextlib.suppress(Exception):  # an application's log filter may raise
        logger.log(level, "%s", text)


def never_raises(*, instead: _I) -> Callable[[Callable[_P, _R]], Callable[_P, _R | _I]]:
    """Make a public function return ``instead`` where it would raise.

    An exception that gets here is a defect of ours. It is logged with its kind and place, without
    its text, which might quote what was to be reported.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R | _I]:
        @functools.wraps(function)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | _I:
            try:
                return function(*args, **kwargs)
            except Exception as error:  # a guest never raises into its host
                tell_defect(function.__qualname__, error)
                return instead

        return guarded

    return decorate


_defects = Notices()


def tell_defect(where: str, error: BaseException) -> None:
    """Log that we failed ourselves."""
    _tell_failure(
        f"callstats failed in {where}",
        error,
        "the application is not affected, please report this",
        level=logging.ERROR,
    )


def tell_trouble(what: str, error: BaseException) -> None:
    """Log that something failed which is not ours."""
    _tell_failure(f"callstats: {what} failed", error, "going on without", level=logging.WARNING)


def _tell_failure(text: str, error: BaseException, consequence: str, *, level: int) -> None:
    """Tell the kind of an exception and its innermost line, not its text."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    module = place.tb_frame.f_globals.get("__name__") if place is not None else None
    line = f"{module}:{place.tb_lineno}" if place is not None else "an unknown place"
    kind = type(error).__name__
    _defects.tell(
        f"{text} {kind} {line}", f"{text} with {kind} at {line}; {consequence}", level=level
    )


def call_back(function: Callable[..., object], *args: object) -> None:
    """Call a function of the application's; what it raises is logged, by its kind only."""
    was_ours = getattr(own_thread, "is_ours", False)
    own_thread.is_ours = False
    try:
        function(*args)
    except Exception as error:
        _defects.tell("callback", f"callstats: a callback raised {type(error).__name__}")
    finally:
        own_thread.is_ours = was_ours
