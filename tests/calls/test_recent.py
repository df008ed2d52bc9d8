"""Many who look at a live call share one judgement; what is over is read as it was concluded."""

from datetime import UTC, datetime
from itertools import count

import pytest

from callstats import calls
from callstats.calls import Recent, UnknownCall
from callstats.store import Store
from tests.calls.generate import CALL, START, Call, write

NOW = datetime.fromtimestamp(START + 61, UTC)
"""While the call lives."""


@pytest.fixture
def call(store: Store, app_id: int) -> Call:
    """A call that lives at NOW, and is over half a minute after it was last heard."""
    stored = Call(app_id=app_id, leaves=False).store_in(store)
    write(store, calls.conclusions(calls.judge(store, app_id, CALL, now=NOW), version=1))
    return stored


class Ticking:
    """A clock on which every look takes a while."""

    def __init__(self, step: float) -> None:
        self._ticks = count(step=step)

    def now(self) -> float:
        return START

    def monotonic(self) -> float:
        return next(self._ticks)


def test_a_judgement_that_took_long_is_shared(store: Store, app_id: int, call: Call) -> None:
    recent = Recent(store, clock=Ticking(1.0))

    first = recent.read(app_id, CALL, now=NOW)

    assert first.call.state == "live"
    assert recent.read(app_id, CALL, now=NOW) is first
    assert recent.read(None, CALL, now=NOW) is first


def test_a_judgement_stands_for_ten_times_what_it_took(
    store: Store, app_id: int, call: Call
) -> None:
    recent = Recent(store, clock=Ticking(1.0))
    first = recent.read(app_id, CALL, now=NOW)

    looks = [recent.read(app_id, CALL, now=NOW) for _ in range(12)]

    assert [look is first for look in looks[:9]] == [True] * 9
    assert looks[-1] is not first


def test_a_judgement_that_took_nothing_is_made_anew(store: Store, app_id: int, call: Call) -> None:
    recent = Recent(store, clock=Ticking(0.0))

    assert recent.read(app_id, CALL, now=NOW) is not recent.read(app_id, CALL, now=NOW)


def test_what_is_over_is_not_kept(store: Store, app_id: int, call: Call) -> None:
    over = datetime.fromtimestamp(START + call.seconds + 60, UTC)
    recent = Recent(store, clock=Ticking(1.0))

    assert recent.read(app_id, CALL, now=over).call.state == "ended"
    assert recent.read(app_id, CALL, now=over) is not recent.read(app_id, CALL, now=over)


def test_another_app_does_not_see_it(store: Store, app_id: int, call: Call) -> None:
    recent = Recent(store, clock=Ticking(1.0))
    recent.read(app_id, CALL, now=NOW)

    with pytest.raises(UnknownCall):
        recent.read(app_id + 1, CALL, now=NOW)


def test_it_reads_what_calls_read_reads(store: Store, app_id: int, call: Call) -> None:

    read = Recent(store, clock=Ticking(1.0)).read(app_id, CALL, now=NOW)

    assert read == calls.read(store, app_id, CALL, now=NOW)
