from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callstats import calls
from callstats.cli.demo import shortfalls
from callstats.cli.rehearsal import Reported

from .conftest import Command

UNKNOWN = calls.Verdict(word="unknown", sentence="")


def held(reports: Mapping[str, int]) -> calls.Call:
    """Return a call that holds so many reports of each user."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return calls.Call(
        call=calls.Head(
            id="c", conference="demo", app_id=1, started_at=at, ended_at=at, state="ended",
            verdict=UNKNOWN, records=sum(reports.values()),
        ),
        participants=[
            calls.Participant(
                user=user, device="d", joined_at=at, left_at=at, agent=None, reports=count,
                events={}, dropped={}, heard_at=at,
                skew=None, figures=calls.Figures(), verdict=UNKNOWN,
                connections=[],
            )
            for user, count in reports.items()
        ],
        issues=[], feedback=[], logs=0,
    )  # fmt: skip


def brought(
    user: str, reports: int, *, pending: int = 0, dropped: Mapping[str, int] | None = None
) -> Reported:
    stored = {"joined": 1, "report": reports}
    return Reported(user=user, call="c", stored=stored, dropped=dropped or {}, pending=pending)


def test_nothing_is_missing_where_the_counts_agree() -> None:
    call = held({"alice": 3, "bob": 4})
    assert shortfalls(call, [brought("alice", 3), brought("bob", 4)]) == []


def test_every_kind_of_loss_is_said() -> None:
    found = shortfalls(
        held({"alice": 2, "dave": 0}),
        [
            brought("alice", 3),
            brought("bob", 1, pending=2, dropped={"outbox full": 5}),
            brought("dave", 0),
        ],
    )
    assert found == [
        "alice sent 3 reports, the call holds 2",
        "bob sent 1 reports, the call holds 0",
        "bob could not send 2 records in time",
        "bob dropped 5 records: outbox full",
        "dave sent no report",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--participants", "1"], "participants: found 1, allowed 2 to 10"),
        (["--engine", "pigeon"], "engine: found pigeon, allowed wrtc or aiortc"),
        (["--impaired", "zoe"], "impaired participant: found zoe, allowed alice or bob or carol"),
    ],
)
def test_an_impossible_conference_is_refused_before_anything_starts(
    command: Command, options: list[str], said: str
) -> None:
    outcome = command("demo", *options)
    assert (outcome.code, outcome.out, outcome.err) == (1, "", f"callstats: {said}\n")


def test_a_server_that_does_not_start_says_why(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLSTATS_STORE", "clickhouse://is.not.asked")
    (tmp_path / "thesis.tex").touch()
    outcome = command("demo", "--data", tmp_path)
    assert (outcome.code, outcome.out) == (1, "")
    assert "did not start: data folder" in outcome.err
    assert "such as thesis.tex" in outcome.err
    assert outcome.err.count("\n") == 1
