"""The doors of the old service: its REST interface, for clients that cannot be changed."""

from callstats.collector.rest.authenticate import Authentication
from callstats.collector.rest.door import RestDoor
from callstats.collector.rest.routes import Rest

__all__ = ["Authentication", "Rest", "RestDoor"]
