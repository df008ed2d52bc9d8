import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

import callstats
from callstats.cli.announcement import Server
from callstats.cli.child import ServerProcess
from callstats.cli.start import run


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Command:
    """Run a command line in this process, in a folder and an environment of its own."""
    for name in [each for each in os.environ if each.startswith("CALLSTATS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def outcome(*arguments: object) -> Outcome:
        capfd.readouterr()
        code = run([str(each) for each in arguments])
        said = capfd.readouterr()
        return Outcome(code, said.out, said.err)

    return outcome


@dataclass(frozen=True)
class Served:
    """A running server with one call in it."""

    folder: Path
    server: Server
    app_id: int
    call: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own process with a call of alice and bob, reported over HTTP."""
    folder = tmp_path_factory.mktemp("served") / "data"
    with ServerProcess(folder, port=0) as process:
        app = process.server.api.create_app("tests")
        call = _report(process.server.url, app.app_id, app.app_secret)
        yield Served(folder, process.server, app.app_id, call)


def _report(url: str, app_id: int, secret: str) -> str:
    with (
        callstats.Client(url, app_id=app_id, app_secret=secret, user="alice") as alice,
        callstats.Client(url, app_id=app_id, app_secret=secret, user="bob") as bob,
    ):
        alice.event("hand[/]raised", conference="stand-up [daily]")
        bob.event("audioMute", conference="stand-up [daily]", data={"by": "bob"})
        bob.error("getUserMedia", ValueError("no camera"), conference="stand-up [daily]")
        bob.log("all is quiet", conference="stand-up [daily]")
        bob.feedback(conference="stand-up [daily]", overall=4, comment="fine [mostly]")
        assert alice.flush(60)
        assert bob.flush(60)
        return alice.calls["stand-up [daily]"]
