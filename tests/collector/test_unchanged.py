"""What the store knows already is not stored again; what changed always is."""

from hypothesis import given
from hypothesis import strategies as st

from callstats.collector.unchanged import Connection, Unchanged
from callstats.wire import Sample

PC: Connection = (1, "call", "client", "alice", "d1", "pc1")
OTHER: Connection = (1, "call", "client", "alice", "d1", "pc2")


def codec(n: int, *, at: float = 0.0, id: str = "C") -> Sample:  # noqa: A002
    return Sample(type="codec", id=id, timestamp=at, payload_type=n)


def stored(unchanged: Unchanged, *samples: Sample, connection: Connection = PC) -> int:
    return len(unchanged.news(connection, samples))


def test_a_fact_is_stored_once_and_again_when_it_changed() -> None:
    unchanged = Unchanged()

    told = [stored(unchanged, codec(n, at=float(at))) for at, n in enumerate([1, 1, 2, 2, 1])]

    assert told == [1, 0, 1, 0, 1]


def test_a_fact_that_was_away_is_told_again() -> None:
    unchanged = Unchanged()

    told = [stored(unchanged, codec(1)), stored(unchanged), stored(unchanged, codec(1))]

    assert told == [1, 0, 1]


def test_connections_are_apart() -> None:
    unchanged = Unchanged()
    stored(unchanged, codec(1))

    assert stored(unchanged, codec(1), connection=OTHER) == 1


def test_what_moves_is_stored_even_when_it_stands_still() -> None:
    unchanged = Unchanged()
    stream = Sample(type="inbound-rtp", id="I", timestamp=0.0, packets_received=5)
    chosen = Sample(type="candidate-pair", id="P", timestamp=0.0, nominated=True)

    assert [stored(unchanged, stream, chosen) for _ in range(3)] == [2, 2, 2]


def test_a_pair_that_was_not_chosen_is_a_fact_until_it_is() -> None:
    unchanged = Unchanged()

    def pair(nominated: bool) -> Sample:
        return Sample(type="candidate-pair", id="P", timestamp=0.0, nominated=nominated)

    told = [stored(unchanged, pair(chosen)) for chosen in (False, False, True, True, False)]

    assert told == [1, 0, 1, 1, 1]


def test_what_was_forgotten_is_told_again() -> None:
    unchanged = Unchanged()
    stored(unchanged, codec(1))

    unchanged.forget(PC)

    assert stored(unchanged, codec(1)) == 1


def test_memory_is_bounded_and_the_oldest_connection_goes_first() -> None:
    unchanged = Unchanged(capacity=10)
    for n in range(10):
        stored(unchanged, codec(1), connection=(n, *PC[1:]))
    stored(unchanged, codec(1), connection=(0, *PC[1:]))
    stored(unchanged, codec(1), connection=(99, *PC[1:]))

    assert stored(unchanged, codec(1), connection=(1, *PC[1:])) == 1
    assert stored(unchanged, codec(1), connection=(99, *PC[1:])) == 0


@given(st.lists(st.lists(st.integers(0, 2), min_size=3, max_size=3), max_size=20))
def test_the_store_can_always_tell_the_latest_fact(reports: list[list[int]]) -> None:
    unchanged = Unchanged()
    known: dict[str, int] = {}
    for report in reports:
        samples = [codec(n, id=str(place)) for place, n in enumerate(report)]
        for row in unchanged.news(PC, samples):
            sample = Sample(*row)
            assert sample.payload_type is not None
            known[sample.id] = sample.payload_type

        assert known == {str(place): n for place, n in enumerate(report)}
