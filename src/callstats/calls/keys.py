"""Whose is it? The names by which rows of one call are put together."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Person(NamedTuple):
    """One participant: a user on a device."""

    user: str
    device: str


class Place(NamedTuple):
    """One connection of a participant."""

    user: str
    device: str
    connection: str

    @property
    def person(self) -> Person:
        """Whose connection it is."""
        return Person(self.user, self.device)


class StreamKey(NamedTuple):
    """One stream of a connection."""

    user: str
    device: str
    connection: str
    direction: str
    id: str

    @property
    def place(self) -> Place:
        """Which connection it belongs to."""
        return Place(self.user, self.device, self.connection)


def person_of(row: Mapping[str, Any]) -> Person:
    """Return the participant that a row is about."""
    return Person(row["user"], row["device"])


def place_of(row: Mapping[str, Any]) -> Place:
    """Return the connection that a row is about."""
    return Place(row["user"], row["device"], row["connection"])
