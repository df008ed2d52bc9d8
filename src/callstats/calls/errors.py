"""What can go wrong when calls are asked for.

CallstatsError
├── BadInput
│   └── UnknownCall     there is no such call, or not in this app
├── Refused
│   └── NotAllowed      the server wants another token, or one that may do this
└── Unavailable
    └── NoAnswer        the server cannot be reached, or did not answer as one of ours
"""

from callstats import errors


class UnknownCall(errors.BadInput):
    """There is no such call; ``call_id`` is what was asked for."""

    def __init__(self, call_id: str) -> None:
        shown = call_id if len(call_id) <= 64 else f"{call_id[:61]}..."
        super().__init__("call", found=repr(shown), allowed="the id of a stored call")
        self.call_id = call_id


class NotAllowed(errors.Refused):
    """The server refused: the token is missing, wrong, expired, or not for this."""


class NoAnswer(errors.Unavailable):
    """The server cannot be reached, is not ready, or is not one of ours."""
