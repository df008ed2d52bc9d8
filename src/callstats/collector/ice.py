"""Which TURN servers may a page use for its test before a call? Those that are set, for an hour.

Credentials are made for each user with the secret that the TURN server shares with us, as its
REST interface has it (draft-uberti-behave-turn-rest-00): the user name is the time of expiry and
the user, the password an HMAC-SHA1 of it. Without servers there are no tests.
"""

import base64
import hmac
from collections.abc import Sequence
from typing import Any

from callstats.clock import Clock

SECONDS = 3600
"""Life of a credential. Too short ends tests halfway; too long lends our relay to strangers."""


class IceServers:
    """The servers that are set; false where none is."""

    def __init__(self, urls: Sequence[str], secret: str | None, *, clock: Clock) -> None:
        self._urls = [url for url in urls if url]
        self._secret = secret
        self._clock = clock

    def __bool__(self) -> bool:
        return bool(self._urls)

    def of(self, user: str) -> list[dict[str, Any]]:
        """Return them in the form of a peer connection's configuration."""
        if not self._urls:
            return []
        if self._secret is None:
            return [{"urls": self._urls}]
        name = f"{int(self._clock.now()) + SECONDS}:{user}"
        digest = hmac.digest(self._secret.encode(), name.encode(errors="replace"), "sha1")
        credential = base64.b64encode(digest).decode()
        return [{"urls": self._urls, "username": name, "credential": credential}]
