"""The page of bridges tells how each one is, and shows a gap where it said nothing."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from callstats import calls
from callstats.dashboard.bridges import curves
from callstats.store import Store

from .serving import Visitor

STATUS = {
    "cpuUsage": 0.25,
    "memoryUsage": 1024.0,
    "totalMemory": 4096.0,
    "intervalDownloadBitrate": 12_000,
    "intervalUploadBitrate": 34_000,
    "intervalRtpFractionLoss": 0.013,
    "intervalAverageRtt": 42,
    "intervalAverageJitter": 7,
    "conferenceCount": 3,
    "participantsCount": 11,
}


def tell(store: Store, app_id: int, *said: tuple[float, str, dict[str, Any]]) -> None:
    """Store what a bridge said so many seconds ago."""
    now = time.time()
    rows = []
    for number, (ago, name, status) in enumerate(said, start=1):
        moments = (now - ago, now - ago, now)
        place = ("", "jvb-1", "jvb-1", "", "")
        what = ("event", name, json.dumps(status), f"bridge-{app_id}", number)
        rows.append((app_id, "", *moments, *place, *what))
    store.append("events", rows)


def now() -> datetime:
    return datetime.now(UTC)


def test_without_bridges_the_page_says_so(reader: Visitor) -> None:
    assert "No bridge was heard in the last hour" in reader.get("/bridges").text


def test_the_page_tells_every_figure_of_a_bridge(
    reader: Visitor, store: Store, app_id: int
) -> None:
    tell(
        store,
        app_id,
        (70, "bridgeStatus", {**STATUS, "cpuUsage": 0.9}),
        (5, "bridgeStatus", STATUS),
    )

    page = reader.get("/bridges").text

    assert "jvb-1" in page
    for figure in ("25.0", "12\u202f000", "34\u202f000", "1.3", "42", "7.0", "11"):
        assert f">{figure}\n" in page
    assert "highest in the last hour: 90.0" in page
    assert "<polyline" in page


def test_a_bridge_that_fell_silent_is_marked(reader: Visitor, store: Store, app_id: int) -> None:
    tell(store, app_id, (600, "bridgeStatus", STATUS))

    assert "silent" in reader.get("/bridges").text


def test_another_apps_bridge_is_not_shown(reader: Visitor, store: Store, app_id: int) -> None:
    tell(store, app_id + 50_000_000, (5, "bridgeStatus", STATUS))

    assert "jvb-1" not in reader.get("/bridges").text


def test_figures_are_in_the_units_of_the_inside(store: Store, app_id: int) -> None:
    tell(store, app_id, (5, "bridgeStatus", STATUS))

    (bridge,) = calls.bridges(store, app_id, now=now())

    assert bridge.is_alive
    load = bridge.latest
    assert load is not None
    assert (load.cpu, load.memory, load.loss) == (0.25, 0.25, 0.013)
    assert (load.received_bitrate, load.sent_bitrate) == (12e6, 34e6)
    assert (load.rtt, load.jitter) == pytest.approx((0.042, 0.007))
    assert (load.conferences, load.participants) == (3, 11)


def test_what_a_bridge_does_not_say_is_unknown(store: Store, app_id: int) -> None:
    tell(store, app_id, (5, "bridgeStatus", {"cpuUsage": 40, "intervalAverageRtt": -1}))

    (bridge,) = calls.bridges(store, app_id, now=now())

    assert bridge.latest is not None
    assert bridge.latest.cpu == 0.4
    assert (bridge.latest.rtt, bridge.latest.memory, bridge.latest.conferences) == (None,) * 3


def test_a_bridge_that_is_only_alive_has_no_figures(store: Store, app_id: int) -> None:
    tell(store, app_id, (5, "bridgeAlive", {}))

    (bridge,) = calls.bridges(store, app_id, now=now())

    assert bridge.is_alive
    assert bridge.latest is None


def test_a_step_without_a_figure_is_a_gap() -> None:
    at = now()
    minutes = [(at - timedelta(minutes=ago), 1.0) for ago in (30, 29, 20, 19)]

    assert [len(line.split()) for line in curves(minutes, at, 1.0)] == [2, 2]
