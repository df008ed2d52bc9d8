import re
import signal
import subprocess
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import msgspec
import pytest
import urllib3

from callstats.testing.lab import ENGINES


def demo(*options: str) -> tuple[int, Any, str]:
    """Run the demo as a script does; return its exit code, the call and what it said."""
    command = [sys.executable, "-m", "callstats", "demo", "--no-serve", "--json", *options]
    said = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    return said.returncode, msgspec.json.decode(said.stdout) if said.stdout else None, said.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_the_demo_names_the_impaired_participant(engine: str) -> None:
    code, call, said = demo("--seconds", "9", "--engine", engine)
    assert (code, said) == (0, "")
    everyone = {each["user"]: each for each in call["participants"]}
    assert sorted(everyone) == ["alice", "bob", "carol"]
    assert "bob" in call["call"]["verdict"]["sentence"]
    assert everyone["bob"]["verdict"]["word"] in ("fair", "poor", "bad")
    assert everyone["bob"]["figures"]["loss"] == pytest.approx(0.05, abs=0.04)
    assert everyone["bob"]["figures"]["rtt"] > 0.1
    for name in ("alice", "carol"):
        assert everyone[name]["figures"]["loss"] < everyone["bob"]["figures"]["loss"]
    for each in everyone.values():
        assert sorted(connection["remote"] for connection in each["connections"]) == sorted(
            {"alice", "bob", "carol"} - {each["user"]}
        )
        assert each["figures"]["sent_bitrate"] > 20_000
        if engine == "wrtc":  # aiortc does not count the bytes it receives per stream
            assert each["figures"]["received_bitrate"] > 20_000


def test_without_a_bad_line_nobody_is_accused() -> None:
    code, call, said = demo("--seconds", "6", "--participants", "2", "--impaired", "none")
    assert (code, said) == (0, "")
    assert [each["user"] for each in call["participants"]] == ["alice", "bob"]
    for each in call["participants"]:
        assert each["figures"]["loss"] == 0
        assert each["figures"]["rtt"] < 0.1


def test_the_demo_stays_with_a_link_that_shows_the_call_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "callstats", "demo", "--seconds", "2", "--participants", "2"]
    with subprocess.Popen(
        [*command, "--data", str(tmp_path / "kept")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = iter(process.stdout.readline, "")
            link = next(found[1] for line in said if (found := re.match("look at it: (.*)", line)))
            page = signed_in(link)
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
        assert process.stderr is not None
        assert (process.returncode, process.stderr.read()) == (
            0,
            "the server stays until Ctrl-C\n",
        )
    assert all(name in page for name in ("alice", "bob", "demo"))
    assert not (tmp_path / "kept" / "server.json").exists()


def signed_in(link: str) -> str:
    """Open a link as a browser does and return the page behind it."""
    answer = urllib3.request("GET", link, redirect=False, retries=False, timeout=30)
    assert answer.status == 303
    cookies = SimpleCookie(answer.headers["Set-Cookie"])
    carried = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    url = urllib3.util.parse_url(link)
    page = urllib3.request(
        "GET",
        f"{url.scheme}://{url.netloc}{answer.headers['Location']}",
        headers={"Cookie": carried},
        retries=False,
        timeout=30,
    )
    assert page.status == 200
    return page.data.decode()
