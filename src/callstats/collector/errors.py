"""What can go wrong in the collector.

CallstatsError
├── Unavailable
│   └── PortInUse       another program listens there
├── NotStarted          the server could not start; its log says why
├── Refusal             a request is refused with a status and a fault, decided on the spot
├── RestRefusal         the same on a route of the old service, which has no faults
├── TooLarge            a body is larger than allowed
├── Damaged             a body is not what its Content-Encoding says
└── Disconnected        the client went away before its request was complete
"""

from collections.abc import Mapping

from msgspec import Struct

from callstats.errors import CallstatsError, Unavailable


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One error as it is told to a client: ``code`` for programs, the rest for people."""

    code: str
    message: str
    found: str | None = None
    allowed: str | None = None


class PortInUse(Unavailable):
    """Another program listens there."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port in use: found another program on port {port} of {host}, "
            "allowed a free port (0 takes any)"
        )
        self.port = port


class NotStarted(CallstatsError):
    """The server could not start; its log says why."""

    def __init__(self) -> None:
        super().__init__("the server could not start; its log says why")


class Refusal(CallstatsError):
    """A request is refused; ``fault`` is what its sender is told."""

    def __init__(
        self, status: int, fault: Fault, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(fault.message)
        self.status = status
        self.fault = fault
        self.headers = dict(headers or {})


class RestRefusal(CallstatsError):
    """A request of the old service's interface is refused; its sender is told the sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class TooLarge(CallstatsError):
    """The body, inflated, is larger than allowed; how much larger nobody looked."""

    def __init__(self, allowed: int) -> None:
        super().__init__(f"body of the request: found more than {allowed} bytes")
        self.allowed = allowed


class Damaged(CallstatsError):
    """The body is not what its Content-Encoding says."""


class Disconnected(CallstatsError):
    """The client went away before its request was complete."""

    def __init__(self) -> None:
        super().__init__("the client went away")
