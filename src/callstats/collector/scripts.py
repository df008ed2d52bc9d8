"""The browser's library, served to pages of any origin under its own and the old names."""

import gzip
import hashlib
from functools import cache

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callstats import browser

MAX_AGE = 3600
"""Seconds for which browsers need not ask again. Longer delays an update; shorter costs a page a
round trip."""


def routes() -> list[BaseRoute]:
    """Return a route for each script."""
    return [Route(path, _serve, methods=["GET"], name="script") for path in browser.PATHS]


async def _serve(request: Request) -> Response:
    content, tag = _packed(browser.PATHS[request.url.path])
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": f"public, max-age={MAX_AGE}",
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        content = gzip.decompress(content)
    return Response(content, media_type=browser.MEDIA_TYPE, headers=headers)


@cache
def _packed(name: str) -> tuple[bytes, str]:
    script = browser.script(name)
    return gzip.compress(script, mtime=0), f'"{hashlib.sha256(script).hexdigest()[:20]}"'
