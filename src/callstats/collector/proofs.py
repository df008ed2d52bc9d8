"""Does this app know this user? Asked at every door where clients show what they signed."""

from msgspec import Struct

from callstats import access
from callstats.access import App, Apps, PublicKeys
from callstats.clock import Clock


class Asked(Struct, frozen=True):
    """Who asks, for which app, with which proof."""

    user: str
    app_id: int
    code: str


class Proofs:
    """Checks what clients signed themselves against the apps of a store."""

    def __init__(self, apps: Apps, public_keys: PublicKeys, *, clock: Clock) -> None:
        self._apps = apps
        self._public_keys = public_keys
        self._clock = clock

    def check(self, asked: Asked, origin: str | None) -> App:
        """Return the app that knows the user; raises something of the Refused family. Waits."""
        app = self._apps.get(asked.app_id)
        access.check_origin(app.app_id, app.origins, origin)
        keys = self._public_keys.list(app.app_id)
        now = self._clock.now()
        access.check_proof(asked.code, user=asked.user, app=app, public_keys=keys, now=now)
        return app

    def check_secret(self, app_id: int, secret: str, origin: str | None) -> App:
        """Return the app whose secret this is; raises something of the Refused family. Waits."""
        app = self._apps.check_secret(app_id, secret)
        access.check_origin(app.app_id, app.origins, origin)
        return app
