"""The class ``CallStats``, statement by statement: plays conformance/callstats_class."""

import asyncio
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from callstats.sdk.callstats import CallStats, Delivery, Session, Status, console

from .script import Connection, Lines, Script

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "conformance" / "callstats_class").glob("*.json"))
CASES: list[dict[str, Any]] = [
    case for path in FILES for case in json.loads(path.read_text())["cases"]
]


@pytest.fixture
def script() -> Iterator[Script]:
    log, shown = Lines(), Lines()
    logger, former, usual = logging.getLogger("callstats"), CallStats.session, console.level
    level, propagates = logger.level, logger.propagate
    logger.addHandler(log)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    console.addHandler(shown)
    console.setLevel(logging.DEBUG)
    yield Script(log, shown)
    CallStats.session = former
    logger.removeHandler(log)
    logger.setLevel(level)
    logger.propagate = propagates
    console.removeHandler(shown)
    console.setLevel(usual)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_class_does_as_the_statement_says(case: dict[str, Any], script: Script) -> None:
    script.play(case["steps"])


def test_there_is_a_case_for_each_statement_and_each_defect() -> None:
    counts = {"A": 4, "B": 15, "C": 13, "D": 15, "E": 7, "F": 11, "G": 12, "H": 14}
    counts |= {"I": 12, "J": 17, "K": 4}
    ids = [case["id"] for case in CASES if not case["id"].startswith("Z")]
    shown = {bug for case in CASES for bug in case.get("bugs", ())}

    assert ids == [f"{letter}{n:02}" for letter, last in counts.items() for n in range(1, last + 1)]
    assert len(ids) == 124
    assert shown == {f"BUG{number}" for number in range(1, 25)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_what_is_changed_says_why(case: dict[str, Any]) -> None:
    assert case["kind"] in ("contract", "oddity", "defect")
    assert (case["outcome"], "now" in case) in (("kept", False), ("changed", True))
    assert case["kind"] != "defect" or (case["outcome"] == "changed" and case["bugs"])
    assert any(
        next(iter(step)).startswith(("expect", "import")) or "gives" in step or "raises" in step
        for step in case["steps"]
    )


def test_the_page_of_all_statements_is_made_from_the_cases() -> None:
    script = ROOT / "scripts" / "make_callstats_class_page.py"
    done = subprocess.run([sys.executable, str(script), "--check"], check=False)
    assert done.returncode == 0, "run scripts/make_callstats_class_page.py"


class Forwarder(logging.Handler):
    """Reports each line of the log, as an application may."""

    def emit(self, record: logging.LogRecord) -> None:
        CallStats.send_application_log(record.getMessage())


def test_a_log_handler_that_reports_each_line_ends(script: Script) -> None:
    logger, forwarder = logging.getLogger("callstats"), Forwarder()
    logger.addHandler(forwarder)
    try:
        script.ready(["A"])
        CallStats.set_error_handler(None)
        script.backend.will("report_error", raises=ValueError("no"), times=2)
        script.backend.will("send_fabric_event", raises=ValueError("no"), times=1)
        script.things["A"].send_dominant_speaker_event()
        script.things["A"].send_terminate_event()
    finally:
        logger.removeHandler(forwarder)

    assert script.backend.events == ["dominantSpeaker", "dominantSpeaker", "fabricTerminated"]
    assert 5 < len(script.backend.errors) < 20
    assert all(error == "applicationLog" for error in script.backend.errors)


async def wait_for(delivery: Delivery) -> Status:
    return await delivery


def test_a_result_that_nobody_waits_for_any_more_harms_nobody() -> None:
    delivery = Delivery()
    loop = asyncio.new_event_loop()
    task = loop.create_task(wait_for(delivery))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()

    delivery.settle("success")

    assert delivery.result(0).is_success
    assert asyncio.run(wait_for(delivery)).is_success
    assert repr(delivery) == "<Delivery Status(status='success', message='')>"


GUIDE = (ROOT / "docs" / "guides" / "from-callstats-io.md").read_text()


def test_each_call_that_the_guide_names_exists() -> None:
    named = set(re.findall(r"`(?:CallStats|fabric)\.(\w+)", GUIDE))
    for name in named:
        assert hasattr(CallStats, name), name
    public = {name for name in vars(CallStats) if name.startswith(("send_", "associate_"))}
    shortened = {f"send_{what}_failed" for what in re.findall(r"`…(\w+?)…`", GUIDE)}
    assert public <= named | shortened


def test_what_the_guide_says_about_tests_runs_as_it_stands(script: Script) -> None:
    CallStats.session = Session()
    (block,) = [
        each for each in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL) if "assert" in each
    ]

    exec(block, {"pc": Connection("bot")})

    assert not CallStats.is_backend_initialized()
