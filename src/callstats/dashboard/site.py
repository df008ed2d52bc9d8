"""What do all pages share? The store, the door, the templates, and the headers of an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callstats.access import Grant
from callstats.calls import Recent, UnknownCall
from callstats.clock import Clock
from callstats.dashboard import figures, units
from callstats.dashboard.assets import Assets
from callstats.dashboard.visitor import Door
from callstats.errors import BadInput, Refused, Unavailable
from callstats.store import Store

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What every answer of the dashboard carries: nothing is loaded from elsewhere or inline."""
PRIVATE = "private, no-store"
"""Pages are about people: no proxy keeps them, nor the browser of somebody who signed out."""


class Site(Struct, frozen=True, kw_only=True):
    """Everything a page needs besides its request."""

    store: Store
    recent: Recent
    door: Door
    clock: Clock
    assets: Assets
    templates: Environment

    def render(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """Fill in a template and answer with it."""
        page = self.templates.get_template(template).render(**facts)
        return HTMLResponse(page, status_code=status, headers={"Cache-Control": PRIVATE})

    def trouble(self, status: int, title: str, sentence: str) -> Response:
        """Answer with a page that says what is wrong and what to do."""
        return self.render("trouble.html", status=status, title=title, sentence=sentence)


Page = Callable[[Site, Grant, Request], Response]
"""A page: a question asked on behalf of a visitor. Runs in a worker thread, so it may wait."""


def shown(site: Site, page: Page) -> Callable[[Request], Response]:
    """Make an endpoint of a page: only for visitors who may read, errors told in words."""

    def endpoint(request: Request) -> Response:
        try:
            grant = site.door.visitor(request)
        except Refused:
            return to_sign_in(request)
        return protected(answer(site, page, grant, request))

    return endpoint


def answer(site: Site, page: Page, grant: Grant, request: Request) -> Response:
    """Ask the page; what it raises on purpose becomes a page of its own."""
    try:
        return page(site, grant, request)
    except UnknownCall as error:
        return site.trouble(404, "No such call", str(error))
    except BadInput as error:
        return site.trouble(400, "That address cannot be understood", str(error))
    except Unavailable as error:
        response = site.trouble(503, "The store is not reachable just now", str(error))
        response.headers["Retry-After"] = str(round(error.retry_after or 5))
        return response


def to_sign_in(request: Request) -> Response:
    """Send somebody who is not signed in to the door, and back here afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    asked = {} if here == "/" else {"next": here}
    return protected(RedirectResponse(with_query("/sign-in", asked), status_code=303))


def protected(response: Response) -> Response:
    """Add the headers that every answer carries."""
    response.headers.update(HEADERS)
    return response


def with_query(path: str, query: dict[str, str]) -> str:
    """Return an address with its query, leaving out what is empty."""
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept)}" if kept else path


def call_path(call_id: str, **query: str) -> str:
    """Return the address of a call's page."""
    return with_query(f"/calls/{quote(call_id, safe='')}", query)


def environment(assets: Assets) -> Environment:
    """Return the templates: everything is escaped unless it is markup of our own."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for writer in FILTERS:
        templates.filters[writer.__name__] = writer
    templates.globals.update(
        asset=assets.path, has_asset=assets.has, call_path=call_path, grade=figures.grade
    )
    return templates


FILTERS: tuple[Callable[..., Any], ...] = (
    units.kilobits,
    units.percent,
    units.milliseconds,
    units.decimals,
    units.grouped,
    units.length,
    units.moment,
    units.day,
    units.clock,
    units.codec,
    units.compact,
    figures.told,
    units.plural,
    units.short,
)
