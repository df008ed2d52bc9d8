"""Which pages are there? The routes that the command line puts beside the collector's."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callstats.access import Sessions, Tokens
from callstats.calls import Recent
from callstats.clock import Clock
from callstats.dashboard import bridges, call, calls, series, sign_in
from callstats.dashboard.assets import Assets
from callstats.dashboard.site import Site, environment, protected, shown
from callstats.dashboard.visitor import Door
from callstats.store import Store


def routes(store: Store, sessions: Sessions, tokens: Tokens, *, clock: Clock) -> list[BaseRoute]:
    """Return the dashboard's routes: everything below ``/`` that is a page or belongs to one."""
    assets = Assets()
    site = Site(
        store=store,
        recent=Recent(store, clock=clock),
        door=Door(sessions=sessions, tokens=tokens, clock=clock),
        clock=clock,
        assets=assets,
        templates=environment(assets),
    )

    async def asset(request: Request) -> Response:
        return protected(await assets.serve(request))

    return [
        Route("/", shown(site, calls.show), name="calls"),
        Route("/bridges", shown(site, bridges.show), name="bridges"),
        Route("/calls/{id}", shown(site, call.show), name="call"),
        Route("/calls/{id}/series.json", shown(site, series.show), name="series"),
        Route("/sign-in", partial(sign_in.show, site), methods=["GET"], name="sign_in"),
        Route("/sign-in", partial(sign_in.submit, site), methods=["POST"]),
        Route("/sign-out", partial(sign_in.leave, site), methods=["POST"], name="sign_out"),
        Route("/assets/{digest}/{name:path}", asset, name="assets"),
    ]
