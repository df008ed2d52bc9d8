"""The reference pages say what the code does."""

import json
import re
from pathlib import Path

import pytest

from callstats import wire
from callstats.collector import Settings, create_app, faults
from callstats.store import Store

from .conftest import SETTINGS, Sender

PAGES = Path(__file__).parents[2] / "docs" / "reference"


@pytest.fixture(scope="module")
def api_page() -> str:
    return (PAGES / "http-api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def batch_page() -> str:
    return (PAGES / "batch.md").read_text(encoding="utf-8")


def test_the_page_lists_every_route(api_page: str, own_store: Store) -> None:
    routes = {
        f"{method} {route.path.replace(':int', '')}"  # type: ignore[attr-defined]
        for route in create_app(SETTINGS, own_store).routes
        if route.name not in ("callstats_rest", "script")  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD", "OPTIONS"}  # type: ignore[attr-defined]
    }

    assert set(re.findall(r"`((?:GET|POST) /\S+)` \|", api_page)) == routes


def test_the_page_lists_every_code_of_an_error(api_page: str) -> None:
    codes = {code for _, _, code in faults.CODES}
    source = Path(faults.__file__).parent
    for module in source.glob("*.py"):
        codes |= set(re.findall(r'code="(\w+)"', module.read_text(encoding="utf-8")))

    listed = set(re.findall(r"`([a-z_]+)`", api_page.partition("## Errors")[2]))
    assert codes <= listed


def test_the_page_states_the_limits_that_hold(api_page: str) -> None:
    settings = Settings()

    for name in ("header_bytes", "body_bytes"):
        assert f"{getattr(settings, name):,} bytes | `{name}`" in api_page
    for name in ("header_seconds", "body_seconds", "keep_alive"):
        assert f"{getattr(settings, name):g} s | `{name}`" in api_page


def test_the_example_of_a_batch_is_taken(batch_page: str, sender: Sender) -> None:
    example, answer = re.findall(r"```json\n(.*?)\n```", batch_page, re.DOTALL)
    header, lines, refused = wire.batch.decode(example.encode())
    assert (header.client, len(lines), refused) == ("c9f21e77a0b1", 4, [])

    given = sender.post(example.encode().replace(b"c9f21e77a0b1", sender.client.encode())).json()

    assert given.keys() == json.loads(answer).keys()
    assert (given["stored"], given["refused"]) == (4, [])


def test_the_page_lists_every_type_of_record(batch_page: str) -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", batch_page.partition("## Records")[2], re.MULTILINE))

    types = {kind.__struct_config__.tag for kind in wire.AnyRecord.__args__}
    assert types <= listed
