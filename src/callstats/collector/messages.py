"""What do requests and answers of the API look like? One struct for each.

Calls, events and series themselves are the read model of ``callstats.calls``; here is what wraps
them, and everything that is asked. The OpenAPI document is made from these.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from callstats import calls


class ListingAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which calls: the latest first."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    before: Annotated[datetime, Meta(tz=True)] | None = None
    """Only calls that started earlier: the ``next`` of the page before."""
    conference: str | None = None
    app_id: int | None = None
    """For tokens that see every app."""


class SeriesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which streams of a call, and how finely."""

    user: str | None = None
    device: str | None = None
    connection: str | None = None
    points: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    """Most points per stream; all where not given."""


class EventsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the timeline."""

    logs: bool = False
    """Also the lines of the applications' logs."""


class ReportsAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which reports of a call."""

    user: str | None = None
    device: str | None = None
    connection: str | None = None


class BridgesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which bridges, and over which time."""

    hours: Annotated[float, Meta(gt=0, le=24 * 31)] = 1.0
    app_id: int | None = None
    """For tokens that see every app."""


class TokenAsked(Struct, frozen=True, rename="camel"):
    """Who wants to send: by the app's secret, or by a token (JWT) the app signed for a user."""

    app_id: int
    app_secret: str | None = None
    user_id: str | None = None
    code: str | None = None


class TokenGiven(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A token to send records with; ``expires_in`` in seconds.

    ``ice_servers`` are for a page's test before a call, where TURN servers are set.
    """

    token: str
    expires_in: float
    ice_servers: Sequence[dict[str, Any]] = ()


class NewApp(Struct, frozen=True, forbid_unknown_fields=True):
    """The name of a new app, for people."""

    name: str


class QueryAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """One statement that only reads; ``app_id`` narrows every table to one app."""

    sql: str
    app_id: int | None = None


class CallList(Struct, frozen=True):
    """One page of calls; ``next`` is the ``before`` of the next page, None on the last one."""

    calls: Sequence[calls.Listed]
    next: datetime | None


class BridgeList(Struct, frozen=True):
    """The media servers that were heard, with how they were."""

    bridges: Sequence[calls.Bridge]


class SeriesList(Struct, frozen=True):
    """Every stream over time."""

    series: Sequence[calls.Series]


class EventList(Struct, frozen=True):
    """What happened, in order."""

    events: Sequence[calls.Happening]


class AppShown(Struct, frozen=True):
    """An app without its secret."""

    app_id: int
    name: str
    origins: Sequence[str]
    created_at: datetime


class AppList(Struct, frozen=True):
    """Every app, the oldest first."""

    apps: Sequence[AppShown]


class AppGiven(Struct, frozen=True):
    """An app with its new secret, which is shown this once."""

    app_id: int
    app_secret: str
    name: str
    created_at: datetime


class QueryResult(Struct, frozen=True):
    """The answer to a query as JSON; ask for Arrow where it is large."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


class Status(Struct, frozen=True):
    """What a probe is told."""

    status: str
