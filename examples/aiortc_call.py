"""A call of two aiortc peers with generated media, watched by callstats.

Run it as it stands, with a collector to report to (``callstats serve`` and ``callstats app create``
print what is needed)::

    export CALLSTATS_URL=http://127.0.0.1:8080 CALLSTATS_APP_ID=… CALLSTATS_APP_SECRET=…
    python examples/aiortc_call.py

The two lines that an application adds are marked.
"""

import asyncio
import os
import sys

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

import callstats

SECONDS = 6
Signalling = asyncio.Queue[RTCSessionDescription]


async def take_part(user: str, remote: str, *, inbox: Signalling, outbox: Signalling) -> None:
    """Be one of the two: send audio and video, take what comes, hang up after a while."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    client = new_client(user)  # ← added: who reports
    client.watch(pc, conference="aiortc example", remote=remote)  # ← added: what is watched

    sink = MediaBlackhole()
    pc.on("track", sink.addTrack)
    pc.addTrack(AudioStreamTrack())
    pc.addTrack(VideoStreamTrack())
    if user < remote:
        await pc.setLocalDescription(await pc.createOffer())
        await outbox.put(pc.localDescription)
        await pc.setRemoteDescription(await inbox.get())
    else:
        await pc.setRemoteDescription(await inbox.get())
        await pc.setLocalDescription(await pc.createAnswer())
        await outbox.put(pc.localDescription)
    await sink.start()

    await asyncio.sleep(SECONDS)
    await sink.stop()
    await pc.close()
    await asyncio.to_thread(client.close)
    print(f"{user}: sent {client.sent}, dropped {client.dropped}")


def new_client(user: str) -> callstats.Client:
    """Return a client of the collector that the environment names."""
    return callstats.Client(
        os.environ["CALLSTATS_URL"],
        app_id=int(os.environ["CALLSTATS_APP_ID"]),
        app_secret=os.environ["CALLSTATS_APP_SECRET"],
        user=user,
        interval=1,
    )


async def main() -> None:
    """Let Alice and Bob talk."""
    to_alice, to_bob = Signalling(), Signalling()
    await asyncio.gather(
        take_part("alice", "bob", inbox=to_alice, outbox=to_bob),
        take_part("bob", "alice", inbox=to_bob, outbox=to_alice),
    )


if __name__ == "__main__":
    missing = {"CALLSTATS_URL", "CALLSTATS_APP_ID", "CALLSTATS_APP_SECRET"} - os.environ.keys()
    if missing:
        sys.exit(f"set {', '.join(sorted(missing))} first")
    asyncio.run(main())
