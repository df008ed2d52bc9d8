"""What a page said arrives once: through outages, reloads, closed tabs and expired tokens."""

from collections import Counter
from itertools import pairwise

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser_sdk.conftest import OpenPage
from tests.browser_sdk.recording_server import APP_ID, SECRET, RecordingServer

SAY = """async ([from, to, gap]) => {
    for (let count = from; count < to; count += 1) {
        cs.sendCustomEvent(null, "standup", [{ count }]);
        if (gap) await new Promise((resolve) => setTimeout(resolve, gap));
    }
}"""
DISK_IS_OPEN = """() => until(async () => {
    const known = await indexedDB.databases();
    return known.some(({ name, version }) => name === "callstats" && version === 1);
})"""
KEPT = """async () => {
    const open = indexedDB.open("callstats", 1);
    await new Promise((resolve) => (open.onsuccess = resolve));
    const count = open.result.transaction("lines").objectStore("lines").count();
    await new Promise((resolve) => (count.onsuccess = resolve));
    open.result.close();
    return count.result;
}"""


def counts(server: RecordingServer) -> list[int]:
    """Return the numbers that pages said, in the order of their arrival."""
    return [event["data"]["eventList"][0]["count"] for event in server.find("event", "customEvent")]


def await_counts(server: RecordingServer, number: int) -> None:
    server.await_true(lambda: set(counts(server)) >= set(range(number)), f"{number} counts", 60)


def await_calm(page: Page, server: RecordingServer) -> None:
    """Wait until nothing waits on the page's disk."""
    server.await_true(lambda: page.evaluate(KEPT) == 0, "an empty disk")


def test_an_outage_of_twenty_seconds_loses_nothing(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    with server.away():
        page.evaluate(SAY, [0, 80, 250])
    await_counts(server, 80)
    assert counts(server) == list(range(80))
    (client,) = {record["client"] for record in server.records}
    numbers = [record["seq"] for record in server.records if record["client"] == client]
    assert numbers == list(range(1, len(numbers) + 1))
    moments = [report["at"] for report in server.find("report")]
    assert max(after - before for before, after in pairwise(moments)) < 5_000
    assert server.find("dropped") == []
    statuses = [status for status, _ in page.evaluate("told.init")]
    assert statuses == ["success", "httpError", "success"]
    await_calm(page, server)


def test_what_is_said_before_the_server_is_there_arrives_too(
    page: Page, server: RecordingServer
) -> None:
    with server.away():
        page.evaluate("""async () => {
            await loaded;
            window.cs = new callstats();
            cs.initialize(APP_ID, SECRET, "alice");
            window.pc = new RTCPeerConnection();
            cs.addNewFabric(pc, "bob", "multiplex", "standup");
        }""")
        page.evaluate(SAY, [0, 10, 100])
    await_counts(server, 10)
    assert len(server.find("joined")) == 1


def test_a_reload_keeps_what_was_not_sent(page: Page, server: RecordingServer) -> None:
    page.evaluate("signIn('alice')")
    page.evaluate(DISK_IS_OPEN)
    page.evaluate(SAY, [0, 1, 0])
    await_counts(server, 1)
    with server.away():
        page.evaluate(SAY, [1, 30, 0])
        server.await_true(lambda: page.evaluate(KEPT) >= 29, "all lines on disk")
        page.reload()
    page.evaluate("signIn('alice')")
    page.evaluate(SAY, [30, 31, 0])
    await_counts(server, 31)
    assert Counter(counts(server)).most_common(1)[0][1] == 1
    first, second = server.find("joined")
    assert first["client"] != second["client"]
    assert first["device"] == second["device"]
    await_calm(page, server)


def test_a_tab_that_died_is_taken_over_exactly_once(
    open_page: OpenPage, server: RecordingServer
) -> None:
    dying = open_page()
    dying.evaluate("signIn('alice')")
    with server.busy():
        dying.evaluate(SAY, [0, 30, 0])
        server.await_true(lambda: dying.evaluate(KEPT) > 0, "lines on disk")
        dying.evaluate(SAY, [30, 35, 0])
        dying.close()
        server.await_true(lambda: server.farewells > 1, "the farewells")
    heirs = [open_page() for _ in range(3)]
    for heir in heirs:
        heir.evaluate("signIn('bob')")
    await_counts(server, 35)
    for heir in heirs:
        await_calm(heir, server)
    assert sorted(counts(server)) == list(range(35))
    assert server.repeated == 0
    assert {event["user"] for event in server.find("event", "customEvent")} == {"alice"}


def test_a_tab_that_lives_is_not_taken_over(open_page: OpenPage, server: RecordingServer) -> None:
    living = open_page()
    living.evaluate("signIn('alice')")
    with server.away():
        living.evaluate(SAY, [0, 10, 0])
        server.await_true(lambda: living.evaluate(KEPT) > 0, "lines on disk")
    other = open_page()
    other.evaluate("signIn('bob')")
    await_counts(server, 10)
    assert server.repeated == 0
    await_calm(other, server)


def test_another_apps_records_are_left_alone(open_page: OpenPage, server: RecordingServer) -> None:
    page = open_page()
    page.evaluate("signIn('alice')")
    with server.busy():
        page.evaluate(SAY, [0, 5, 0])
        server.await_true(lambda: page.evaluate(KEPT) > 0, "lines on disk")
        page.close()
        server.await_true(lambda: server.farewells > 1, "the farewells")
    other = open_page()
    other.evaluate("""async () => {
        await loaded;
        new callstats().initialize(APP_ID + 1, SECRET, "alice", (...said) => told.init.push(said));
        await until(() => told.init.length > 0);
    }""")
    assert other.evaluate(KEPT) > 0
    assert counts(server) == []


def test_a_closing_page_says_that_its_user_left(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    page.goto("about:blank")
    (left,) = server.await_records("left")
    assert left["conference"] == "standup"
    assert left["client"].endswith("-end")


def test_a_page_that_comes_back_from_the_browsers_cache_joins_again(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    for name in ("pagehide", "pageshow"):
        page.evaluate(f"dispatchEvent(new PageTransitionEvent('{name}', {{persisted: true}}))")
    reports = len(server.find("report"))
    server.await_records("report", count=reports + 2)
    assert len(server.find("left")) == 1
    joined = server.find("joined")
    assert len(joined) == 2
    assert joined[0]["device"] == joined[1]["device"]


def test_a_page_may_ask_to_close_silently(
    page: Page, open_page: OpenPage, server: RecordingServer
) -> None:
    page.evaluate("beInCall('standup', {config: {disableBeforeUnloadHandler: true}})")
    server.await_records("report")
    page.evaluate(SAY, [0, 3, 0])
    page.goto(f"{server.page_url}/call.html?server={server.url}")
    page.evaluate("signIn('alice')")
    await_counts(server, 3)
    await_calm(page, server)
    assert server.find("left") == []


def test_tabs_of_one_user_are_participants_of_their_own(
    open_page: OpenPage, server: RecordingServer
) -> None:
    pages = [open_page(), open_page()]
    for number, page in enumerate(pages):
        page.evaluate("beInCall()")
        page.evaluate(SAY, [number * 10, number * 10 + 10, 20])
    await_counts(server, 20)
    joined = server.find("joined")
    assert len({each["device"] for each in joined}) == 2
    assert len({each["client"] for each in joined}) == 2
    for each in joined:
        own = server.find("event", "customEvent", client=each["client"])
        said = {event["data"]["eventList"][0]["count"] // 10 for event in own}
        assert len(said) == 1
        assert {event["device"] for event in own} == {each["device"]}


def test_too_much_is_thinned_and_counted(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    with server.away():
        page.evaluate("""() => {
            for (let count = 0; count < 10_500; count += 1) {
                cs.reportError(null, "standup", "applicationLog", `line ${count}`);
            }
        }""")
        page.evaluate(SAY, [0, 5, 0])
    await_counts(server, 5)
    logs = [record["message"] for record in server.find("log")]
    assert logs[-1] == "line 10499"
    lost = 10_500 - len(logs)

    def told() -> Counter[str]:
        return sum((Counter(each["counts"]) for each in server.find("dropped")), Counter())

    server.await_true(lambda: told()["queue full"] >= lost, f"{lost} dropped")
    assert 0 < lost <= told()["queue full"] < lost + 60  # reports went first
    assert told().keys() == {"queue full"}
    await_calm(page, server)


def test_a_record_that_is_too_large_is_counted(page: Page, server: RecordingServer) -> None:
    page.evaluate("signIn('alice')")
    page.evaluate("cs.sendCustomStats(null, 'standup', {text: 'x'.repeat(600_000)})")
    page.evaluate("cs.sendCustomStats(null, 'standup', {text: 'ü'.repeat(200_000)})")
    (dropped,) = server.await_records("dropped")
    assert dropped["counts"] == {"too large": 1}
    assert len(server.await_records("event", "customStats")) == 1


def test_a_batch_that_is_too_large_is_cut(page: Page, server: RecordingServer) -> None:
    server.max_body = 20_000
    page.evaluate("signIn('alice')")
    page.evaluate("""() => {
        for (let count = 0; count < 20; count += 1) {
            cs.sendCustomEvent(null, "standup", [{ count, text: "x".repeat(5_000) }]);
        }
    }""")
    await_counts(server, 20)
    assert counts(server) == list(range(20))


def test_a_refused_record_costs_that_record_only(page: Page, server: RecordingServer) -> None:
    server.refuse = lambda record: "wrong form" if record.get("name") == "customStats" else None
    page.evaluate("signIn('alice')")
    page.evaluate(SAY, [0, 3, 0])
    page.evaluate("cs.sendCustomStats(null, 'standup', {depth: 1})")
    page.evaluate(SAY, [3, 6, 0])
    await_counts(server, 6)
    (dropped,) = server.await_records("dropped")
    assert dropped["counts"] == {"wrong form": 1}


def test_a_wrong_secret_is_told_once_and_the_page_goes_on(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("signIn('alice', {credential: 'YWJj:wrong'})")
    page.evaluate(SAY, [0, 20, 100])
    assert page.evaluate("told.init") == [["authError", "Authenticator: the secret is wrong"]]
    assert server.requests["/v1/token"] == 1
    assert server.requests["/v1/batch"] == 0


def test_a_token_that_expired_is_renewed_and_nothing_is_lost(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("signIn('alice')")
    page.evaluate(SAY, [0, 5, 0])
    await_counts(server, 5)
    server.forget_tokens()
    page.evaluate(SAY, [5, 10, 0])
    await_counts(server, 10)
    assert counts(server) == list(range(10))
    message = "SDK authentication successful."
    assert page.evaluate("told.init") == [["success", message]] * 2


def test_a_token_is_renewed_before_it_expires(page: Page, server: RecordingServer) -> None:
    server.token_seconds = 1
    page.evaluate("signIn('alice')")
    page.evaluate(SAY, [0, 20, 150])
    await_counts(server, 20)
    assert len(server.proofs) >= 2
    assert page.evaluate("told.init.every(([status]) => status === 'success')")


GENERATOR = """(isNew, done) => {
    told.asked = [...(told.asked ?? []), isNew];
    done(null, `jwt ${isNew}`);
}"""


def test_a_token_generator_stands_in_for_the_secret(page: Page, server: RecordingServer) -> None:
    server.accepts_code = lambda code: code == "jwt false"
    page.evaluate(f"signIn('alice', {{credential: {GENERATOR}}})")
    page.evaluate(SAY, [0, 3, 0])
    await_counts(server, 3)
    assert server.proofs == [{"appId": APP_ID, "userId": "alice", "code": "jwt false"}]
    assert SECRET not in str(server.proofs)


def test_a_refused_token_is_asked_for_anew_once(page: Page, server: RecordingServer) -> None:
    server.accepts_code = lambda code: code == "jwt true"
    page.evaluate(f"signIn('alice', {{credential: {GENERATOR}}})")
    assert page.evaluate("[told.asked, told.init[0][0]]") == [[False, True], "success"]
    server.accepts_code = lambda _: False
    server.forget_tokens()
    page.evaluate(SAY, [0, 1, 0])
    page.evaluate("until(() => told.init.length > 1)")
    assert page.evaluate("told.init[1]") == ["authError", "Authenticator: the secret is wrong"]


@pytest.mark.parametrize(
    "generator", ["(isNew, done) => done('no session')", "() => { throw 'no session'; }"]
)
def test_a_token_generator_that_fails_is_told(
    page: Page, server: RecordingServer, generator: str
) -> None:
    page.evaluate(f"signIn('alice', {{credential: {generator}}})")
    assert page.evaluate("told.init") == [["tokenGenerationError", "no session"]]
    assert server.proofs == []


@pytest.mark.parametrize(
    "missing",
    [
        "delete Navigator.prototype.locks",
        "delete window.CompressionStream",
        "Object.defineProperty(window, 'indexedDB', {value: undefined})",
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied') }})",
        "delete Navigator.prototype.mediaDevices",
        "delete RTCPeerConnection.prototype.connectionState",
    ],
)
def test_a_browser_that_lacks_something_still_reports(
    context: BrowserContext, open_page: OpenPage, server: RecordingServer, missing: str
) -> None:
    context.add_init_script(missing)
    page = open_page()
    page.evaluate("""async () => {
        await signIn("alice", { config: { submissionInterval: 1000 } });
        window.stream = document.createElement("canvas").captureStream(10);
        await makeCall((pc) => cs.addNewFabric(pc, "bob", "multiplex", "standup"));
    }""")
    server.await_records("report", count=2)
    with server.away():
        page.evaluate(SAY, [0, 5, 500])
    await_counts(server, 5)
    assert counts(server) == list(range(5))


def test_callbacks_that_throw_harm_nobody(
    page: Page, server: RecordingServer, troubles: list[str]
) -> None:
    page.evaluate("""async () => {
        await loaded;
        const error = new Error("the page's own fault");
        let isLate = false;
        const fail = () => {
            isLate = !isLate;
            if (isLate) return Promise.reject(error);
            throw error;
        };
        window.cs = new callstats();
        cs.initialize(APP_ID, SECRET, "alice", fail, fail, { submissionInterval: 1000 });
        await makeCall((pc) => cs.addNewFabric(pc, "bob", "multiplex", "standup", fail));
        cs.sendUserFeedback("standup", { userID: "alice", overall: 5 }, fail);
    }""")
    server.await_records("report", count=2)
    server.await_records("feedback")
    assert all("the page's own fault" in trouble for trouble in troubles)
    assert not [trouble for trouble in troubles if trouble.startswith("page error")]
    troubles.clear()
