"""Who takes part? The people that examples of two parties have always been told with."""

from callstats.errors import BadInput

_PEOPLE = (
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy",
)  # fmt: skip
MOST = len(_PEOPLE)


def names(count: int) -> list[str]:
    """Return the first ``count`` names; raises BadInput where that is no conference."""
    if not 2 <= count <= MOST:
        raise BadInput("participants", found=str(count), allowed=f"2 to {MOST}")
    return list(_PEOPLE[:count])
