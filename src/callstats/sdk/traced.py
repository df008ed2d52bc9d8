"""How is a backend called? With a trace before, and with what it raises caught.

Lines of our own log may be reported as application logs. So nothing about an application log is
written to a logger that the application listens to, or each line would beget the next: it goes to
``console``, a logger without parents, which writes warnings and errors to standard error and shows
the rest to whoever adds a handler to it.
"""

import logging
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from callstats.sdk.backend import Backend, WrtcFuncName

logger = logging.getLogger("callstats")
console = logging.Logger("callstats.console", logging.WARNING)  # noqa: LOG001 - it has no parents

ErrorHandler = Callable[[Exception], None]


class Outcome(Struct, frozen=True):
    """What a call returned, or that it raised."""

    is_ok: bool
    value: Any


FAILED = Outcome(is_ok=False, value=None)


class TracedBackend:
    """A backend that never raises from the four calls by which things are reported.

    ``inner`` is the backend itself, which is left as it is. ``initialize`` and ``add_new_fabric``
    are handed through: who makes these calls wants to know how they fail.
    """

    def __init__(self, inner: Backend, handle_error: ErrorHandler) -> None:
        self.inner = inner
        self.fabric_usage = inner.fabric_usage
        self.fabric_event = inner.fabric_event
        self.usage: str = inner.fabric_usage.MULTIPLEX
        self.end_event: str = inner.fabric_event.FABRIC_TERMINATED
        self.initialize = inner.initialize
        # What it returns is looked at: a backend of an application may return anything.
        self.add_new_fabric: Callable[..., object] = inner.add_new_fabric
        self.handle_error = handle_error

    def send_fabric_event(self, *args: object, **when: float) -> Any:
        """Report an event; return what the backend returns, None where it raises."""
        return self.attempt("send_fabric_event", *args, **when).value

    def report_error(self, *args: object, **when: float) -> Any:
        """Report an error; return what the backend returns, None where it raises."""
        return self.attempt("report_error", *args, **when).value

    def associate_mst_with_user_id(self, *args: object, **when: float) -> Any:
        """Report whose a stream is; return what the backend returns, None where it raises."""
        return self.attempt("associate_mst_with_user_id", *args, **when).value

    def send_user_feedback(self, *args: object, **when: float) -> Any:
        """Report feedback; return what the backend returns, None where it raises."""
        return self.attempt("send_user_feedback", *args, **when).value

    def attempt(self, name: str, *args: object, **when: float) -> Outcome:
        """Make a call; say whether it raised, and what it returned otherwise."""
        if name == "report_error" and args[2:3] == (WrtcFuncName.APPLICATION_LOG,):
            return self._attempt_quietly(args, when)
        try:
            logger.debug("%s %s", name, args)
            return Outcome(is_ok=True, value=getattr(self.inner, name)(*args, **when))
        except Exception as error:
            self.handle_error(error)
            return FAILED

    def _attempt_quietly(self, args: tuple[Any, ...], when: dict[str, float]) -> Outcome:
        try:
            # Without the fourth argument, which is a whole batch of the application's log.
            console.debug("report_error %s", args[:3])
            return Outcome(is_ok=True, value=self.inner.report_error(*args, **when))
        except Exception as error:
            console.error("report_error: %s", type(error).__name__)
            return FAILED
