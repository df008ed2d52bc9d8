"""Which lines of the application's log become reports? All that are not about reporting them.

Left out are lines of the logger ``callstats``, lines that are written in our own threads (urllib3
tells there of our requests), and lines that are written while another one is being taken.
"""

import logging
import threading
import weakref
from typing import Protocol

from callstats.sdk.notices import logger, never_raises, own_thread


class Client(Protocol):
    """What is asked of the client."""

    @property
    def sole_conference(self) -> str | None:
        """Return the conference that the user is in, None for none or several."""

    def log(self, message: str, level: str, *, conference: str | None, at: float | None) -> None:
        """Report a line."""


class LogHandler(logging.Handler):
    """Reports through a client the log lines that it is given.

    ``conference`` says where the lines belong; without it they belong to the conference the user is
    in, as long as it is one.
    """

    def __init__(self, client: Client, *, conference: str | None = None) -> None:
        super().__init__()
        self.conference = conference
        # A handler lives as long as its logger, a client only as long as somebody wants it.
        self._client = weakref.ref(client)
        self._taking = threading.local()

    def createLock(self) -> None:  # noqa: N802 - a name of logging's
        """Do without a lock: a client needs none, and one could make the caller wait."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Report a line unless it is about ourselves or filtered out."""
        return not self._is_ours(record) and bool(super().handle(record))

    @never_raises(instead=None)
    def emit(self, record: logging.LogRecord) -> None:
        """Report one line, with the traceback if it has one."""
        client = self._client()
        if client is None:
            return
        self._taking.line = True
        try:
            client.log(
                self._format(record),
                record.levelname.lower(),
                conference=self.conference or client.sole_conference,
                at=record.created,
            )
        finally:
            self._taking.line = False

    def _format(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception as error:  # arguments that do not fit are the application's matter
            return f"{record.msg!s} ({type(error).__name__} while formatting)"

    def _is_ours(self, record: logging.LogRecord) -> bool:
        return (
            getattr(self._taking, "line", False)
            or getattr(own_thread, "is_ours", False)
            or record.name == logger.name
            or record.name.startswith(f"{logger.name}.")
        )
