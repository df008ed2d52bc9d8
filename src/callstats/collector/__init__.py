"""How does a record get from the network into the store? The server side of callstats."""

from callstats.collector.app import create_app
from callstats.collector.errors import NotStarted, PortInUse
from callstats.collector.server import Server, run
from callstats.collector.settings import Settings, load

__all__ = ["NotStarted", "PortInUse", "Server", "Settings", "create_app", "load", "run"]
