"""A call of two aiortc peers, reported by the class ``CallStats`` as Jitsi Meet had it.

Run it as it stands, with a collector to report to (``callstats serve`` and ``callstats app create``
print what is needed)::

    export CALLSTATS_URL=http://127.0.0.1:8080 CALLSTATS_APP_ID=… CALLSTATS_APP_SECRET=…
    python examples/classic_callstats.py

Alice reports everything that the class can say, in the order in which it happened in Jitsi Meet.
"""

import asyncio
import os
import sys

from aiortc import RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

from callstats import CallStats

SECONDS = 6
CONFERENCE = "classic example"


async def main() -> None:
    """Let Alice and Bob talk, and report what Alice sees."""
    # In the lobby: no conference and no connection yet. It waits for the first instance.
    headset = {"deviceId": "1", "kind": "audioinput", "label": "Headset", "groupId": "1"}
    CallStats.send_active_device_list_event({"deviceList": [headset]})
    CallStats.send_mute_event(True, "audio")
    CallStats.send_get_user_media_failed(PermissionError("the camera is in use"))

    # The user enters.
    CallStats.init_backend(
        url=os.environ["CALLSTATS_URL"],
        call_stats_id=os.environ["CALLSTATS_APP_ID"],
        call_stats_secret=os.environ["CALLSTATS_APP_SECRET"],
        alias_name="alice-7f3a",
        user_name="Alice",
    )
    alice, bob = new_peer(), new_peer()
    fabric = CallStats(alice, conf_id=CONFERENCE, remote_user_id="bob")
    sinks = await connect(alice, bob)
    fabric.associate_stream_with_video_tag(1001, True, None, "mic", "audio-local")
    fabric.associate_stream_with_video_tag(2002, False, "bob", "camera", "video-bob")

    # They talk.
    await asyncio.sleep(SECONDS / 2)
    report_what_happens(fabric)
    await asyncio.sleep(SECONDS / 2)

    # The user hangs up, and says afterwards how it was.
    CallStats.send_application_log("hung up by the user", fabric)
    fabric.send_terminate_event()
    for sink, pc in zip(sinks, (alice, bob), strict=True):
        await sink.stop()
        await pc.close()
    feedback = CallStats.send_feedback(CONFERENCE, 4, "clear, but bob was late")
    print(f"feedback: {(await feedback).status}")
    dropped = dict(CallStats.dropped)
    await asyncio.to_thread(CallStats.shutdown)
    print(f"dropped: {dropped}")


def report_what_happens(fabric: CallStats) -> None:
    """Report one of each; an application does where it happens."""
    CallStats.send_mute_event(False, "audio", fabric)
    CallStats.send_mute_event(True, "video", fabric)
    CallStats.send_mute_event(False, "video", fabric)
    fabric.send_dominant_speaker_event()
    fabric.send_screen_sharing_event(True)
    fabric.send_screen_sharing_event(False)
    fabric.send_resume_or_hold_event(False)
    fabric.send_resume_or_hold_event(True)
    fabric.send_create_offer_failed(ValueError("no common codec"))
    fabric.send_create_answer_failed(ValueError("no offer"))
    fabric.send_set_local_desc_failed(ValueError("wrong state"))
    fabric.send_set_remote_desc_failed(ValueError("no description"))
    fabric.send_add_ice_candidate_failed(ValueError("no candidate"))
    fabric.send_ice_connection_failed_event()


def new_peer() -> RTCPeerConnection:
    """Return a connection that sends audio and video."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTrack(AudioStreamTrack())
    pc.addTrack(VideoStreamTrack())
    return pc


async def connect(first: RTCPeerConnection, second: RTCPeerConnection) -> list[MediaBlackhole]:
    """Connect two peers; return what takes their media."""
    sinks = [MediaBlackhole(), MediaBlackhole()]
    for sink, pc in zip(sinks, (first, second), strict=True):
        pc.on("track", sink.addTrack)
    await first.setLocalDescription(await first.createOffer())
    await second.setRemoteDescription(first.localDescription)
    await second.setLocalDescription(await second.createAnswer())
    await first.setRemoteDescription(second.localDescription)
    for sink in sinks:
        await sink.start()
    return sinks


if __name__ == "__main__":
    missing = {"CALLSTATS_URL", "CALLSTATS_APP_ID", "CALLSTATS_APP_SECRET"} - os.environ.keys()
    if missing:
        sys.exit(f"set {', '.join(sorted(missing))} first")
    asyncio.run(main())
