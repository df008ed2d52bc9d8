"""The page of metrics lists what the code has, no more and no less."""

import re
from pathlib import Path

import pytest
from msgspec import Struct

from callstats.calls import Figures, Series, Setup, Stream
from callstats.quality import issues, verdict

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
IDENTITY = {
    *("id", "ssrc", "kind", "direction", "codec", "peer", "verdict"),
    *("user", "device", "connection", "remote", "stream"),
}
"""Members that say what something is, and measure nothing."""


def listed(heading: str) -> dict[str, list[str]]:
    """Return the rows of the first table under a heading, by name."""
    text = PAGE.read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", section, re.MULTILINE)
    assert len({name for name, _ in rows}) == len(rows)
    return {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}


@pytest.mark.parametrize(
    ("heading", "kind"), [("Streams", Stream), ("Participants", Figures), ("Charts", Series)]
)
def test_every_member_that_measures_is_listed(heading: str, kind: type[Struct]) -> None:
    members = [name for name in kind.__struct_fields__ if name not in IDENTITY]

    assert list(listed(heading)) == members


def test_every_part_of_the_setup_is_listed() -> None:
    assert list(listed("Connections")) == ["rtt", *Setup.__struct_fields__]


def test_every_bound_is_listed_with_its_values() -> None:
    bounds = {
        name: [limits.good, limits.fair, limits.poor] for name, limits in verdict.BOUNDS.items()
    }

    assert {name: [float(c) for c in row[:3]] for name, row in listed("Words").items()} == bounds


def test_every_issue_is_listed() -> None:
    assert set(listed("Issues")) == set(issues.NAMES)


def test_bounds_of_issues_are_those_of_the_page() -> None:
    page = listed("Issues")
    loss, rtt, mos, frozen = (
        issue.RULE
        for issue in (issues.high_loss, issues.high_rtt, issues.low_audio_mos, issues.freezes)
    )

    assert page["high_loss"] == [
        f"{100 * loss.opens:g} % for {loss.hold:g} s",
        f"below {100 * loss.closes:g} %",
        f"mean from {100 * loss.severe:g} %",
    ]
    assert page["high_rtt"] == [
        f"{1000 * rtt.opens:g} ms for {rtt.hold:g} s",
        f"below {1000 * rtt.closes:g} ms",
        f"mean from {1000 * rtt.severe:g} ms",
    ]
    assert page["low_audio_mos"] == [
        f"{mos.opens:g} for {mos.hold:g} s",
        f"above {mos.closes:g}",
        f"mean to {mos.severe:g}",
    ]
    assert (frozen.opens, frozen.hold) == (0.1, 0.0)
    assert page["freezes"][1:] == [
        f"below {100 * frozen.closes:g} %",
        f"mean from {100 * frozen.severe:g} %",
    ]
