import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.quality import Interval, audio, emodel
from tests.quality.made import lossy, run, speech

shares = st.floats(0, 1)
seconds = st.floats(0, 10)
bitrates = st.none() | st.floats(500, 600_000)
codecs = st.sampled_from(["opus", "red", "pcmu", "pcma"])


def mos_of(window: Interval, codec: str, bitrate: float | None = 32_000) -> float:
    found = audio.mos(window, codec, bitrate)
    assert found is not None
    return found


@given(shares, shares, bitrates, codecs)
def test_mos_never_rises_with_loss(
    one: float, other: float, bitrate: float | None, codec: str
) -> None:
    few, many = (speech(expected=1_000_000, lost=1_000_000 * s) for s in sorted((one, other)))

    assert mos_of(many, codec, bitrate) <= mos_of(few, codec, bitrate) + 1e-9


@given(shares, shares, codecs)
def test_mos_never_rises_with_concealment(one: float, other: float, codec: str) -> None:
    few, many = (speech(samples=480_000, concealed=480_000 * s) for s in sorted((one, other)))

    assert mos_of(many, codec) <= mos_of(few, codec) + 1e-9


@given(seconds, seconds, shares, codecs)
def test_mos_never_rises_with_the_round_trip(
    one: float, other: float, loss: float, codec: str
) -> None:
    short, long = (
        speech(rtt=rtt, expected=1_000, lost=1_000 * loss) for rtt in sorted((one, other))
    )

    assert mos_of(long, codec) <= mos_of(short, codec) + 1e-9


@given(seconds, seconds, codecs)
def test_mos_never_rises_with_jitter_or_with_the_buffer_that_hides_it(
    one: float, other: float, codec: str
) -> None:
    low, high = sorted((one, other))

    assert mos_of(speech(jitter=high, buffer_delay=None), codec) <= (
        mos_of(speech(jitter=low, buffer_delay=None), codec) + 1e-9
    )
    assert (
        mos_of(speech(buffer_delay=high), codec) <= mos_of(speech(buffer_delay=low), codec) + 1e-9
    )


@given(shares, seconds, bitrates, codecs)
def test_mos_stays_between_its_bounds(
    loss: float, rtt: float, bitrate: float | None, codec: str
) -> None:
    window = speech(rtt=rtt, expected=1_000_000, lost=1_000_000 * loss)

    assert emodel.LOWEST <= mos_of(window, codec, bitrate) <= emodel.HIGHEST


@given(st.floats(500, 200_000), st.floats(500, 200_000))
def test_a_higher_bitrate_is_never_coded_worse(one: float, other: float) -> None:
    low, high = sorted((one, other))

    assert audio.opus_impairment(high)[0] <= audio.opus_impairment(low)[0] + 1e-9


def test_published_rows_are_met_and_lines_drawn_between_them() -> None:
    for bitrate, coding, robustness in audio.OPUS:
        assert audio.opus_impairment(bitrate) == (coding, robustness)
    assert audio.opus_impairment(17_500)[0] == pytest.approx((30.16 + 23.81) / 2)


def test_outside_of_the_published_rows_the_nearest_one_holds() -> None:
    assert audio.opus_impairment(8_000) == (38.06, 16.51)
    assert audio.opus_impairment(510_000) == audio.opus_impairment(None) == (10.67, 9.79)


@pytest.mark.parametrize(
    ("loss", "at_least", "at_most"), [(0.0, 4.25, 4.4), (0.05, 3.1, 3.4), (0.2, 1.5, 2.2)]
)
def test_figures_are_those_one_would_expect(loss: float, at_least: float, at_most: float) -> None:
    assert at_least <= mos_of(lossy(loss), "opus") <= at_most


def test_what_redundancy_brought_back_is_not_held_against_the_audio() -> None:
    repaired = lossy(0.10, samples=480_000, concealed=480)

    assert mos_of(repaired, "opus") > mos_of(lossy(0.01), "opus")


def test_packets_that_came_too_late_count_as_missing() -> None:
    late = speech(samples=480_000, concealed=48_000)

    assert mos_of(late, "opus") == pytest.approx(mos_of(lossy(0.10), "opus"), abs=0.01)


@pytest.mark.parametrize(
    ("window", "codec", "why"),
    [
        (speech(), None, "the codec is not known"),
        (speech(), "g722", "no published impairments for g722 on a scale used here"),
        (speech(seconds=1.5), "opus", "too short"),
        (speech(packets=3), "opus", "too few packets"),
        (speech(packets=0, expected=0), "opus", "too few packets"),
        (speech(lost=None, expected=None), "opus", "the loss is not known"),
    ],
)
def test_mos_is_unknown_where_too_little_is_known(
    window: Interval, codec: str | None, why: str
) -> None:
    concluded = audio.conclude([window], codec)

    assert audio.mos(window, codec) is None
    assert concluded.value is None
    assert concluded.unknown == why


def test_a_conclusion_is_the_mean_of_its_windows_by_time() -> None:
    windows = run(speech(seconds=10.0), lossy(0.1, seconds=5.0))
    first, second = audio.score_windows(windows, "opus")
    assert first is not None
    assert second is not None

    concluded = audio.conclude(windows, "opus")

    assert concluded.value == pytest.approx((2 * first + second) / 3, rel=1e-4)
    assert concluded.inputs["codec"] == "opus"
    assert concluded.inputs["seconds"] == 15.0
    assert concluded.inputs["effective_loss"] == pytest.approx(0.1 / 3, rel=1e-3)
    assert "G.107.2" in concluded.formula


def test_a_few_seconds_are_no_conclusion() -> None:
    concluded = audio.conclude([speech(seconds=3.0)], "opus")

    assert concluded.value is None
    assert concluded.unknown == "3.0 s could be scored, 5 s are needed"


def test_nothing_measured_is_no_conclusion() -> None:
    assert audio.conclude([], "opus").unknown == "nothing was measured"


def test_a_muted_microphone_does_not_look_like_a_bad_codec() -> None:
    silence = speech(bytes=500 * 3, bitrate=1_200.0)
    windows = run(speech(), silence, silence, silence, silence)

    scores = audio.score_windows(windows, "opus")

    assert len(set(scores)) == 1


def test_loss_does_not_look_like_a_lower_bitrate() -> None:
    assert audio.coded_bitrates([lossy(0.5)], "opus") == [pytest.approx(32_000)]


def test_a_bitrate_that_really_falls_shows_after_half_a_minute() -> None:
    low = speech(bytes=500 * 40, bitrate=16_000.0)

    coded = audio.coded_bitrates(run(speech(), *[low] * 4), "opus")

    assert coded == [32_000, 32_000, 32_000, 16_000, 16_000]


def test_redundancy_says_nothing_of_the_bitrate_speech_is_coded_at() -> None:
    assert audio.coded_bitrates([speech()], "red") == [None]


def test_an_unknown_delay_takes_nothing_away() -> None:
    unknown = speech(rtt=None, buffer_delay=None, jitter=None)

    assert mos_of(unknown, "opus") >= mos_of(speech(), "opus")


def test_g711_is_scored_on_the_narrowband_scale() -> None:
    concluded = audio.conclude([speech()], "pcmu")

    assert concluded.value == pytest.approx(4.41, abs=0.01)
    assert "narrowband" in concluded.formula


def test_codecs_are_named_by_their_subtype() -> None:
    names = [audio.codec_name(mime) for mime in ("audio/opus", "audio/PCMU", None)]

    assert names == ["opus", "pcmu", None]


def test_opus_rows_are_in_the_order_of_bitrate() -> None:
    assert all(low[0] < high[0] for low, high in itertools.pairwise(audio.OPUS))
