"""Before a call, a page can call itself through the TURN servers and read how good that is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser_sdk.recording_server import RecordingServer
from tests.browser_sdk.relay_server import RelayServer

RESULTS = """async (start) => {
    const found = {};
    for (const name of ["preCallTestResults", "preCallTest", "connectionRecommendation"]) {
        cs.on(name, (...said) => (found[name] = said));
    }
    const returned = eval(start);
    const last = start.includes("make") ? "preCallTest" : "connectionRecommendation";
    await until(() => found[last]);
    cs.stopPrecallTests();
    return { returned, ...found };
}"""


@pytest.fixture
def relay() -> Iterator[RelayServer]:
    with RelayServer() as running:
        yield running


def test_a_test_through_a_relay_measures_it(
    page: Page, server: RecordingServer, relay: RelayServer
) -> None:
    page.evaluate("signIn('alice')")
    page.evaluate("servers => { window.servers = servers; }", relay.ice_servers)
    found = page.evaluate(RESULTS, "cs.makePrecallTest(servers, 'our relay')")
    assert found["returned"] == {"status": "success", "message": ""}
    status, result = found["preCallTestResults"]
    assert status == "success"
    assert found["preCallTest"] == [result]
    assert result["mediaConnectivity"] is True
    assert result["provider"] == "our relay"
    assert result["throughput"] > 0
    assert 0 <= result["fractionalLoss"] < 1
    assert result["rtt"] > 0
    assert result["jitter"] >= 0
    (event,) = server.await_records("event", "preCallTestResults")
    assert event["data"] == {"results": result}
    assert "conference" not in event


def test_the_servers_turn_servers_are_used_where_the_page_names_none(
    page: Page, server: RecordingServer, relay: RelayServer
) -> None:
    server.ice_servers = relay.ice_servers
    page.evaluate("signIn('alice')")
    assert page.evaluate("cs.getTurnCredentials(APP_ID, SECRET)") == relay.ice_servers
    found = page.evaluate(RESULTS, "cs.startPrecallTests()")
    (recommended,) = found["connectionRecommendation"]
    assert recommended["providerRanking"] == [{"provider": "callstats", "acceptable": True}]
    assert recommended["aggregatedStats"][0]["throughput"] > 0


def test_no_connection_is_a_result_too(page: Page) -> None:
    page.evaluate("signIn('alice')")
    page.evaluate("""() => {
        window.servers = [{ urls: "turn:127.0.0.1:9", username: "a", credential: "b" }];
    }""")
    found = page.evaluate(RESULTS, "cs.makePrecallTest(servers)")
    _, result = found["preCallTestResults"]
    assert result["mediaConnectivity"] is False
    assert result["throughput"] is None
    assert result["failure"] == "no connection through the TURN servers"


def test_without_turn_servers_the_test_fails_with_the_old_words(page: Page) -> None:
    page.evaluate("signIn('alice')")
    words = "API access Error"
    assert page.evaluate("cs.startPrecallTests()") == {
        "status": "failure",
        "message": f"startPrecallTests: {words} ",
    }
    assert page.evaluate("cs.getTurnCredentials().catch(error => error.message)") == words
    assert page.evaluate("cs.getSctResults()") is None
