"""Batches: what is taken, what is refused, and that nothing is lost between."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats import wire
from callstats.errors import BadInput
from callstats.wire import batch

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "conformance" / "batch" / "decode.json").read_text()
)
HEADER = batch.Header(client="c9f2ab34", sent_at_ms=1795389606495.2)


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_batches_decode_as_the_conformance_cases_say(case: dict[str, Any]) -> None:
    body = "\n".join([json.dumps(CASES["header"]), *case["lines"]]).encode()

    header, taken, refused = batch.decode(body)

    assert header.client == "c9f2ab34"
    assert [[type(line.record).__struct_config__.tag, line.record.seq] for line in taken] == case[
        "taken"
    ]
    assert [[r.line, r.seq, r.reason] for r in refused] == case["refused"]
    assert all(r.found and r.allowed for r in refused)


@pytest.mark.parametrize("case", CASES["bad_headers"], ids=lambda case: case["name"])
def test_a_batch_without_a_readable_header_is_refused_whole(case: dict[str, str]) -> None:
    with pytest.raises(BadInput, match=r"first line of a batch: found .*, allowed"):
        batch.decode(case["line"].encode())


def test_invalid_utf8_costs_its_line_only() -> None:
    good = batch.encode_record(wire.Left(seq=2, at_ms=0, user="a", device="d", conference="c"))
    bad = b'{"type":"left","seq":1,"at":0,"user":"\xff\xfe","device":"d"}'

    _, taken, refused = batch.decode(batch.encode(HEADER, [bad, good]))

    assert [line.record.seq for line in taken] == [2]
    assert [r.line for r in refused] == [2]


def test_a_record_over_the_limit_is_refused_with_its_size() -> None:
    big = (
        b'{"type":"log","seq":9,"at":0,"user":"a","device":"d","message":"' + b"x" * batch.MAX_LINE
    )

    _, taken, refused = batch.decode(batch.encode(HEADER, [big + b'"}']))

    assert taken == []
    assert (refused[0].seq, refused[0].reason) == (9, "too large")
    assert str(batch.MAX_LINE) in refused[0].allowed


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.text(min_size=1, max_size=40).filter(lambda s: s.encode("utf-8", "ignore").decode() == s)


@given(
    user=names,
    conference=names,
    data=json_values,
    at=st.floats(0, 8.64e15),
    seq=st.integers(1, 2**63 - 1),
)
def test_what_is_encoded_decodes_to_the_same(
    user: str, conference: str, data: Any, at: float, seq: int
) -> None:
    sent = wire.Event(
        seq=seq,
        at_ms=at,
        user=user,
        device="d",
        conference=conference,
        name="x",
        data=batch.raw(data),
    )

    _, (line,), refused = batch.decode(batch.encode(HEADER, [batch.encode_record(sent)]))

    assert refused == []
    assert isinstance(line.record, wire.Event)
    assert (line.record.user, line.record.conference) == (user, conference)
    assert (line.record.at_ms, line.record.seq) == (at, seq)
    assert json.loads(bytes(line.record.data)) == data


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=40), st.integers(1, 200))
def test_split_keeps_every_line_in_order_and_within_the_limit(
    lines: list[bytes], limit: int
) -> None:
    runs = list(batch.split(lines, limit=limit))

    assert [line for run in runs for line in run] == lines
    assert all(len(run) == 1 or sum(len(line) + 1 for line in run) <= limit for run in runs)


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused_and_never_crash(junk: bytes) -> None:
    _, taken, refused = batch.decode(batch.encode(HEADER, [junk]))

    assert len(taken) + len(refused) <= junk.count(b"\n") + 1


def test_an_event_without_data_says_nothing_of_it() -> None:
    bare = wire.Event(seq=1, at_ms=0, user="a", device="d", name="x")
    empty = wire.Event(seq=1, at_ms=0, user="a", device="d", name="x", data=msgspec.Raw())

    assert batch.encode_record(bare) == batch.encode_record(empty)
    assert "data" not in json.loads(batch.encode_record(empty))
