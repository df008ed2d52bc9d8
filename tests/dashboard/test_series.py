import msgspec
import pytest

from callstats.calls import Series
from callstats.clock import SystemClock

from . import measured
from .serving import Served, Visitor


class Answered(msgspec.Struct):
    series: list[Series]


@pytest.fixture
def path(served: Served, app_id: int) -> str:
    """The address of a measured call's series."""
    call_id, started = f"series{app_id}", SystemClock().now() - 120
    served.keep(measured.rows(app_id, call_id, "mesh", started))
    return f"/calls/{call_id}/series.json"


def ask(visitor: Visitor, path: str) -> list[Series]:
    answer = visitor.get(path)
    assert answer.status == 200
    return msgspec.json.decode(answer.body, type=Answered).series


def test_a_connection_has_a_series_for_each_stream(reader: Visitor, path: str) -> None:
    found = ask(reader, f"{path}?user=bob&connection=bob-alice")

    assert {(one.kind, one.direction) for one in found} == {
        ("audio", "inbound"),
        ("audio", "outbound"),
        ("video", "inbound"),
        ("video", "outbound"),
    }
    assert {one.connection for one in found} == {"bob-alice"}


def test_where_nothing_was_reported_the_line_has_a_gap(reader: Visitor, path: str) -> None:
    silent, talking = (
        ask(reader, f"{path}?user={user}&connection={user}-bob")[0] for user in ("carol", "alice")
    )

    assert None in silent.bitrate
    assert None not in talking.bitrate


def test_an_admin_names_the_app_and_a_reader_cannot(
    served: Served, reader: Visitor, path: str, app_id: int
) -> None:
    assert ask(reader, f"{path}?app={app_id + 1}&user=bob")

    reader.cookie = f"callstats_session={served.sessions.begin()}"

    assert ask(reader, f"{path}?app={app_id}&user=bob")
    assert reader.get(f"{path}?user=bob").status == 400
    assert ask(reader, f"{path}?app={app_id + 1}&user=bob") == []


def test_a_long_call_is_thinned_out(reader: Visitor, path: str) -> None:
    found = ask(reader, f"{path}?user=bob&connection=bob-alice&points=5")

    assert all(len(one.times) <= 5 for one in found)


@pytest.mark.parametrize("points", ["0", "1", "-4", "many", "1e3", "5001", "9" * 5000])
def test_an_absurd_number_of_points_is_refused(reader: Visitor, path: str, points: str) -> None:
    assert reader.get(f"{path}?points={points}").status == 400


def test_a_stranger_gets_no_series(stranger: Visitor, path: str) -> None:
    assert stranger.get(path).status == 303
