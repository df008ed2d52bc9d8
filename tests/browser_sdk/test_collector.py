"""A page's call is a call like any other: the real collector stores, judges and gives it back."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from callstats import browser, calls
from callstats import store as stores
from callstats.access import App, Apps
from callstats.collector import Server, Settings, create_app
from callstats.store import Store

SETTINGS = Settings(port=0, silence=30.0, stop_seconds=5.0)
PAGE = (Path(__file__).parent / "pages" / "call.html").read_text()


async def serve_page(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def serve_script(request: Request) -> Response:
    name = browser.PATHS[request.url.path]
    return Response(browser.script(name), media_type=browser.MEDIA_TYPE)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stores.open(tmp_path_factory.mktemp("pages") / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def collector(store: Store) -> Iterator[Server]:
    """The collector, with page and scripts on its own origin."""
    routes = [Route("/page", serve_page), *(Route(path, serve_script) for path in browser.PATHS)]
    with Server(create_app(SETTINGS, store, extra_routes=routes), SETTINGS) as running:
        yield running


@pytest.fixture
def app(store: Store) -> App:
    return Apps(store).create("pages")


@pytest.fixture
def page(context: BrowserContext, collector: Server, app: App) -> Page:
    opened = context.new_page()
    opened.goto(f"{collector.url}/page?server={collector.url}")
    opened.evaluate(
        "([id, secret]) => { window.app = { id, secret }; }", [str(app.app_id), app.secret]
    )
    return opened


def eventually(claim: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, "it did not become true in time"
        time.sleep(0.1)
    return found


CALL = """async () => {
    await loaded;
    window.cs = new callstats();
    const onInit = (...status) => told.init.push(status);
    const onStats = (stats) => told.stats.push(stats);
    cs.initialize(app.id, app.secret, "alice", onInit, onStats, { submissionInterval: 1000 });
    await makeCall((pc) => cs.addNewFabric(pc, "bob", "multiplex", "standup"));
    cs.sendFabricEvent(near, "audioMute", "standup", { ssrc: "7" });
    cs.reportError(near, "standup", "createOffer", new Error("it broke"));
    await until(() => told.stats.length > 4);
    cs.sendFabricEvent(near, "fabricTerminated", "standup");
    cs.sendUserFeedback("standup", { userID: "alice", overall: 5 });
}"""


def test_a_call_of_a_page_is_stored_judged_and_given_back(
    page: Page, store: Store, app: App
) -> None:
    page.evaluate(CALL)
    (listed,) = eventually(lambda: calls.listing(store, app.app_id))
    assert listed.conference == "standup"

    def judged() -> Any:
        call = calls.read(store, app.app_id, listed.id, now=datetime.now(UTC))
        return call if call.call.ended_at and call.feedback else None

    call = eventually(judged)
    (alice,) = call.participants
    assert alice.user == "alice"
    assert alice.left_at is not None
    assert alice.events["audioMute"] == 1
    assert alice.events["createOffer"] == 1
    assert alice.events["fabricTerminated"] == 1
    (connection,) = alice.connections
    assert connection.remote == "bob"
    assert [change.state for change in connection.states["ice_connection"]][-1] == "connected"
    assert {(stream.direction, stream.kind) for stream in connection.streams} == {
        (way, kind) for way in ("inbound", "outbound") for kind in ("audio", "video")
    }
    assert page.evaluate("told.init") == [["success", "SDK authentication successful."]]
    assert page.evaluate("told.stats.at(-1).conferenceURL").endswith(f"/calls/{listed.id}")


def test_what_was_sent_is_given_back_unchanged(page: Page, store: Store, app: App) -> None:
    page.evaluate("""() => {
        told.sent = [];
        const { getStats } = RTCPeerConnection.prototype;
        RTCPeerConnection.prototype.getStats = async function () {
            const stats = await getStats.call(this);
            told.sent.push([...stats.values()]);
            return stats;
        };
    }""")
    page.evaluate(CALL)
    (listed,) = eventually(lambda: calls.listing(store, app.app_id))

    def stored() -> Any:
        found = list(calls.reports(store, app.app_id, listed.id))
        return found if len(found) >= 5 else None

    sent = {canonical(stats) for stats in page.evaluate("told.sent")}
    for report in eventually(stored):
        assert canonical(json.loads(bytes(report["stats"]))) in sent


def canonical(stats: Any) -> str:
    return json.dumps(stats, sort_keys=True)
