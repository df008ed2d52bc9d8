"""What can be wrong with a credential.

Refused
├── UnknownApp       no app has this id
├── WrongSecret      the app exists, the secret is neither its current nor its previous one
├── ProofInvalid     what a client signed itself does not show who it is
│   └── ProofExpired     it did until a moment ago: make a new one
├── OriginRefused    the app lists the origins of its pages, and this is none of them
├── TokenExpired     a genuine token or session whose time is over: ask for a new one
├── TokenInvalid     no token of this server, or damaged
└── WrongScope       a genuine token that was issued for something else
"""

from callstats.errors import Refused


class UnknownApp(Refused):
    """No app has this id."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"unknown app: found {app_id}, allowed the id of an app of this server")
        self.app_id = app_id


class WrongSecret(Refused):
    """The secret is neither the app's current nor its previous one."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"wrong secret for app {app_id}")
        self.app_id = app_id


class ProofInvalid(Refused):
    """A token that a client signed itself is not what it should be; ``reason`` says in what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ProofExpired(ProofInvalid):
    """A token that a client signed itself was valid, and its time is over."""

    def __init__(self) -> None:
        super().__init__("the token of the application has expired")


class OriginRefused(Refused):
    """The page that asks is none of the app's."""

    def __init__(self, app_id: int) -> None:
        super().__init__(f"app {app_id} does not list the origin of this page")


class TokenExpired(Refused):
    """The token was genuine and its time is over.

    The clients of the former service ask for a new token on exactly this sentence.
    """

    def __init__(self) -> None:
        super().__init__("Token has expired")


class TokenInvalid(Refused):
    """The token was not issued by this server, or it is damaged."""

    def __init__(self) -> None:
        super().__init__("the token was not issued by this server")


class WrongScope(Refused):
    """The token is genuine but was issued for something else."""

    def __init__(self, *, found: str, allowed: str) -> None:
        super().__init__(f"wrong scope: found {found}, allowed {allowed}")
        self.found = found
        self.allowed = allowed
