"""``/calls/{id}/series.json``: what do the charts of one connection draw?"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from callstats import calls
from callstats.access import Grant
from callstats.dashboard.site import PRIVATE, Site
from callstats.errors import BadInput

POINTS = 360
"""Points of a line: a chart is about as many pixels wide, so more cannot be seen."""
MAX_POINTS = 5_000


def show(site: Site, grant: Grant, request: Request) -> Response:
    """Answer with the series of one participant or one of its connections, as JSON."""
    asked = request.query_params
    found = calls.series(
        site.store,
        app(grant, asked.get("app")),
        request.path_params["id"],
        user=asked.get("user"),
        device=asked.get("device"),
        connection=asked.get("connection"),
        points=points(asked.get("points")),
    )
    return Response(
        msgspec.json.encode({"series": found}),
        media_type="application/json",
        headers={"Cache-Control": PRIVATE},
    )


def app(grant: Grant, text: str | None) -> int:
    """Return whose call it is: only who may read every app's calls may name one; or BadInput."""
    if grant.app_id is not None:
        return grant.app_id
    if text is None or not text.isdecimal() or len(text) > 18:
        raise BadInput("app", found=str(text)[:20], allowed="the id of an app")
    return int(text)


def points(text: str | None) -> int:
    """Read how many points are wanted; raises BadInput."""
    if text is None:
        return POINTS
    if not text.isdecimal() or len(text) > 9 or not 2 <= int(text) <= MAX_POINTS:
        raise BadInput("points", found=text[:20], allowed=f"2 to {MAX_POINTS}")
    return int(text)
