"""``/sign-in``: how does somebody get in? By the link from the terminal, or a pasted token."""

import re
from urllib.parse import parse_qs, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from callstats.access import TokenExpired, WrongScope, set_cookie
from callstats.dashboard.site import Site, protected
from callstats.errors import Refused

MAX_FORM = 16_384
"""Bytes of the sign-in form: a token and a path."""
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x1f]*")
"""A path on this server: never ``//host``, nor what a browser would read as that."""


def sign_in_path(invitation: str) -> str:
    """Return the path and query that sign in whoever opens them."""
    return f"/sign-in?{urlencode({'token': invitation})}"


async def show(site: Site, request: Request) -> Response:
    """Sign in by the token of the link, else show the form."""
    goal = local(request.query_params.get("next", "/"))
    credential = request.query_params.get("token")
    if credential is None:
        return form(site, goal)
    return await run_in_threadpool(admit, site, request, credential, goal)


async def submit(site: Site, request: Request) -> Response:
    """Sign in by the token of the form."""
    fields = await read_form(request)
    if fields is None:
        return form(site, "/", complaint="That was too long for a token.", status=413)
    goal = local(fields.get("next", "/"))
    return await run_in_threadpool(admit, site, request, fields.get("token", "").strip(), goal)


async def leave(site: Site, request: Request) -> Response:
    """Sign out."""
    del site
    gone = RedirectResponse("/sign-in", status_code=303)
    gone.headers["Set-Cookie"] = set_cookie("", is_secure=request.url.scheme == "https")
    return protected(gone)


def admit(site: Site, request: Request, credential: str, goal: str) -> Response:
    """Set the cookie and go on to the goal; the token is left behind with the address."""
    try:
        cookie = site.door.admit(credential, is_secure=request.url.scheme == "https")
    except Refused as error:
        return form(site, goal, complaint=explain(error), status=403)
    inside = RedirectResponse(goal, status_code=303, headers={"Set-Cookie": cookie})
    return protected(inside)


def form(site: Site, goal: str, *, complaint: str = "", status: int = 200) -> Response:
    """Show the form, and what was wrong with the last try."""
    return protected(site.render("sign_in.html", status=status, goal=goal, complaint=complaint))


def explain(error: Refused) -> str:
    """Say in words for people why the door stays shut."""
    if isinstance(error, TokenExpired):
        return "This link or token has expired. Ask the server for a new one."
    if isinstance(error, WrongScope):
        return "This token may send reports, but not read calls. Use one that may read."
    return "This server did not issue that link or token. Was it copied whole?"


def local(goal: str) -> str:
    """Return the path to go to after signing in; anything but a path of ours becomes ``/``."""
    return goal if _LOCAL.fullmatch(goal) else "/"


async def read_form(request: Request) -> dict[str, str] | None:
    """Read the few fields of a posted form; None where it is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM:
            return None
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    return {name: values[0] for name, values in fields.items()}
