"""The examples run as they stand, and what they report arrives."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from callstats.testing import Recorder
from callstats.wire import Event, Joined

from .recording import SECRET, Collector

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", ["aiortc_call.py", "wrtc_call.py"])
def test_an_example_reports_a_call_of_two(collector: Collector, name: str) -> None:
    settings = {
        "CALLSTATS_URL": collector.url,
        "CALLSTATS_APP_ID": "42",
        "CALLSTATS_APP_SECRET": SECRET,
    }

    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name)],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("dropped {}") == 2
    assert {joined.user for joined in collector.of_type(Joined)} == {"alice", "bob"}
    states = Counter(
        (event.user, bytes(event.data))
        for event in collector.of_type(Event)
        if event.name == "connectionstatechange"
    )
    assert {user for user, state in states if b"connected" in state} == {"alice", "bob"}
    kinds = {each["type"] for stats in collector.stats() for each in stats}
    assert {"inbound-rtp", "outbound-rtp", "candidate-pair"} <= kinds


def test_the_voice_agent_reports_its_turns_its_mutes_and_its_hang_up() -> None:
    with Recorder() as recorder:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(EXAMPLES / "voice_agent.py")],
            env={**os.environ, **recorder.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

        assert (done.returncode, done.stderr) == (0, "")
        assert "dropped {}" in done.stdout
        assert [each.data["turn"] for each in recorder.events("sentenceHeard")] == [1, 2]
        mutes = [each.name for each in recorder.events() if each.name.startswith("audio")]
        assert mutes == ["audioMute", *["audioUnmute", "audioMute"] * 2]
        assert recorder.events("watchend")[0].data == {"reason": "closed"}
        assert recorder.told()[-1].type == "left"
        sent = {each["type"] for report in recorder.told("report") for each in report.data}
        assert {"inbound-rtp", "outbound-rtp", "candidate-pair"} <= sent


@pytest.mark.parametrize("name", ["aiortc_call.py", "voice_agent.py", "wrtc_call.py"])
def test_an_example_says_what_it_needs(name: str) -> None:
    environment = {key: value for key, value in os.environ.items() if "CALLSTATS" not in key}

    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "set CALLSTATS_APP_ID, CALLSTATS_APP_SECRET, CALLSTATS_URL first\n"


def test_the_added_lines_are_two() -> None:
    for name in ("aiortc_call.py", "wrtc_call.py"):
        assert (EXAMPLES / name).read_text().count("← added") == 2
