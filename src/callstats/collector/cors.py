"""May a page of another origin talk to us? On the doors for senders: any page, without cookies.

What they ask for is proven by a token in a header, never by a cookie, so there is nothing that a
foreign page could borrow; which pages may have a token for an app, the app's own list decides.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Retry-After"),
)
PREFLIGHT = (
    *HEADERS,
    (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
    (b"access-control-allow-headers", b"authorization, content-type, content-encoding, token"),
    # Two hours is what Chromium keeps at most; a page that closes cannot wait for a preflight.
    (b"access-control-max-age", b"7200"),
    (b"content-length", b"0"),
)


async def preflight(_: Scope, __: Receive, send: Send) -> None:
    """Answer what a browser asks before a page's request."""
    await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT)})
    await send({"type": "http.response.body", "body": b""})


class Shared:
    """An application whose answers a page of any origin may read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and add that it may be read."""
        if scope["method"] == "OPTIONS":
            await preflight(scope, receive, send)
            return

        async def shared(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, shared)
