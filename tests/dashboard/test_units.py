from datetime import UTC, datetime, timedelta, timezone

import pytest

from callstats.dashboard import figures, units


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (units.kilobits(2_540_000.0), "2\u202f540"),
        (units.kilobits(400.0), "0"),
        (units.percent(0.0512), "5.1"),
        (units.percent(0.0), "0.0"),
        (units.percent(0.0001), "<0.1"),
        (units.percent(1.0), "100"),
        (units.milliseconds(0.1313), "131"),
        (units.milliseconds(0.0042), "4.2"),
        (units.milliseconds(0.0), "0"),
        (units.decimals(29.94), "29.9"),
        (units.length(0.21), "210 ms"),
        (units.length(7.44), "7.4 s"),
        (units.length(59.7), "1 min 00 s"),
        (units.length(125), "2 min 05 s"),
        (units.length(3599.8), "1 h 00 min"),
        (units.length(90_000), "25 h 00 min"),
        (units.plural(1, "record"), "1 record"),
        (units.plural(1200, "record"), "1\u202f200 records"),
        (units.codec("video/VP8"), "VP8"),
        (units.codec("opus"), "opus"),
    ],
)
def test_figures_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_what_is_unknown_is_a_dash_everywhere() -> None:
    writers = (
        units.kilobits,
        units.percent,
        units.milliseconds,
        units.decimals,
        units.grouped,
        units.length,
        units.clock,
        units.day,
        units.codec,
    )

    assert {write(None) for write in writers} == {units.UNKNOWN}


def test_moments_are_written_in_utc_whatever_their_zone() -> None:
    there = datetime(2026, 11, 22, 1, 2, 3, 456_789, timezone(timedelta(hours=2)))

    assert units.moment(there) == "2026-11-21T23:02:03.456Z"
    assert units.day(there) == "2026-11-21"
    assert units.clock(there, fine=True) == "23:02:03.456"


def test_time_that_went_backwards_is_no_negative_length() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)

    assert units.between(now, now - timedelta(seconds=5)) == 0.0
    assert units.between(None, now) is None


def test_long_texts_are_cut() -> None:
    assert units.short("w" * 500) == "w" * 47 + "…"
    assert units.compact({"a": "ü"}) == '{"a": "ü"}'


def test_named_figures_have_the_unit_that_their_name_implies() -> None:
    assert figures.told(
        {"loss": 0.0512, "worst_loss": 0.2, "seconds": 18.0, "opens_at": 0.02, "streams": 2}
    ) == [
        ("loss", "5.1 %"),
        ("worst loss", "20.0 %"),
        ("seconds", "18 s"),
        ("opens at", "2.0 %"),
        ("streams", "2"),
    ]
    assert figures.told({"rtt": None, "codec": "opus"}) == [("rtt", "not known"), ("codec", "opus")]
