"""What a client had to drop is told on the call page: where, when and why."""

import re
from datetime import UTC, datetime
from pathlib import Path

import callstats
from callstats import store as stores
from callstats.access import Apps
from callstats.calls import judge, listing, timeline
from callstats.collector import Server, Settings, create_app


def test_drops_reach_the_call_they_are_missing_in(tmp_path: Path) -> None:
    with stores.open(tmp_path / "data") as store:
        app = Apps(store).create("test")
        settings = Settings(port=0)
        with Server(create_app(settings, store), settings) as server:
            away = callstats.Client(
                server.url, app_id=app.app_id, app_secret=app.secret, user="alice", max_records=5
            )
            away.join("standup")
            for index in range(20):
                away.event(f"event {index}", conference="standup")
            away.drop("application full", 7, conference="standup")
            assert away.flush(30)
            away.event("last", conference="standup")
            assert away.close(30)
            dropped = away.dropped

        [found] = listing(store, app.app_id)
        call = judge(store, app.app_id, found.id, now=datetime.now(UTC))
        [alice] = call.participants
        assert dict(alice.dropped) == dropped
        assert alice.dropped["application full"] == 7
        assert any(issue.name == "data_missing" for issue in call.issues)
        told = [each for each in timeline(store, app.app_id, found.id) if each.type == "dropped"]
        assert told
        assert all(re.search(r"application full|outbox full", str(each.data)) for each in told)
