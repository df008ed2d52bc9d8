from callstats.quality import setup
from callstats.quality.setup import State
from tests.quality.made import STATES


def test_each_part_of_the_setup_is_timed() -> None:
    found = setup.durations(STATES)

    assert round(found.ice_gathering or 0, 6) == 0.2
    assert round(found.ice_connecting or 0, 6) == 0.4
    assert found.connected == 0.7


def test_waiting_before_the_first_offer_does_not_count() -> None:
    states = {
        "signaling": [State(0.0, "stable"), State(60.0, "have-local-offer")],
        "connection": [State(0.0, "new"), State(60.1, "connecting"), State(61.0, "connected")],
    }

    assert setup.durations(states).connected == 1.0


def test_a_connection_that_was_up_already_has_no_setup_times() -> None:
    states = {
        "connection": [State(5.0, "connected")],
        "ice_connection": [State(5.0, "completed")],
        "ice_gathering": [State(5.0, "complete")],
    }

    assert setup.durations(states) == (None, None, None)


def test_a_connection_that_never_came_up_has_no_time() -> None:
    states = {"ice_connection": [State(0.0, "checking"), State(15.0, "failed")]}

    assert setup.durations(states) == (None, None, None)
    assert setup.connected_at(states) is None
    assert setup.began_at(states) == 0.0


def test_without_connection_states_those_of_ice_count() -> None:
    states = {"ice_connection": [State(1.0, "checking"), State(1.5, "connected")]}

    assert setup.durations(states).connected == 0.5


def test_a_restart_of_ice_is_not_the_first_setup() -> None:
    changes = [State(0.0, "checking"), State(1.0, "connected"), State(9.0, "checking")]
    states = {"ice_connection": [*changes, State(14.0, "connected")]}

    assert setup.durations(states).ice_connecting == 1.0


def test_nothing_seen_is_nothing_known() -> None:
    assert setup.durations({}) == (None, None, None)
