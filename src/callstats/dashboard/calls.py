"""``/``: which calls were there, and which of them went wrong?"""

from datetime import UTC, datetime

from msgspec import Struct
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from callstats import calls
from callstats.access import Grant
from callstats.calls import Listed, Word
from callstats.dashboard.site import Site, with_query
from callstats.dashboard.units import between, moment
from callstats.errors import BadInput

PAGE = 50
"""Calls on one page: fewer means more clicks, more means that the last ones are never read."""

KINDS: dict[str, tuple[str, tuple[Word, ...]]] = {
    "impaired": ("not good", ("fair", "poor", "bad")),
    "bad": ("bad", ("bad",)),
    "poor": ("poor", ("poor",)),
    "fair": ("fair", ("fair",)),
    "good": ("good", ("good",)),
    "unknown": ("not judged", ("unknown",)),
}
"""Choices of the verdict filter: what the form says, and the words it stands for."""


class Choice(Struct, frozen=True, kw_only=True):
    """Which calls the visitor asked for."""

    conference: str = ""
    verdict: str = ""
    before: datetime | None = None

    @property
    def is_any(self) -> bool:
        """Whether nothing was asked for in particular."""
        return not (self.conference or self.verdict or self.before)

    def path(self, before: datetime | None = None) -> str:
        """Return the address of this choice, from a moment backwards."""
        asked = {"conference": self.conference, "verdict": self.verdict, "before": moment(before)}
        return with_query("/", asked)


class Row(Struct, frozen=True, kw_only=True):
    """One call of the list, with how long it took or has taken until now."""

    call: Listed
    duration: float | None


def show(site: Site, grant: Grant, request: Request) -> Response:
    """Show the calls that were asked for, newest first."""
    choice = chosen(request.query_params)
    found = calls.listing(
        site.store,
        grant.app_id,
        limit=PAGE + 1,
        before=choice.before,
        matching=choice.conference or None,
        words=KINDS[choice.verdict][1] if choice.verdict else None,
    )
    here, more = found[:PAGE], len(found) > PAGE
    now = datetime.fromtimestamp(site.clock.now(), UTC)
    return site.render(
        "calls.html",
        rows=[row(call, now) for call in here],
        choice=choice,
        kinds=KINDS,
        older=choice.path(here[-1].started_at) if more else None,
        several_apps=len({call.app_id for call in here}) > 1,
        server=str(request.base_url).rstrip("/"),
    )


def row(call: Listed, now: datetime) -> Row:
    """Return one row of the list."""
    return Row(call=call, duration=between(call.started_at, call.ended_at or now))


def chosen(query: QueryParams) -> Choice:
    """Read the choice from the address; raises BadInput."""
    verdict = query.get("verdict", "")
    if verdict and verdict not in KINDS:
        raise BadInput("verdict", found=verdict[:20], allowed=", ".join(KINDS))
    return Choice(
        conference=query.get("conference", "").strip(),
        verdict=verdict,
        before=read_moment(query.get("before", "")),
    )


def read_moment(text: str) -> datetime | None:
    """Read a moment of the address; raises BadInput."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "before", found=text[:40], allowed="a moment such as 2026-11-22T23:15:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
