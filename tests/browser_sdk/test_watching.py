"""A watched connection tells its states, its reports and its media, until it ends."""

from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser_sdk.conftest import OpenPage
from tests.browser_sdk.recording_server import RecordingServer


def states(server: RecordingServer, name: str) -> list[str]:
    return [event["data"]["state"] for event in server.find("event", name)]


def test_states_and_tracks_are_told_by_their_w3c_names(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    server.await_records("event", "mediaPlaybackStart", count=2)
    assert states(server, "connectionstatechange") == ["new", "connecting", "connected"]
    assert states(server, "iceconnectionstatechange")[0] == "new"
    assert states(server, "iceconnectionstatechange")[-1] == "connected"
    assert states(server, "icegatheringstatechange") == ["new", "gathering", "complete"]
    assert states(server, "signalingstatechange") == ["stable", "have-local-offer", "stable"]
    tracks = [event["data"]["kind"] for event in server.find("event", "track")]
    played = [event["data"]["kind"] for event in server.find("event", "mediaPlaybackStart")]
    assert sorted(tracks) == sorted(played) == ["audio", "video"]


def test_reports_come_at_the_interval_with_everything_get_stats_knows(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("beInCall()")
    reports = server.await_records("report", count=5)
    types = {stat["type"] for stat in reports[-1]["stats"]}
    assert {
        "inbound-rtp",
        "outbound-rtp",
        "remote-inbound-rtp",
        "candidate-pair",
        "local-candidate",
        "codec",
        "transport",
        "media-source",
    } <= types
    gaps = [after["at"] - before["at"] for before, after in pairwise(reports)]
    assert all(gap > 500 for gap in gaps)
    assert len({report["connection"] for report in reports}) == 1


def test_a_page_is_told_figures_of_its_streams(page: Page, server: RecordingServer) -> None:
    page.evaluate("""async () => {
        await loaded;
        new callstats().on("stats", (stats) => (told.all = stats));
        await beInCall("standup", { onStats: (stats) => told.stats.push(stats) });
        await until(() => told.stats.length > 3);
    }""")
    stats = page.evaluate("told.stats.at(-1)")
    assert page.evaluate("told.all") == stats
    assert stats["connectionState"] == "online"
    assert stats["fabricState"] == "established"
    assert stats["conferenceURL"] == f"{server.url}/calls/call-id"
    tracks = stats["mediaStreamTracks"]
    assert {(track["statsType"], track["mediaType"]) for track in tracks} == {
        (way, kind) for way in ("inbound-rtp", "outbound-rtp") for kind in ("audio", "video")
    }
    assert {str(track["ssrc"]) for track in tracks} == set(stats["streams"])
    for track in tracks:
        assert track["bitrate"] > 0
        assert track["packetRate"] > 0
        assert track["quality"] in ("excellent", "fair", "bad")
        assert track["remoteUserID"] == "bob"
        assert track["cname"]


def test_associations_name_streams_and_follow_their_elements(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("""async () => {
        await beInCall("standup", { onStats: (stats) => told.stats.push(stats) });
        const find = () => told.stats.at(-1)?.mediaStreamTracks.find(
            (track) => track.statsType === "inbound-rtp" && track.mediaType === "video");
        await until(find);
        told.ssrc = String(find().ssrc);
        cs.associateMstWithUserID(near, "bob", "standup", find().ssrc, "camera", "remote");
        await until(() => told.stats.at(-1)?.streams[told.ssrc]?.usageLabel === "camera");
    }""")
    ssrc = page.evaluate("told.ssrc")
    server.await_records("event", "ssrcMap", count=2)
    (named,) = [
        stream
        for stream in server.find("event", "ssrcMap")[-1]["data"]["ssrcData"]
        if stream["ssrc"] == ssrc
    ]
    assert named["userID"] == "bob"
    assert named["usageLabel"] == "camera"
    assert named["associatedVideoTag"] == "remote"
    assert (named["streamType"], named["mediaType"]) == ("inbound", "video")

    def played() -> list[Any]:
        starts = server.find("event", "mediaPlaybackStart")
        return [event for event in starts if event["data"].get("associatedVideoTag") == "remote"]

    server.await_true(lambda: bool(played()), "playback of the element")
    assert played()[0]["data"]["ssrc"] == ssrc


def test_devices_are_told_at_first_and_when_they_change(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("beInCall()")
    server.await_records("event", "connectedDeviceList")
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    devices = server.await_records("event", "connectedDeviceList", count=2)[-1]["data"]
    kinds = {device["kind"] for device in devices["mediaDeviceList"]}
    assert kinds == {"audioinput", "audiooutput", "videoinput"}
    assert all(device["mediaDeviceID"] for device in devices["mediaDeviceList"])


def test_a_connection_may_be_watched_when_it_is_up_already(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("""async () => {
        const onStats = (stats) => told.stats.push(stats);
        await signIn("alice", { config: { submissionInterval: 1000 }, onStats });
        await makeCall();
        cs.addNewFabric(near, "bob", "multiplex", "standup");
        await until(() => told.stats.length > 0);
    }""")
    assert sorted(event["data"]["kind"] for event in server.find("event", "track")) == [
        "audio",
        "video",
    ]
    assert states(server, "iceconnectionstatechange") == ["connected"]
    assert page.evaluate("told.stats[0].fabricState") == "established"


def test_hold_stops_the_reports_and_resume_starts_them(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    page.evaluate("cs.sendFabricEvent(near, 'fabricHold', 'standup')")
    server.await_records("event", "fabricHold")
    held = len(server.find("report"))
    page.wait_for_timeout(2_500)
    assert len(server.find("report")) <= held + 1  # one may have been under way
    page.evaluate("cs.sendFabricEvent(near, 'fabricResume', 'standup')")
    server.await_records("report", count=held + 2)


def test_a_call_on_hold_says_that_it_lives(page: Page, server: RecordingServer) -> None:
    page.evaluate("beInCall()")
    page.evaluate("cs.sendFabricEvent(near, 'fabricHold', 'standup')")
    alive = server.await_records("alive", seconds=40)
    assert alive[0]["conference"] == "standup"


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("cs.sendFabricEvent(near, 'fabricTerminated', 'standup'); near.close()", "stopped"),
        ("near.close()", "closed"),
        ("cs.initialize(APP_ID, SECRET, 'somebody else')", "initialized anew"),
    ],
)
def test_the_end_of_the_last_connection_is_the_users_leave(
    page: Page, server: RecordingServer, end: str, reason: str
) -> None:
    page.evaluate("beInCall()")
    server.await_records("report")
    page.evaluate(f"() => {{ {end}; }}")
    (left,) = server.await_records("left", user="alice")
    (over,) = server.find("event", "watchend")
    assert over["data"] == {"reason": reason}
    assert len(server.find("event", "fabricTerminated")) == 1
    page.evaluate("cs.sendFabricEvent(near, 'fabricTerminated', 'standup')")
    page.evaluate("cs.sendFabricEvent(near, 'screenShareStop', 'standup')")
    server.await_records("event", "screenShareStop") if reason != "initialized anew" else None
    assert all(report["at"] <= left["at"] for report in server.find("report"))
    assert len(server.find("event", "fabricTerminated")) == 1
    assert len(server.find("joined", user="alice")) == 1


def test_media_that_flows_one_way_only_is_told_and_its_end_too(
    page: Page, server: RecordingServer
) -> None:
    page.evaluate("""async () => {
        await loaded;
        told.disruptions = [];
        new callstats().on("mediaDisruption", (said) => told.disruptions.push(said));
        await beInCall();
        window.sender = far.getSenders().find(({ track }) => track.kind === "audio");
        window.voice = sender.track;
    }""")
    # Only what was heard once can fall silent: the library must have seen packets.
    server.await_records("event", "mediaPlaybackStart", count=2)
    server.await_records("report", count=3)
    page.evaluate("sender.replaceTrack(null)")
    (start,) = server.await_records("event", "oneWayMediaStart", seconds=60)
    assert start["data"]["mediaType"] == "audio"
    assert start["data"]["disruptionType"] == "inbound"
    page.evaluate("sender.replaceTrack(voice)")
    (stop,) = server.await_records("event", "oneWayMediaStop", seconds=60)
    assert stop["data"] == start["data"]
    assert page.evaluate("told.disruptions.map(({ type }) => type)") == [
        "oneWayMediaStart",
        "oneWayMediaStop",
    ]


def test_a_connection_as_older_browsers_have_it_is_watched_too(
    page: Page, server: RecordingServer
) -> None:
    """No connectionState (Firefox to 112), ``mediaType`` for ``kind``, RTCP marked ``isRemote``."""
    page.evaluate("""async () => {
        const onStats = (stats) => told.stats.push(stats);
        await signIn("alice", { config: { submissionInterval: 1000 }, onStats });
        let packets = 0;
        const getStats = async () => {
            packets += 50;
            const common = { mediaType: "audio", timestamp: Date.now() };
            const inbound = { id: "in", type: "inbound-rtp", ssrc: 1, packetsReceived: packets };
            const rtcp = { id: "rtcp", type: "inbound-rtp", ssrc: 2, isRemote: true };
            return new Map([inbound, rtcp].map((stat) => [stat.id, { ...common, ...stat }]));
        };
        window.old = { getStats, iceConnectionState: "connected", signalingState: "stable" };
        cs.addNewFabric(old, "bob", "multiplex", "standup");
        await until(() => told.stats.length > 1);
        old.signalingState = old.iceConnectionState = "closed";
    }""")
    assert server.await_records("event", "watchend")[0]["data"] == {"reason": "closed"}
    (track,) = page.evaluate("told.stats.at(-1).mediaStreamTracks")
    assert (track["mediaType"], track["ssrc"]) == ("audio", 1)
    assert track["packetRate"] > 0


def test_stats_that_fail_are_counted_as_dropped(page: Page, server: RecordingServer) -> None:
    page.evaluate("""async () => {
        await signIn("alice", { config: { submissionInterval: 1000 } });
        const getStats = async () => { throw new Error("no stats today"); };
        window.pc = { getStats, signalingState: "stable" };
        cs.addNewFabric(pc, "bob", "multiplex", "standup");
    }""")
    server.await_true(lambda: bool(dropped(page, server)), "dropped")
    assert "getStats failed" in dropped(page, server)[0]["counts"]


def dropped(page: Page, server: RecordingServer) -> list[dict[str, Any]]:
    page.evaluate("cs.sendFabricEvent(pc, 'dominantSpeaker', 'standup')")
    return server.find("dropped", conference="standup")


def test_two_pages_in_one_call_are_two_participants(
    open_page: OpenPage, server: RecordingServer
) -> None:
    alice, bob = open_page(), open_page()
    for page, user, remote in ((alice, "alice", "bob"), (bob, "bob", "alice")):
        page.evaluate(
            """async ([user, remote]) => {
                await signIn(user, { config: { submissionInterval: 1000 } });
                window.pc = new RTCPeerConnection();
                cs.addNewFabric(pc, remote, "multiplex", "standup");
                const wanted = { audio: true, video: true };
                const stream = await navigator.mediaDevices.getUserMedia(wanted);
                for (const track of stream.getTracks()) pc.addTrack(track, stream);
                window.describe = async () => {
                    await pc.setLocalDescription();
                    await until(() => pc.iceGatheringState === "complete");
                    return pc.localDescription.toJSON();
                };
            }""",
            [user, remote],
        )
    offer = alice.evaluate("describe()")
    answer = bob.evaluate("o => pc.setRemoteDescription(o).then(describe)", offer)
    alice.evaluate("answer => pc.setRemoteDescription(answer)", answer)
    for user, remote in (("alice", "bob"), ("bob", "alice")):
        reports = server.await_records("report", count=3, user=user)
        assert {report["remote"] for report in reports} == {remote}
        server.await_records(
            "event", "connectionstatechange", user=user, data={"state": "connected"}
        )
    by_user = {
        user: {
            (record["client"], record["device"])
            for record in server.records
            if record["user"] == user
        }
        for user in ("alice", "bob")
    }
    assert all(len(identities) == 1 for identities in by_user.values())
    (one,), (other,) = by_user.values()
    assert one[0] != other[0]
    assert one[1] != other[1]
