"""A page finds the old library's surface: its ways in, its words, what its calls return."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from callstats import browser
from tests.browser_sdk.conftest import OpenPage
from tests.browser_sdk.recording_server import APP_ID, SECRET, RecordingServer

METHODS = (
    "initialize addNewFabric sendFabricEvent sendCustomEvent sendCustomStats sendCallDetails "
    "sendUserFeedback associateMstWithUserID reportError setProxyConfig attachWifiStatsHandler "
    "resetWifiStatsHandler setIdentifiers getTurnCredentials makePrecallTest stopPrecallTests "
    "startPrecallTests getSctResults on"
)


def returned(page: Page, call: str) -> dict[str, str]:
    result: dict[str, str] = page.evaluate(call)
    return result


def test_the_library_is_at_most_twelve_kilobytes_as_it_is_served() -> None:
    assert len(gzip.compress(browser.script("callstats.js"), 9)) <= 12_000


def test_every_path_serves_a_script_with_its_licence_and_no_other_comment() -> None:
    for name in browser.PATHS.values():
        head, _, code = browser.script(name).decode().partition("*/\n")
        assert "Apache-2.0" in head
        assert not [line for line in code.splitlines() if line.startswith(("//", "/*", "*", " "))]


def test_the_script_makes_one_global(open_page: OpenPage, server: RecordingServer) -> None:
    page = open_page("blank.html")
    before = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.add_script_tag(url=f"{server.url}/callstats.js")
    after = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    assert after - before == {"callstats"}
    assert page.evaluate("new callstats() instanceof callstats")
    assert page.evaluate("callstats() instanceof callstats")


def test_an_amd_loader_gets_it_by_name(open_page: OpenPage, server: RecordingServer) -> None:
    page = open_page("blank.html")
    page.evaluate("""() => {
        window.define = (name, needed, make) => (window.defined = { name, needed, made: make() });
        define.amd = {};
    }""")
    page.add_script_tag(url=f"{server.url}/static/callstats.min.js")
    assert page.evaluate("[defined.name, defined.needed]") == ["callstats", []]
    assert page.evaluate("typeof new defined.made().initialize") == "function"


def test_a_module_imports_it(open_page: OpenPage, server: RecordingServer) -> None:
    page = open_page("blank.html")
    found = page.evaluate(
        """async (url) => {
            const { default: main, callstats } = await import(url);
            return [main === callstats, main.serverURL, typeof main().initialize];
        }""",
        f"{server.url}/callstats.mjs?v=1",
    )
    assert found == [True, server.url, "function"]


@pytest.mark.parametrize("path", ["/callstats.js?v=2", "/static/callstats-ws.min.js"])
def test_the_server_is_where_the_script_came_from(
    open_page: OpenPage, server: RecordingServer, path: str
) -> None:
    page = open_page("blank.html")
    page.add_script_tag(url=server.url + path)
    assert page.evaluate("callstats.serverURL") == server.url


def test_every_member_of_the_old_library_is_there(page: Page) -> None:
    page.evaluate("loaded")
    kinds = page.evaluate(
        "names => names.split(' ').map(name => typeof new callstats()[name])", METHODS
    )
    assert set(kinds) == {"function"}
    words = page.evaluate("JSON.parse(JSON.stringify({...callstats.prototype}))")
    assert words["fabricUsage"] == {
        name: name for name in ["multiplex", "audio", "video", "screen", "data", "unbundled"]
    }
    assert words["webRTCFunctions"] == words["wrtcFuncNames"]
    assert len(words["webRTCFunctions"]) == 10
    assert words["csError"]["ok"] == "OK"
    assert words["qualityRating"] == {"excellent": 5, "good": 4, "fair": 3, "poor": 2, "bad": 1}
    assert {"fabricHold", "audioMute", "fabricStats", "callUnAnswered"} <= set(words["fabricEvent"])
    assert words["callStatsAPIReturnStatus"] == {"success": "success", "failure": "failure"}
    assert set(words["endpointType"]) == {"peer", "server"}
    assert set(words["transmissionDirection"]) == {
        "sendonly",
        "receiveonly",
        "sendrecv",
        "inactive",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        "[APP_ID, SECRET, 'alice']",
        "[String(APP_ID), SECRET, {aliasName: 'alice', userName: 'Alice A.'}, () => {}]",
        "[APP_ID, SECRET, 'alice', () => {}, undefined, {applicationVersion: '1', siteID: '/'}]",
        "[APP_ID, (isNew, done) => done(null, 'jwt'), 'alice', () => {}]",
    ],
)
def test_initialize_takes_three_to_six_arguments(
    page: Page, server: RecordingServer, arguments: str
) -> None:
    server.accepts_code = lambda code: code == "jwt"
    page.evaluate("loaded")
    result = returned(page, f"new callstats().initialize(...{arguments})")
    assert result == {"status": "success", "message": ""}
    server.await_true(lambda: bool(server.proofs), "a token request")
    assert server.proofs[0]["appId"] == APP_ID
    assert server.proofs[0].get("appSecret", SECRET) == SECRET


@pytest.mark.parametrize(
    "arguments",
    [
        "[]",
        "['my app', SECRET, 'alice']",
        "[APP_ID, '', 'alice']",
        "[APP_ID, SECRET, '']",
        "[APP_ID, SECRET, null]",
        "[APP_ID, SECRET, 'a'.repeat(129)]",
        "[APP_ID, SECRET, 'alice', null, null, {serverURL: 'javascript:alert(1)'}]",
    ],
)
def test_initialize_refuses_what_cannot_work(page: Page, arguments: str, troubles: Any) -> None:
    page.evaluate("loaded")
    result = returned(page, f"new callstats().initialize(...{arguments})")
    troubles.clear()
    assert result == {"status": "failure", "message": "initialize: Argument missing/invalid "}


def test_calls_fail_before_initialize_with_the_old_words(page: Page) -> None:
    page.evaluate("loaded")
    result = returned(page, "new callstats().sendFabricEvent({}, 'audioMute', 'standup')")
    words = "sendFabricEvent : SDK is not initialized or no Fabrics added "
    assert result == {"status": "failure", "message": words}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("sendFabricEvent(pc, 'nosuch', 'c')", "Invalid fabricEvents value nosuch"),
        ("sendFabricEvent(pc, 'activeDeviceList', 'c')", "Argument missing/invalid "),
        ("addNewFabric({}, 'bob', 'multiplex', 'c')", "Invalid PeerConnection object passed "),
        ("addNewFabric(pc, 'bob', 'lots', 'c')", "Invalid fabricUsage value lots"),
        ("addNewFabric(pc, 'bob', 'audio', 7)", "Argument missing/invalid "),
        (
            "addNewFabric(pc, 'bob', 'audio', 'c', {remoteEndpointType: 'x'})",
            "Invalid endPointType value ",
        ),
        ("reportError(pc, 'c', 'nosuch')", "Invalid webRTC functionName value nosuch"),
        ("sendUserFeedback('c', {userID: 'alice'})", "Argument missing/invalid "),
        ("sendCallDetails(pc, 'c', {role: 'agent'})", "Argument missing/invalid "),
        ("on('error', () => {})", "Argument missing/invalid error"),
        ("makePrecallTest()", "API access Error "),
        (
            "setProxyConfig({collectorURL: 'https://stats.example.org/'})",
            "cannot be called if window.csioproxy is false ",
        ),
    ],
)
def test_a_failure_says_which_call_and_why(page: Page, call: str, message: str) -> None:
    page.evaluate("""async () => {
        await signIn("alice");
        window.pc = new RTCPeerConnection();
        cs.addNewFabric(pc, "bob", "multiplex", "c");
    }""")
    result = returned(page, f"cs.{call}")
    method = call.partition("(")[0]
    assert result == {"status": "failure", "message": f"{method}: {message}"}


def test_no_nonsense_makes_a_call_throw(
    page: Page, troubles: list[str], server: RecordingServer
) -> None:
    results = page.evaluate("""async () => {
        await loaded;
        const evil = new Proxy(() => {}, { get() { throw new Error("evil"); } });
        const circle = {}; circle.circle = circle;
        const nonsense = [undefined, null, 0, -1, NaN, "", "x", "y".repeat(1e6), {}, [], circle,
            evil, Symbol("s"), 10n, () => { throw new Error("mine"); }, new RTCPeerConnection()];
        const seen = {};
        const tryAll = (cs, methods) => {
            for (const method of methods) {
                for (let shift = 0; shift < nonsense.length; shift += 1) {
                    const order = [...nonsense.slice(shift), ...nonsense.slice(0, shift)];
                    for (const all of [order, order.toReversed(), order.map(() => order[0])]) {
                        const { status } = cs[method](...all);
                        seen[status] = (seen[status] ?? 0) + 1;
                    }
                }
            }
        };
        const methods = Object.keys(callstats.prototype).filter((name) =>
            typeof callstats.prototype[name] === "function" &&
            !["getTurnCredentials", "getSctResults"].includes(name));
        tryAll(new callstats(), methods);
        await signIn("alice");
        tryAll(cs, methods.filter((name) => name !== "initialize"));
        cs.initialize(APP_ID, SECRET, "alice");
        const pc = new RTCPeerConnection();
        cs.addNewFabric(pc, "bob", "multiplex", "standup");
        for (const data of nonsense) cs.sendFabricEvent(pc, "audioMute", "standup", data);
        cs.sendFabricEvent(pc, "videoPause", "standup", { ok: true });
        return seen;
    }""")
    assert set(results) == {"success", "failure"}
    server.await_records("event", "videoPause", data={"ok": True})
    assert not [trouble for trouble in troubles if trouble.startswith("page error")]
    troubles.clear()


def test_initialize_again_signs_in_anew_and_goes_on_watching(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("beInCall()")
    page.evaluate("signIn('alice', {config: {submissionInterval: 1000}})")
    assert page.evaluate("told.init.map(([status]) => status)") == ["success", "success"]
    server.await_records("report", count=3)
    assert len({record["client"] for record in server.records}) == 1
    assert server.find("event", "watchend") == []


def test_a_proxy_configuration_names_the_server(
    open_page: OpenPage, server: RecordingServer
) -> None:
    page = open_page("blank.html")
    page.add_script_tag(url=f"{server.url}/callstats.js")
    returned = page.evaluate(
        """([appId, secret, collectorURL]) => {
            callstats.serverURL = "https://stats.example.org";
            window.csioproxy = true;
            const cs = new callstats();
            const set = cs.setProxyConfig({ collectorURL, restEventURL: "https://x.example.org/" });
            return [set, cs.initialize(appId, secret, "alice")].map(({ status }) => status);
        }""",
        [APP_ID, SECRET, f"{server.url}/"],
    )
    assert returned == ["success", "success"]
    server.await_true(lambda: bool(server.proofs), "a token request")


def test_the_guide_lists_what_there_is() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "browser.md").read_text()
    source = (Path(browser.__file__).parent / "callstats.js").read_text()
    assert [name for name in METHODS.split() if f"`{name}(" not in guide] == ["getSctResults"]
    settings = re.findall(r"^\| `(\w+)(?:: \w+)?`(?:, `(\w+)`, `(\w+)`)? \|", guide, re.MULTILINE)
    named = {name for row in settings for name in row if name}
    read = set(re.findall(r"config\.(\w+)", source)) | {
        name.strip()
        for names in re.findall(r"const \{([^}]+)\} = this\.config;", source)
        for name in names.split(",")
    }
    assert named - {"configParams"} == read
