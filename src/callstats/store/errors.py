"""What can go wrong with the store.

CallstatsError
├── BadInput
│   ├── FolderUnusable    the data folder cannot be written, or is somebody else's
│   ├── FolderTooNew      the data folder was written by a newer callstats
│   └── QueryRefused      a user's SQL is wrong, forbidden, or asks for too much
├── Unavailable
│   └── Unavailable       the store is down, full or too busy; nothing was acknowledged
│       └── FolderLocked  another server has the data folder
└── Refused
    └── Rejected          the engine understood and said no: a mistake of ours
"""

from callstats import errors


class FolderUnusable(errors.BadInput):
    """The data folder cannot be used as one."""


class FolderTooNew(errors.BadInput):
    """The data folder has a schema that this callstats does not know."""

    def __init__(self, *, found: int, known: int) -> None:
        super().__init__(
            "schema of the data folder",
            found=f"version {found}",
            allowed=f"version {known} or older; a newer callstats wrote it",
        )


class QueryRefused(errors.BadInput):
    """A user's SQL was not run, or not to its end."""


class Unavailable(errors.Unavailable):
    """The store is down, full or too busy. What was asked may be repeated later."""


class FolderLocked(Unavailable):
    """Another server has the data folder; ``pid`` and ``url`` are its own, where known."""

    def __init__(self, folder: str, *, pid: int | None = None, url: str | None = None) -> None:
        holder = f"process {pid}" if pid is not None else "another process"
        at = f" at {url}" if url is not None else ""
        super().__init__(f"data folder {folder} is in use by {holder}{at}")
        self.folder = folder
        self.pid = pid
        self.url = url


class Rejected(errors.Refused):
    """The engine understood a statement of ours and said no; ``code`` is ClickHouse's number."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code
