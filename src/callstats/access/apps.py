"""Which apps are there? A tenant has a numeric id and a secret that can be rotated.

Ids are numbers because the clients of the former service need one, and random so that they tell
nothing about how many there are. The secret has the form of the former service, ``keyid:secret``
with the key id in base64, and is kept readable: those clients sign with it, and the server must be
able to verify.
"""

import base64
import hmac
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from callstats.access.errors import UnknownApp, WrongSecret
from callstats.access.origins import checked_origin
from callstats.errors import BadInput
from callstats.store import Store

MAX_NAME = 200
_LOWEST, _HIGHEST = 100_000_000, 999_999_999


class App(Struct, frozen=True, kw_only=True):
    """One tenant; after a rotation the previous secret stays valid until the next one."""

    app_id: int
    name: str
    secret: str
    previous_secret: str = ""
    origins: tuple[str, ...] = ()
    created_at: datetime

    def __repr__(self) -> str:
        """Show who it is, and never a secret."""
        return f"App(app_id={self.app_id}, name={self.name!r})"


class Apps:
    """The apps of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str) -> App:
        """Make an app with a new id and secret; the name is for people and need not be unique."""
        if not 0 < len(name.strip()) <= MAX_NAME:
            raise BadInput(
                "name of an app", found=f"{len(name)} characters", allowed=f"1 to {MAX_NAME}"
            )
        app = App(
            app_id=self._unused_id(),
            name=name.strip(),
            secret=_new_secret(),
            created_at=datetime.now(UTC).replace(microsecond=0),
        )
        self._keep(app)
        return app

    def list(self) -> Sequence[App]:
        """Return every app, the oldest first."""
        return msgspec.convert(self._store.rows("apps"), list[App])

    def get(self, app_id: int) -> App:
        """Return one app; raises UnknownApp."""
        for app in self.list():
            if app.app_id == app_id:
                return app
        raise UnknownApp(app_id)

    def rotate(self, app_id: int) -> App:
        """Give the app a new secret; the one before stays valid until the next rotation."""
        app = self.get(app_id)
        rotated = replace(app, secret=_new_secret(), previous_secret=app.secret)
        self._keep(rotated)
        return rotated

    def allow_origins(self, app_id: int, origins: Sequence[str]) -> App:
        """List the origins whose pages may use the app; none listed allows every page."""
        app = replace(self.get(app_id), origins=tuple(map(checked_origin, origins)))
        self._keep(app)
        return app

    def check_secret(self, app_id: int, secret: str) -> App:
        """Return the app if this is its current or previous secret.

        Raises UnknownApp or WrongSecret.
        """
        app = self.get(app_id)
        given = secret.encode(errors="surrogatepass")
        valid = [known for known in (app.secret, app.previous_secret) if known]
        if not any(hmac.compare_digest(given, known.encode()) for known in valid):
            raise WrongSecret(app_id)
        return app

    def _unused_id(self) -> int:
        taken = {app.app_id for app in self.list()}
        while True:
            app_id = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST + 1)
            if app_id not in taken:
                return app_id

    def _keep(self, app: App) -> None:
        row = (
            app.app_id,
            app.name,
            app.secret,
            app.previous_secret,
            list(app.origins),
            app.created_at,
            time.time_ns(),
        )
        self._store.append("apps", [row])


def _new_secret() -> str:
    key_id = base64.b64encode(secrets.token_bytes(4)).decode()
    return f"{key_id}:{secrets.token_urlsafe(32)}"
