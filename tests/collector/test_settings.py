"""Settings come from flags, the environment and a file, in that order."""

from pathlib import Path

import pytest

from callstats.collector import Settings, load
from callstats.errors import BadInput


def test_without_anything_the_defaults_hold() -> None:
    assert load({}, {}) == Settings()


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "callstats.toml"
    file.write_text('port = 1\nsilence = 2\nhost = "::1"\n')

    settings = load({"port": 3, "silence": None}, {"CALLSTATS_SILENCE": "4"}, file)

    assert (settings.port, settings.silence, settings.host) == (3, 4.0, "::1")


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "callstats.toml"
    file.write_text("port = 1")

    assert load({}, {"CALLSTATS_CONFIG": str(file)}).port == 1


def test_limits_reach_the_protocol() -> None:
    limits = load({"body_bytes": 5, "header_seconds": 1.5}, {}).limits

    assert (limits.body_bytes, limits.header_seconds) == (5, 1.5)


@pytest.mark.parametrize(
    ("flags", "environ", "text"),
    [
        ({"port": 70_000}, {}, "setting port in flags: found 70000"),
        ({}, {"CALLSTATS_PORT": "x"}, "setting port in environment: found 'x'"),
        ({"silence": 0}, {}, "setting silence in flags: found 0"),
        ({"colour": "red"}, {}, "setting in flags: found 'colour', allowed body_bytes"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(
    flags: dict[str, object], environ: dict[str, str], text: str
) -> None:
    with pytest.raises(BadInput) as raised:
        load(flags, environ)

    assert str(raised.value).startswith(text)


def test_a_file_that_is_wrong_or_missing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "callstats.toml"
    with pytest.raises(BadInput, match="No such file"):
        load({}, {}, file)
    file.write_text("port = ")
    with pytest.raises(BadInput, match="allowed TOML"):
        load({}, {}, file)
    file.write_text('colour = "red"')
    with pytest.raises(BadInput, match="found 'colour'"):
        load({}, {}, file)


def test_the_password_of_a_store_is_not_shown() -> None:
    with pytest.raises(BadInput) as raised:
        load({"store": 5}, {})

    assert "5" not in str(raised.value)
