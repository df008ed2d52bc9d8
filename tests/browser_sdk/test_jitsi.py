"""Jitsi Meet of 2017 to 2023 needs no other line: its whole sequence of calls arrives."""

import pytest

from tests.browser_sdk.conftest import OpenPage
from tests.browser_sdk.recording_server import Record, RecordingServer

CONFERENCE = "meet.example.org/standup"
W3C = {
    "connectionstatechange",
    "iceconnectionstatechange",
    "icegatheringstatechange",
    "signalingstatechange",
    "track",
}
OF_THEMSELVES = W3C | {
    "connectedDeviceList",
    "mediaPlaybackStart",
    "ssrcMap",
    "watchstart",
    "watchend",
}


def said(record: Record) -> str:
    """Return what a record says in one word, as the page's calls name it."""
    return str(record.get("name") or record["type"])


@pytest.mark.parametrize("is_late", [False, True], ids=["calls of 2017", "calls of 2023"])
def test_a_conference_of_jitsi_meet_arrives_in_order(
    open_page: OpenPage, server: RecordingServer, is_late: bool
) -> None:
    page = open_page("jitsi.html")
    feedback = page.evaluate("isLate => conference(isLate)", is_late)
    server.await_records("feedback")

    expected = ["success", "userFeedback Event sent successfully"] if is_late else None
    assert feedback == expected
    assert page.evaluate("trouble") == []
    words = [
        said(record)
        for record in sorted(server.records, key=lambda record: record["seq"])
        if record["type"] != "report" and said(record) not in OF_THEMSELVES
    ]
    assert words == [
        "joined",
        "log",
        "log",
        "getUserMedia",
        "activeDeviceList",
        "audioMute",
        "dominantSpeaker",
        "audioUnmute",
        "screenShareStart",
        "fabricHold",
        "fabricTerminated",
        "fabricResume",
        "setRemoteDescription",
        "screenShareStop",
        "log",
        "fabricTerminated",
        "left",
        "feedback",
    ]
    assert {record["conference"] for record in server.records} == {CONFERENCE}
    assert {record["user"] for record in server.records} == {"a1b2c3d4"}


def test_both_connections_are_told_apart(open_page: OpenPage, server: RecordingServer) -> None:
    open_page("jitsi.html").evaluate("conference(true)")
    server.await_records("feedback")
    bridge, direct = server.find("event", "watchstart")
    assert (bridge["remote"], bridge["data"]["remoteEndpointType"]) == ("jitsi", "server")
    assert (direct["remote"], direct["data"]["remoteEndpointType"]) == ("e5f6a7b8", "peer")
    assert bridge["connection"] != direct["connection"]
    (failure,) = server.find("error", "setRemoteDescription")
    assert failure["connection"] == bridge["connection"]
    assert failure["data"]["type"] == "InvalidStateError"
    for event in server.find("event"):
        if event["name"] in W3C:
            assert event["connection"] in (bridge["connection"], direct["connection"])

    def users() -> dict[str, str]:
        return {
            stream["userID"]: stream["usageLabel"]
            for event in server.find("event", "ssrcMap", connection=bridge["connection"])
            for stream in event["data"]["ssrcData"]
            if "usageLabel" in stream
        }

    labels = {"a1b2c3d4": "mic", "jitsi": "camera"}
    server.await_true(lambda: users() == labels, "the names of the streams")
    (joined,) = server.find("joined")
    assert joined["platform"] == {
        "userName": "Alice-xyz",
        "applicationVersion": "Jitsi Meet (Chrome 156)",
        "siteID": "tenant",
    }
