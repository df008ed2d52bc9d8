"""A body is read whole and never becomes larger than allowed."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callstats.collector import body
from callstats.collector.errors import Damaged, Disconnected, TooLarge

LIMIT = 1_048_576


@given(whole=st.binary(max_size=5000), limit=st.integers(0, 5000))
def test_what_was_deflated_comes_back_if_it_is_small_enough(whole: bytes, limit: int) -> None:
    for encoding, packed in (
        ("identity", whole),
        ("gzip", gzip.compress(whole)),
        ("deflate", zlib.compress(whole)),
        ("deflate", zlib.compress(whole, wbits=-15)),
    ):
        if len(whole) <= limit:
            assert body.inflate(packed, encoding, limit) == whole
        else:
            with pytest.raises(TooLarge):
                body.inflate(packed, encoding, limit)


@given(junk=st.binary(max_size=200), encoding=st.sampled_from(["gzip", "deflate"]))
def test_junk_is_damaged_at_worst(junk: bytes, encoding: str) -> None:
    with suppress(Damaged, TooLarge):
        body.inflate(junk, encoding, 1000)


@pytest.mark.parametrize("wbits", [31, 15, -15], ids=["gzip", "zlib", "raw"])
def test_a_bomb_takes_no_more_memory_than_the_limit(wbits: int) -> None:
    bomb = zlib.compress(b"\0" * 300_000_000, wbits=wbits)
    tracemalloc.start()

    with pytest.raises(TooLarge):
        body.inflate(bomb, "gzip" if wbits == 31 else "deflate", LIMIT)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * LIMIT


def test_what_follows_the_compressed_body_is_refused() -> None:
    with pytest.raises(Damaged, match="goes on"):
        body.inflate(gzip.compress(b"a") + gzip.compress(b"b"), "gzip", 100)


class Messages:
    """An ASGI ``receive`` with a script."""

    def __init__(self, *messages: MutableMapping[str, Any]) -> None:
        self._left: Iterator[MutableMapping[str, Any]] = iter(messages)

    async def __call__(self) -> MutableMapping[str, Any]:
        return next(self._left)


def part(content: bytes, *, more: bool) -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": content, "more_body": more}


@pytest.mark.anyio
async def test_a_body_in_parts_is_put_together() -> None:
    receive = Messages(part(b"a", more=True), part(b"", more=True), part(b"bc", more=False))

    assert await body.read(receive, 3) == b"abc"


@pytest.mark.anyio
async def test_reading_stops_as_soon_as_it_is_too_much() -> None:
    with pytest.raises(TooLarge):
        await body.read(Messages(part(b"ab", more=True), part(b"cd", more=True)), 3)
    with pytest.raises(TooLarge):
        await body.read(Messages(part(b"abcd", more=False)), 3)


@pytest.mark.anyio
async def test_a_client_that_goes_away_is_noticed() -> None:
    with pytest.raises(Disconnected):
        await body.read(Messages(part(b"a", more=True), {"type": "http.disconnect"}), 3)
