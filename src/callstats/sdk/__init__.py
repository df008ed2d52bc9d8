"""Watch calls from inside a Python process and report them.

The client is a guest in its application: once it is set up it never raises into it, never blocks
it and never grows without bound. What it cannot keep it counts by reason and reports.

``CallStats`` is the class that Jitsi Meet had, on that client.
"""

from callstats.sdk.backend import (
    Backend,
    BackendExists,
    BackendIncomplete,
    FabricEvent,
    FabricUsage,
    Status,
    UserFeedback,
    UserId,
    WrtcFuncName,
)
from callstats.sdk.callstats import CallStats, IceConnectionFailed
from callstats.sdk.client import Client
from callstats.sdk.client_backend import ClientBackend
from callstats.sdk.delivery import Delivery
from callstats.sdk.engine import Watchable
from callstats.sdk.session import Session
from callstats.sdk.watch import Watch

__all__ = [
    "Backend",
    "BackendExists",
    "BackendIncomplete",
    "CallStats",
    "Client",
    "ClientBackend",
    "Delivery",
    "FabricEvent",
    "FabricUsage",
    "IceConnectionFailed",
    "Session",
    "Status",
    "UserFeedback",
    "UserId",
    "Watch",
    "Watchable",
    "WrtcFuncName",
]
