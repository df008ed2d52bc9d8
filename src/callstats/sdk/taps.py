"""How is a method of somebody else's object heard, without a part in what it does?

A tap stands in the instance for one method of its class, passes every call on and hears it. What it
hears it may count; it cannot change the call, delay it or fail it. ``remove`` takes it out again.
A tap does not keep its owner: all that refers to the owner lives in the owner.
"""

import weakref
from collections.abc import Callable
from typing import Any

from callstats.sdk.notices import tell_defect

Hear = Callable[..., object]


class Tap:
    """One method of one object, being heard: ``hear`` gets the object, the result, the arguments.

    Of a coroutine function the result is what it returns in the end, if ``is_awaited``; else the
    coroutine. What raises is not heard.
    """

    def __init__(self, owner: Any, name: str, hear: Hear, *, is_awaited: bool = False) -> None:
        self.name = name
        self.owner = weakref.ref(owner)
        self._hear: Hear | None = hear
        original = getattr(owner, name)
        stand_in = self._await(owner, original) if is_awaited else self._call(owner, original)
        vars(stand_in).update(tap=self, former=vars(owner).get(name))
        self._stand_in = weakref.ref(stand_in)
        setattr(owner, name, stand_in)

    def remove(self) -> None:
        """Hear no more; where somebody has come after us, the tap stays and passes on."""
        self._hear = None
        owner = self.owner()
        if owner is not None and vars(owner).get(self.name) is self._stand_in():
            _restore(owner, self.name)

    def is_removed(self) -> bool:
        """Whether it hears no more."""
        return self._hear is None

    def _call(self, owner: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        def stand_in(*args: Any, **options: Any) -> Any:
            result = original(*args, **options)
            self._tell(owner, result, args)
            return result

        return stand_in

    def _await(self, owner: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        async def stand_in(*args: Any, **options: Any) -> Any:
            result = await original(*args, **options)
            self._tell(owner, result, args)
            return result

        return stand_in

    def _tell(self, owner: Any, result: Any, args: tuple[Any, ...]) -> None:
        if self._hear is None:
            return
        try:
            self._hear(owner, result, *args)
        except Exception as error:  # what goes on here belongs to the application
            self._hear = None
            tell_defect(f"a tap on {self.name}", error)


def _restore(owner: Any, name: str) -> None:
    """Put back what was there before the taps that hear no more."""
    former = vars(owner).get(name)
    while (tap := getattr(former, "tap", None)) is not None and tap.is_removed():
        former = vars(former)["former"]
    if former is None:
        delattr(owner, name)
    else:
        setattr(owner, name, former)


class Taps:
    """All that is heard of one connection."""

    def __init__(self) -> None:
        self._taps: list[Tap] = []

    def add(self, owner: object, name: str, hear: Hear, *, is_awaited: bool = False) -> None:
        """Begin to hear a method, unless it is heard already or is not there."""
        if owner is None or not hasattr(owner, name) or self._hears(owner, name):
            return
        self._taps.append(Tap(owner, name, hear, is_awaited=is_awaited))

    def remove(self) -> None:
        """Hear nothing any more."""
        while self._taps:
            self._taps.pop().remove()

    def _hears(self, owner: object, name: str) -> bool:
        self._taps = [tap for tap in self._taps if tap.owner() is not None]
        return any(tap.owner() is owner and tap.name == name for tap in self._taps)
