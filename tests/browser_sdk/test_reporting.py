"""Everything a page can say arrives as a record, with what was said."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser_sdk.recording_server import RecordingServer


@pytest.fixture
def in_call(page: Page) -> Page:
    page.evaluate("beInCall()")
    assert page.evaluate("told.added") == {"status": "success", "message": ""}
    return page


def test_every_fabric_event_arrives_under_its_old_name(
    in_call: Page, server: RecordingServer
) -> None:
    sent = in_call.evaluate("""() => {
        const others = ["fabricTerminated", "fabricUsageEvent", "activeDeviceList"];
        const names = Object.keys(cs.fabricEvent).filter((name) => !others.includes(name));
        const device = { deviceId: "d1", kind: "audioinput", label: "Mic", groupId: "g" };
        const send = (name, data) => cs.sendFabricEvent(near, name, "standup", data);
        const results = names.map((name) => send(name, { ssrc: "7" }));
        results.push(send("fabricUsageEvent"));
        results.push(send("activeDeviceList", { deviceList: [device, { label: "no id" }] }));
        results.push(send("fabricTerminated"));
        return [names, results.map(({ status }) => status)];
    }""")
    names, statuses = sent
    assert set(statuses) == {"success"}
    server.await_records("left")
    for name in names:
        (event,) = server.find("event", name)
        assert event["data"] == {"ssrc": "7"}
        assert event["conference"] == "standup"
        assert event["user"] == "alice"
        assert event["remote"] == "bob"
        assert event["connection"]
    devices = [{"mediaDeviceID": "d1", "kind": "audioinput", "label": "Mic", "groupID": "g"}]
    assert server.find("event", "activeDeviceList")[0]["data"] == {"mediaDeviceList": devices}
    assert len(server.find("event", "fabricTerminated")) == 1
    assert server.find("event", "fabricUsageEvent") == []


def test_every_failing_function_arrives_as_an_error(in_call: Page, server: RecordingServer) -> None:
    in_call.evaluate("""() => {
        const error = new TypeError("it broke");
        for (const name of Object.keys(cs.webRTCFunctions)) {
            if (name === "applicationLog") continue;
            cs.reportError(near, "standup", name, error, "v=0 local", "v=0 remote");
        }
        cs.reportError(null, "standup", "getUserMedia", "no camera");
        cs.reportError(near, "standup", "createOffer");
    }""")
    server.await_records("error", "createOffer", count=2)
    assert len(server.find("error")) == 11
    failure = server.find("error", "setRemoteDescription")[0]
    assert failure["message"] == "it broke"
    assert failure["data"]["type"] == "TypeError"
    assert failure["data"]["localSDP"] == "v=0 local"
    assert failure["data"]["remoteSDP"] == "v=0 remote"
    assert failure["connection"]
    without = server.find("error", "getUserMedia", message="no camera")[0]
    assert "connection" not in without


def test_application_logs_arrive_whole_as_logs(in_call: Page, server: RecordingServer) -> None:
    long = "ä" * 70_000
    in_call.evaluate(
        """(long) => {
            cs.reportError(near, "standup", "applicationLog", '{"log1":"\\n(2) line\\n"}');
            cs.reportError(near, "standup", "applicationLog", new Error("global error"));
            cs.reportError(null, null, "applicationLog", { id: "deployment_info" });
            cs.reportError(near, "standup", "applicationLog", long);
        }""",
        long,
    )
    logs = server.await_records("log", count=5)
    assert logs[0]["message"] == '{"log1":"\n(2) line\n"}'
    assert (logs[1]["message"], logs[1]["level"]) == ("global error", "error")
    assert logs[2]["message"] == '{"id":"deployment_info"}'
    assert "conference" not in logs[2]
    assert logs[3]["message"] + logs[4]["message"] == long
    assert server.find("error") == []


def test_feedback_arrives_in_both_shapes_and_the_callback_is_told(
    in_call: Page, server: RecordingServer
) -> None:
    told = in_call.evaluate("""() => {
        const told = [];
        const rate = (overall, more) => ({ userID: { aliasName: "alice" }, overall, ...more });
        const onSent = (...said) => told.push(said);
        const ratings = { audio: 5, video: 3, screen: 2, comment: "fine" };
        cs.sendUserFeedback("standup", rate(4, ratings));
        cs.sendUserFeedback("standup", rate(-1, { comment: "only words" }), onSent);
        return told;
    }""")
    assert told == [["success", "userFeedback Event sent successfully"]]
    full, words = server.await_records("feedback", count=2)
    assert {key: full[key] for key in ("overall", "audio", "video", "comment")} == {
        "overall": 4,
        "audio": 5,
        "video": 3,
        "comment": "fine",
    }
    assert words["comment"] == "only words"
    assert "overall" not in words


def test_custom_events_stats_and_call_details_arrive(
    in_call: Page, server: RecordingServer
) -> None:
    in_call.evaluate("""() => {
        const summary = { type: "conferenceSummary", pstnTime: 1, ringingTime: 2, contactID: "c" };
        cs.sendCustomEvent(null, "standup", [{ talk: 1 }, summary, { talk: 2 }]);
        cs.sendCustomStats(near, "standup", [{ depth: 3 }]);
        const details = { callType: "inbound", role: "agent", acceptedTimestamp: 5 };
        cs.sendCallDetails(near, "standup", details);
    }""")
    server.await_records("event", "callDetails")
    assert server.find("event", "customEvent")[0]["data"] == {
        "eventList": [{"talk": 1}, {"talk": 2}]
    }
    assert server.find("event", "conferenceSummary")[0]["data"]["pstnTime"] == 1
    assert server.find("event", "customStats")[0]["data"] == {"stats": [{"depth": 3}]}
    details = server.find("event", "callDetails")[0]["data"]
    assert details == {"callType": "inbound", "role": "agent", "acceptedAt": 5}


def test_the_join_tells_who_and_with_what(page: Page, server: RecordingServer) -> None:
    page.evaluate("""async () => {
        const additionalIDs = { tenantID: "t1" };
        const config = { applicationVersion: "Meet 2", siteID: "/", additionalIDs };
        await signIn({ aliasName: "alice", userName: "Alice A." }, { config });
        cs.addNewFabric(new RTCPeerConnection(), { aliasName: "bob" }, "multiplex", "raum ü/1+2");
    }""")
    (joined,) = server.await_records("joined")
    assert joined["user"] == "alice"
    assert joined["conference"] == "raum ü/1+2"
    assert "Chrome" in joined["agent"]
    assert joined["platform"] == {
        "userName": "Alice A.",
        "applicationVersion": "Meet 2",
        "siteID": "/",
        "tenantID": "t1",
    }


def test_what_is_said_may_change_afterwards(in_call: Page, server: RecordingServer) -> None:
    in_call.evaluate("""() => {
        const data = { ssrc: "1" };
        cs.sendFabricEvent(near, "screenShareStart", "standup", data);
        data.ssrc = "2";
    }""")
    (event,) = server.await_records("event", "screenShareStart")
    assert event["data"] == {"ssrc": "1"}


@pytest.mark.parametrize("shape", ["5", "6", "4"])
def test_add_new_fabric_takes_four_to_six_arguments(
    page: Page, server: RecordingServer, shape: str
) -> None:
    more: dict[str, str] = {
        "4": "",
        "5": ", onFabric",
        "6": ", {remoteEndpointType: cs.endpointType.server}, onFabric",
    }
    page.evaluate(f"""async () => {{
        await signIn("alice");
        const onFabric = (...said) => told.fabric.push(said);
        window.pc = new RTCPeerConnection();
        cs.addNewFabric(pc, "jitsi", cs.fabricUsage.multiplex, "standup"{more[shape]});
        cs.addNewFabric(pc, "jitsi", cs.fabricUsage.multiplex, "standup"{more[shape]});
        const lose = () => {{
            Object.defineProperty(pc, "iceConnectionState", {{ value: "disconnected" }});
            pc.dispatchEvent(new Event("iceconnectionstatechange"));
        }};
        lose();
    }}""")
    starts = server.await_records("event", "watchstart")
    assert len(starts) == 1
    assert starts[0]["data"]["remoteEndpointType"] == ("server" if shape == "6" else "peer")
    said = ["appConnectivityError", "Connectivity check for PC object to jitsi failed."]
    assert page.evaluate("told.fabric") == ([] if shape == "4" else [said])


def test_a_conference_may_be_named_later(page: Page, server: RecordingServer) -> None:
    page.evaluate("""async () => {
        await signIn("alice", { config: { submissionInterval: 1000 } });
        await makeCall((pc) => cs.addNewFabric(pc, null, "multiplex", null));
        cs.sendFabricEvent(near, "audioMute", null);
        cs.setIdentifiers({ conferenceID: "late room", remoteUserID: "carol" }, near);
    }""")
    server.await_records("report", conference="late room", remote="carol")
    assert server.find("event", "audioMute", conference="late room")
    assert server.find("event", "watchstart", conference="late room")
    assert len(server.find("joined")) == 1


def test_wifi_figures_travel_with_reports(page: Page, server: RecordingServer) -> None:
    page.evaluate("""async () => {
        const wifi = { signal: 70, rssi: -50, timestamp: 1 };
        await loaded;
        new callstats().attachWifiStatsHandler(async () => JSON.stringify(wifi));
        await beInCall();
    }""")

    def wifi_of(report: dict[str, Any]) -> list[dict[str, Any]]:
        return [stat for stat in report["stats"] if stat["type"] == "wifiStats"]

    server.await_true(lambda: any(map(wifi_of, server.find("report"))), "wifi figures")
    found = next(wifi for report in server.find("report") for wifi in wifi_of(report))
    assert (found["signal"], found["rssi"]) == (70, -50)


def test_addresses_stay_at_home_where_the_page_says_so(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall('standup', {config: {collectIP: false}})")
    server.await_records("report", count=2)
    candidates = [
        stat
        for report in server.find("report")
        for stat in report["stats"]
        if stat["type"] in ("local-candidate", "remote-candidate")
    ]
    assert candidates
    assert all("address" not in stat and "ip" not in stat for stat in candidates)
    assert all("candidateType" in stat for stat in candidates)
