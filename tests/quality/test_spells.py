from callstats.quality.issues import spells
from tests.quality.made import run, speech

RULE = spells.Rule(opens=0.03, closes=0.01, severe=0.10, hold=15.0)


def found(*losses: float | None, seconds: float = 10.0) -> list[spells.Spell]:
    windows = run(*[speech(seconds=seconds)] * len(losses))
    return list(spells.find(windows, losses, RULE))


def test_one_bad_window_is_noise() -> None:
    assert found(0.0, 0.5, 0.0, 0.5, 0.0) == []


def test_bad_windows_in_a_row_are_a_spell_from_the_first_on() -> None:
    (spell,) = found(0.0, 0.04, 0.06, 0.0)

    assert (spell.opened_at, spell.closed_at) == (10.0, 30.0)
    assert round(spell.mean, 6) == 0.05
    assert spell.worst == 0.06
    assert spell.seconds == 20.0


def test_a_spell_goes_on_between_the_two_bounds() -> None:
    (spell,) = found(0.04, 0.04, 0.02, 0.02, 0.04, 0.0)

    assert (spell.opened_at, spell.closed_at) == (0.0, 50.0)


def test_between_the_two_bounds_no_spell_begins() -> None:
    assert found(0.02, 0.02, 0.02, 0.02) == []


def test_a_spell_that_lasts_to_the_end_has_no_end() -> None:
    (spell,) = found(0.0, 0.04, 0.04)

    assert spell.closed_at is None


def test_two_spells_are_two() -> None:
    assert len(found(0.04, 0.04, 0.0, 0.04, 0.04, 0.0)) == 2


def test_an_unknown_window_changes_nothing() -> None:
    (spell,) = found(0.04, None, 0.04, 0.04, 0.0)

    assert (spell.opened_at, spell.closed_at) == (0.0, 40.0)


def test_long_silence_ends_a_spell_where_it_was_last_seen() -> None:
    (spell,) = found(0.04, 0.04, None, None, None, None, 0.0)

    assert (spell.opened_at, spell.closed_at) == (0.0, 20.0)


def test_silence_to_the_end_ends_a_spell_where_it_was_last_seen() -> None:
    (spell,) = found(0.04, 0.04, None, None, None, None)

    assert spell.closed_at == 20.0


def test_a_lower_figure_is_worse_where_the_rule_says_so() -> None:
    rule = spells.Rule(opens=3.1, closes=3.4, severe=2.58)
    windows = run(*[speech()] * 5)

    (spell,) = spells.find(windows, [4.0, 3.0, 2.0, 3.3, 4.0], rule)

    assert (spell.opened_at, spell.closed_at) == (10.0, 40.0)
    assert spell.worst == 2.0
    assert not rule.is_severe(spell.mean)


def test_nothing_measured_is_no_spell() -> None:
    assert found() == []
