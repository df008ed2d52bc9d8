"""Stats objects: kept members, wrong types, and what is no stats object."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.errors import BadInput
from callstats.wire import Sample, samples


def encoded(*objects: object) -> bytes:
    return json.dumps(objects).encode()


INBOUND = {"type": "inbound-rtp", "id": "IT1", "timestamp": 1795389606495.274, "ssrc": 7}


def test_known_members_become_columns_and_unknown_ones_are_left_in_the_report() -> None:
    (sample,), damaged = samples.decode(
        encoded({**INBOUND, "packetsLost": -1, "brandNew": {"a": 1}})
    )

    assert (sample.type, sample.ssrc, sample.packets_lost) == ("inbound-rtp", 7, -1)
    assert sample.jitter is None
    assert damaged == 0


def test_a_member_of_a_wrong_type_is_unknown_and_counted_and_costs_no_other() -> None:
    (sample,), damaged = samples.decode(
        encoded({**INBOUND, "packetsLost": "many", "jitter": 0.003, "nackCount": None})
    )

    assert sample.packets_lost is None
    assert (sample.jitter, damaged) == (0.003, 1)


@pytest.mark.parametrize(
    "stats",
    [
        b"{}",
        b"7",
        b"[7]",
        b'[{"id":"a","timestamp":1}]',
        b'[{"type":"a","id":"a"}]',
        b"[",
        b"",
        b'["\xff"]',
    ],
)
def test_what_is_no_array_of_stats_objects_is_bad_input(stats: bytes) -> None:
    with pytest.raises(BadInput, match=r"found .*, allowed"):
        samples.decode(stats)


def test_a_report_of_too_many_objects_is_bad_input() -> None:
    with pytest.raises(BadInput, match="5000 at most"):
        samples.decode(encoded(*[INBOUND] * (samples.MAX_SAMPLES + 1)))


def test_members_are_named_as_the_w3c_names_them() -> None:
    w3c = {field.encode_name for field in msgspec.structs.fields(Sample)}
    assert {"packetsLost", "roundTripTime", "framesPerSecond", "sdpFmtpLine", "qpSum"} <= w3c


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "id", "timestamp", "ssrc", "jitter", "kind", "other"]),
            st.none()
            | st.booleans()
            | st.integers(-(2**70), 2**70)
            | st.text(max_size=5)
            | st.just({}),
        ),
        max_size=4,
    )
)
def test_any_objects_are_samples_or_bad_input(objects: list[dict[str, object]]) -> None:
    try:
        found, _ = samples.decode(encoded(*objects))
    except BadInput:
        return
    assert len(found) == len(objects)
