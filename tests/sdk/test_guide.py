"""The guide's code runs as it stands, one block after the other."""

import logging
import re
from pathlib import Path
from typing import Any

from callstats.wire import Event, Log

from .recording import SECRET, Collector, eventually

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "python-sdk.md"


def test_the_code_of_the_guide_runs(collector: Collector, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {
        "url": collector.url,
        "app_id": 42,
        "app_secret": SECRET,
        "folder": tmp_path,
    }
    assert len(blocks) == 3

    exec(blocks[0], names)
    exec(blocks[1], names)
    assert [event.name for event in collector.of_type(Event)] == ["audioMute", "hangup"]

    client = names["client"] = names["callstats"].Client(
        collector.url, app_id=42, app_secret=SECRET, user="alice"
    )
    try:
        exec(blocks[2], names)
        eventually(lambda: [log.message for log in collector.of_type(Log)][-1:] != [])
    finally:
        logging.getLogger().removeHandler(names["handler"])
        client.close()
    assert "no audio for 5 s" in [log.message for log in collector.of_type(Log)]
