"""What can go wrong that a caller can do something about.

CallstatsError
├── BadInput          what was given is not of the form: says what was found and what is allowed
├── Unavailable       something needed is not there now; trying again later may help
└── Refused           the other side said no; trying again does not help

Packages refine these in an ``errors.py`` of their own.
"""


class CallstatsError(Exception):
    """The root of every error that callstats raises on purpose."""


class BadInput(CallstatsError):
    """Something given is not of the allowed form.

    ``found`` and ``allowed`` are phrases for people: never a secret, an address or a payload.
    """

    def __init__(self, what: str, *, found: str, allowed: str) -> None:
        super().__init__(f"{what}: found {found}, allowed {allowed}")
        self.what = what
        self.found = found
        self.allowed = allowed


class Unavailable(CallstatsError):
    """Something needed is not there now; ``retry_after`` (seconds) says when to try again."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(CallstatsError):
    """The other side understood and said no."""
