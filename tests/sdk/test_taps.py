"""Who is listened to notices nothing."""

import asyncio
import gc
import weakref

import pytest

from callstats.sdk.taps import Tap, Taps


class Pump:
    def __init__(self) -> None:
        self.flow = 0

    def push(self, litres: int, *, twice: bool = False) -> int:
        if litres < 0:
            raise ValueError(litres)
        self.flow += litres * (2 if twice else 1)
        return self.flow

    async def pull(self, litres: int) -> int:
        await asyncio.sleep(0)
        return litres


def test_a_call_goes_on_and_is_heard_with_its_result() -> None:
    pump = Pump()
    heard: list[object] = []
    tap = Tap(pump, "push", lambda _, *heard_: heard.append(heard_))

    assert pump.push(3) == 3
    assert pump.push(2, twice=True) == 7
    assert heard == [(3, 3), (7, 2)]

    tap.remove()
    assert pump.push(1) == 8
    assert len(heard) == 2
    assert vars(pump) == {"flow": 8}


@pytest.mark.anyio
async def test_of_a_coroutine_the_end_can_be_heard() -> None:
    pump, heard = Pump(), []
    Tap(pump, "pull", lambda _, *heard_: heard.append(heard_), is_awaited=True)

    assert await pump.pull(4) == 4
    assert heard == [(4, 4)]


def test_what_raises_raises_as_before_and_is_not_heard() -> None:
    pump, heard = Pump(), []
    Tap(pump, "push", lambda *_: heard.append(1))

    with pytest.raises(ValueError, match="-1"):
        pump.push(-1)
    assert heard == []


def test_a_listener_that_fails_listens_no_more(caplog: pytest.LogCaptureFixture) -> None:
    pump = Pump()
    heard: list[int] = []

    def fail(_: Pump, __: int, litres: int) -> None:
        heard.append(litres)
        raise KeyError(litres)

    Tap(pump, "push", fail)

    assert [pump.push(1), pump.push(1)] == [1, 2]
    assert heard == [1]
    assert "callstats failed in a tap on push with KeyError" in caplog.text
    caplog.clear()


def test_two_may_listen_and_leave_in_any_order() -> None:
    for leaves_first in (0, 1):
        pump = Pump()
        heard: list[int] = []
        taps = [Tap(pump, "push", lambda *_, i=i, heard=heard: heard.append(i)) for i in range(2)]
        pump.push(1)
        taps[leaves_first].remove()
        pump.push(1)
        taps[1 - leaves_first].remove()
        pump.push(1)
        assert heard == [0, 1, 1 - leaves_first]


def test_nothing_is_listened_to_twice_and_nothing_that_is_not_there() -> None:
    pump, heard = Pump(), []
    taps = Taps()
    for _ in range(2):
        taps.add(pump, "push", lambda *_: heard.append(1))
    taps.add(pump, "drain", lambda *_: None)
    taps.add(None, "push", lambda *_: None)

    pump.push(1)
    assert heard == [1]
    taps.remove()
    assert vars(pump) == {"flow": 1}


def test_listening_keeps_nothing_alive() -> None:
    pump = Pump()
    gone = weakref.ref(pump)
    taps = Taps()
    taps.add(pump, "push", lambda *_: None)

    del pump
    gc.collect()

    assert gone() is None
    taps.remove()
