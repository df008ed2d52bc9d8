from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from callstats import calls
from callstats.cli.announcement import Server
from callstats.cli.target import choose, find_call
from callstats.errors import BadInput, Unavailable


class Shelf:
    """A source of calls that are known by id only."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = sorted(ids, reverse=True)

    def listing(self, *, limit: int = 100, before: datetime | None = None) -> list[calls.Listed]:
        moments = [datetime.fromtimestamp(n, UTC) for n in range(len(self._ids), 0, -1)]
        found = zip(self._ids, moments, strict=True)
        return [listed(each, at) for each, at in found if before is None or at < before][:limit]

    def call(self, call_id: str) -> str:
        return call_id


def listed(call_id: str, at: datetime) -> calls.Listed:
    return calls.Listed(
        id=call_id, conference="c", app_id=1, started_at=at, ended_at=None, state="live",
        participants=0, verdict=calls.Verdict(word="unknown", sentence=""), issues=0,
    )  # fmt: skip


def find(shelf: Shelf, wanted: str) -> Any:
    return find_call(cast("calls.Source", shelf), wanted)


def test_a_flag_counts_more_than_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSTATS_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("CALLSTATS_TOKEN", "a token")
    monkeypatch.setenv("CALLSTATS_DATA", "elsewhere")
    assert choose(Path("here"), None, None) == Path("here")
    assert choose(None, "http://127.0.0.1:2", None) == Server(
        url="http://127.0.0.1:2", token="a token"
    )
    assert choose(None, None, "mine") == Server(url="http://127.0.0.1:1", token="mine")
    monkeypatch.delenv("CALLSTATS_URL")
    assert choose(None, None, None) == Path("elsewhere")
    monkeypatch.delenv("CALLSTATS_DATA")
    assert choose(None, None, None) == Path("callstats-data")


def test_folder_and_server_cannot_both_be_meant() -> None:
    with pytest.raises(BadInput, match="found --data and --url, allowed one of them"):
        choose(Path("here"), "http://127.0.0.1:1", "a token")


def test_a_server_never_shows_its_token() -> None:
    assert "secret" not in repr(Server(url="http://127.0.0.1:1", token="secret"))


def test_a_beginning_is_looked_for_among_all_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callstats.cli.target._PAGE", 2)
    shelf = Shelf(["aaa", "abb", "bbb", "ccc", "cdd"])
    assert find(shelf, "b") == "bbb"
    assert find(shelf, "aa") == "aaa"
    assert find(shelf, "last") == "cdd"


def test_a_beginning_of_several_is_refused_and_names_them() -> None:
    with pytest.raises(BadInput, match="found 'a', which begins abb, aaa, allowed"):
        find(Shelf(["aaa", "abb", "bbb"]), "a")
    with pytest.raises(BadInput, match=r"a6, a5, a4, a3, a2, …, allowed"):
        find(Shelf([f"a{n}" for n in range(7)]), "a")


def test_nothing_is_last_where_there_is_nothing() -> None:
    with pytest.raises(Unavailable, match="there is no call yet"):
        find(Shelf([]), "last")
