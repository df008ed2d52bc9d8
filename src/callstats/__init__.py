"""Self-hosted call-quality monitoring for WebRTC.

``callstats.Client`` watches calls, also through a ``callstats.Watchable`` of your own;
``callstats.CallStats`` is the classic class on that client; ``callstats.open`` reads calls. Each is
imported when it is first used, so that ``import callstats`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from callstats.calls import open  # noqa: A004
    from callstats.sdk import CallStats, Client, Watchable

__all__ = ["CallStats", "Client", "Watchable", "__version__", "open"]

__version__ = "0.1.0"

_HOMES = {
    "CallStats": "callstats.sdk",
    "Client": "callstats.sdk",
    "Watchable": "callstats.sdk",
    "open": "callstats.calls",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
