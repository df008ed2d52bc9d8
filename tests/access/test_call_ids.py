"""Call ids sort by time, and only the server that issued one recognises it."""

from hypothesis import given
from hypothesis import strategies as st

from callstats.access import call_ids

KEY = b"k" * 32
APP = 123_456_789

moments = st.floats(min_value=0, max_value=4e9)
randomness = st.binary(min_size=5, max_size=5)


@given(at=moments, random=randomness)
def test_an_issued_id_is_genuine_and_tells_its_time(at: float, random: bytes) -> None:
    call_id = call_ids.issue(KEY, APP, at, random)

    assert len(call_id) == call_ids.LENGTH
    assert call_ids.is_genuine(KEY, APP, call_id)
    assert abs(call_ids.issued_at(call_id) - at) < 0.001 + 1e-6


@given(at=moments, random=randomness)
def test_another_app_or_another_server_does_not_recognise_it(at: float, random: bytes) -> None:
    call_id = call_ids.issue(KEY, APP, at, random)

    assert not call_ids.is_genuine(KEY, APP + 1, call_id)
    assert not call_ids.is_genuine(b"other" * 6, APP, call_id)


@given(first=moments, second=moments, random=randomness)
def test_ids_sort_by_time(first: float, second: float, random: bytes) -> None:
    earlier, later = sorted([first, second])

    names = [call_ids.issue(KEY, APP, at, random) for at in (earlier, later + 0.001)]

    assert names == sorted(names)


@given(text=st.text(max_size=30))
def test_no_text_breaks_the_check(text: str) -> None:
    assert not call_ids.is_genuine(KEY, APP, text)


@given(at=moments, random=randomness, place=st.integers(0, 25))
def test_one_changed_letter_is_noticed(at: float, random: bytes, place: int) -> None:
    call_id = call_ids.issue(KEY, APP, at, random)
    other = "0" if call_id[place] != "0" else "1"

    assert not call_ids.is_genuine(KEY, APP, call_id[:place] + other + call_id[place + 1 :])
