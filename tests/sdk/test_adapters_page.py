"""The page of adapters says of each library what a real call shows."""

import ast
import asyncio
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from livekit.rtc._proto import stats_pb2

from callstats.sdk import livekit_stats
from callstats.sdk.aiortc import Aiortc
from callstats.sdk.engine import Engine, find_engine
from callstats.sdk.livekit import LiveKit
from callstats.sdk.wrtc import Wrtc
from callstats.testing import Recorder, lab
from callstats.wire.samples import Sample

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "adapters.md"
TEXT = PAGE.read_text(encoding="utf-8")
KEPT = {each.encode_name for each in msgspec.structs.fields(Sample)} - {"type", "id", "timestamp"}
PATIENCE = 60.0


def rows() -> dict[str, list[str]]:
    found = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", TEXT, re.MULTILINE)
    cells = [(kind, [cell.strip() for cell in rest.split("|")]) for kind, rest in found]
    return {kind: row for kind, row in cells if len(row) == 4}


def code(cell: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", cell))


def listed() -> set[str]:
    return {f"{kind}.{member}" for kind, row in rows().items() for member in code(row[0])}


def given(column: int) -> set[str]:
    """Return what the page says that a library gives."""
    found = set()
    for kind, row in rows().items():
        cell = row[column]
        assert cell == "all" or cell == "none" or cell.startswith("all but ")
        members = set() if cell == "none" else code(row[0]) - code(cell)
        found |= {f"{kind}.{member}" for member in members}
    return found


def sometimes() -> set[str]:
    names = re.findall(r"^\| `([\w-]+(?:\.\w+)?)` \|[^|]*\|$", TEXT, re.MULTILINE)
    return {each for each in listed() if each in names or each.split(".")[0] in names}


def shown(stats: list[dict[str, object]]) -> set[str]:
    return {f"{each['type']}.{member}" for each in stats for member in each if member in KEPT}


async def see_call(engine: str, expected: set[str]) -> set[str]:
    """Hold a call with losses until all that is expected was seen; returns what was."""
    followed: list[tuple[Engine, object]] = []

    def follow(user: str, remote: str, pc: object) -> None:
        found = find_engine(pc)
        assert found is not None
        found.listen(pc, lambda: None, lambda *_: None)
        followed.append((found, pc))

    access = {"bob": lab.Access(downlink=lab.Impairment(loss=0.05, delay=0.02))}
    seen: set[str] = set()
    ends_at = time.monotonic() + PATIENCE
    async with lab.Conference(
        ["alice", "bob"], engine=engine, access=access, observer=follow
    ) as conference:
        while not expected <= seen and time.monotonic() < ends_at:
            await conference.run(1)
            for each, pc in followed:
                seen |= shown((await each.sample(pc))[""])
        for each, pc in followed:
            each.unlisten(pc)
    return seen


@pytest.mark.parametrize(("column", "engine"), [(1, "aiortc"), (2, "wrtc")])
async def test_a_real_call_shows_what_the_page_says(column: int, engine: str) -> None:
    seen = await see_call(engine, given(column) - sometimes())

    of_page = {each for each in seen if each.split(".")[0] in rows()}
    assert given(column) - sometimes() - seen == set()
    assert of_page - given(column) == set()


@pytest.mark.parametrize(
    ("column", "unknown"), [(1, Aiortc.unknown), (2, Wrtc.unknown), (3, LiveKit.unknown)]
)
def test_what_a_library_lacks_is_what_its_watch_calls_unknown(
    column: int, unknown: tuple[str, ...]
) -> None:
    called_unknown = {each for each in listed() if each in unknown or each.split(".")[0] in unknown}

    assert called_unknown == listed() - given(column)
    assert {each for each in unknown if "." in each} <= listed()


def test_the_messages_of_livekit_have_what_the_page_says() -> None:
    members = set()
    for kind in messages_of(stats_pb2.RtcStats.DESCRIPTOR):
        if kind.name not in livekit_stats.OBSOLETE:
            names = {
                member.name
                for part in messages_of(kind.message_type)
                for member in part.message_type.fields
                if part.name != "rtc"
            }
            known = {livekit_stats.name_of(name) for name in names} & KEPT
            members |= {f"{kind.name.replace('_', '-')}.{name}" for name in known}

    assert members == given(3)


def messages_of(descriptor: Any) -> list[Any]:
    return [field for field in descriptor.fields if field.message_type is not None]


def test_the_events_of_a_room_are_all_named() -> None:
    section = TEXT.split("\n## LiveKit\n")[1].split("\n## ")[0]
    sentence = section.split("becomes an event: ")[1].split("\n")[0]
    source = Path(sys.modules[LiveKit.__module__].__file__ or "").read_text(encoding="utf-8")
    texts = {each.value for each in ast.walk(ast.parse(source)) if isinstance(each, ast.Constant)}
    camel_case = {text for text in texts if re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", str(text))}

    assert code(sentence) == camel_case | {"track", "reconnecting", "reconnected", "moved"}


def test_the_code_of_the_page_runs_and_is_heard() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    with Recorder() as recorder:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            env={**os.environ, **recorder.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        states = [each.data["state"] for each in recorder.events("connectionstatechange")]
        assert states == ["connecting", "connected", "closed"]
        assert recorder.told("report")[0].data[0]["id"] == "from-phone"
        assert recorder.events("watchend")[0].data == {"reason": "closed"}
        assert asyncio.run(recorder.eventually("left")).user == "gateway"
