"""What becomes of a client when its process forks? The child's copy begins a new life.

The parent's threads are not in the child, the locks they held stay locked there, and what waited is
the parent's to send. So the child leaves all of that alone and makes everything anew.
"""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What has something to do in a forked child."""

    def begin_anew(self) -> None:
        """Leave to the parent what is the parent's; must not wait for any lock."""


_alive: weakref.WeakSet[Forkable] = weakref.WeakSet()
_left_behind: list[object] = []
_is_told = False


def attend(each: Forkable) -> None:
    """Have ``begin_anew`` called in every child that is forked from now on."""
    global _is_told  # noqa: PLW0603 - the interpreter keeps what it is told for good, too
    _alive.add(each)
    if not _is_told and hasattr(os, "register_at_fork"):
        _is_told = True
        os.register_at_fork(after_in_child=_begin_anew)


def leave_behind(life: object) -> None:
    """Never let go of what is the parent's.

    Its finalizers might wait for a lock that a thread of the parent held at the fork.
    """
    _left_behind.append(life)


def _begin_anew() -> None:
    for each in list(_alive):
        each.begin_anew()
