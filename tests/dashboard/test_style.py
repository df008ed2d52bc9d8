"""Can everybody read it? Contrast of the colours, by WCAG 2.2, success criterion 1.4.3."""

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[2] / "src/callstats/dashboard/static/style.css").read_text()
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
)
PAIRS = [
    *((text, ground) for text in ("text", "dim", "link") for ground in ("page", "surface")),
    *((word, "surface") for word in ("good", "fair", "poor", "bad", "unknown")),
    *(("text", f"{word}-wash") for word in ("fair", "poor", "bad")),
    *((word, f"{word}-wash") for word in ("fair", "poor", "bad")),
    ("poor", "bad-wash"),
    ("dim", "sunken"),
]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_stands_out_from_its_ground(colours: dict[str, str], text: str, ground: str) -> None:
    assert contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_of_charts_stand_out_from_their_ground(colours: dict[str, str]) -> None:
    lines = {name: colours[name] for name in colours if name.startswith("series-")}

    assert len(lines) == 8
    assert all(contrast(line, colours["surface"]) >= 3 for line in lines.values())


def test_both_schemes_name_the_same_colours() -> None:
    assert set(LIGHT) == set(DARK)
