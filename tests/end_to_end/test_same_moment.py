"""Do all who join one conference at the same moment meet in one call?"""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import callstats
from callstats import calls
from callstats.cli.child import ServerProcess

PEOPLE = 8
ROOMS = [f"room {n}" for n in range(5)]


def test_a_conference_joined_at_the_same_moment_is_one_call(tmp_path: Path) -> None:
    together = threading.Barrier(PEOPLE)

    def join(client: callstats.Client) -> dict[str, str]:
        for room in ROOMS:
            together.wait(60)
            client.event("joins", conference=room)
            assert client.flush(60)
        return client.calls

    with ServerProcess(tmp_path / "data", port=0) as process, ThreadPoolExecutor(PEOPLE) as pool:
        server = process.server
        app = server.api.create_app("rush")
        people = [
            callstats.Client(
                server.url, app_id=app.app_id, app_secret=app.app_secret, user=f"p{n}", linger=0
            )
            for n in range(PEOPLE)
        ]
        told = list(pool.map(join, people))
        for each in people:
            assert each.close(60)
        assert all(each == told[0] for each in told)
        assert len(set(told[0].values())) == len(ROOMS)
        with calls.open(server.url, token=server.token) as source:
            listed = {each.conference: each for each in source.listing()}
            assert {room: listed[room].id for room in ROOMS} == told[0]
            assert [listed[room].participants for room in ROOMS] == [PEOPLE] * len(ROOMS)
