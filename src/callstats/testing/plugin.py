"""What does pytest offer to whoever tests an application that reports to callstats?

pytest finds this by the entry point ``callstats``; it is imported in every run, so it imports
nothing but pytest before a fixture is used.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from callstats.sdk import Client
    from callstats.testing.recorder import Recorder


@pytest.fixture
def callstats_recorder() -> "Iterator[Recorder]":
    """Give a collector in this process that keeps what it is told; it ends with the test."""
    from callstats.testing.recorder import Recorder

    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def callstats_client(callstats_recorder: "Recorder") -> "Client":
    """Give a real client that reports to the recorder; it is closed with the test."""
    return callstats_recorder.client()


@pytest.fixture
def callstats_environment(
    callstats_recorder: "Recorder", monkeypatch: pytest.MonkeyPatch
) -> "dict[str, str]":
    """Set the recorder's address and credentials as ``CALLSTATS_…`` variables."""
    for name, value in callstats_recorder.environment.items():
        monkeypatch.setenv(name, value)
    return callstats_recorder.environment
