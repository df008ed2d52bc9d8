"""A call of two libwebrtc peers (``wrtc``) with generated media, watched by callstats.

Run it as it stands, with a collector to report to (``callstats serve`` and ``callstats app create``
print what is needed)::

    export CALLSTATS_URL=http://127.0.0.1:8080 CALLSTATS_APP_ID=… CALLSTATS_APP_SECRET=…
    python examples/wrtc_call.py

The two lines that an application adds are marked.
"""

import asyncio
import os
import sys
from typing import Any, Literal

os.environ.setdefault("WRTC_ALLOW_LOOPBACK", "1")

import numpy as np
import webrtc

import callstats

SECONDS = 6
WIDTH, HEIGHT, RATE = 320, 240, 15
Signalling = asyncio.Queue[Any]


async def take_part(user: str, remote: str, *, inbox: Signalling, outbox: Signalling) -> None:
    """Be one of the two: send audio and video, take what comes, hang up after a while."""
    pc = webrtc.RTCPeerConnection()
    client = new_client(user)  # ← added: who reports
    client.watch(pc, conference="wrtc example", remote=remote)  # ← added: what is watched

    pc.on("icecandidate", lambda event: outbox.put_nowait(event.candidate))
    tasks = [
        asyncio.create_task(talk(add_track(pc, "audio"))),
        asyncio.create_task(show(add_track(pc, "video"))),
        asyncio.create_task(negotiate(pc, user < remote, inbox, outbox)),
    ]

    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # Closing the client first lets it take a last sample: libwebrtc gives none of a closed
    # connection.
    await asyncio.to_thread(client.close)
    pc.close()
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


def add_track(pc: webrtc.RTCPeerConnection, kind: Literal["audio", "video"]) -> Any:
    """Send a track to the other end; returns where its frames are written."""
    track = webrtc.MediaStreamTrackGenerator(kind)
    pc.add_track(track)
    return track.writable.get_writer()


async def negotiate(
    pc: webrtc.RTCPeerConnection, is_first: bool, inbox: Signalling, outbox: Signalling
) -> None:
    """Make or answer the offer, and take the other end's candidates as they come."""
    if is_first:
        await pc.set_local_description(await pc.create_offer())
        outbox.put_nowait(pc.local_description)
    while True:
        told = await inbox.get()
        if isinstance(told, webrtc.RTCSessionDescription):
            await pc.set_remote_description(told)
            if not is_first:
                await pc.set_local_description(await pc.create_answer())
                outbox.put_nowait(pc.local_description)
        elif told is not None:
            await pc.add_ice_candidate(told)


async def talk(writer: Any) -> None:
    """Write a tone, 10 ms at a time."""
    tone = (np.sin(np.arange(480) * 0.06) * 8_000).astype(np.int16).tobytes()
    for index in range(100 * SECONDS):
        init = webrtc.AudioDataInit(
            format="s16",
            sample_rate=48_000,
            number_of_frames=480,
            number_of_channels=1,
            timestamp=index * 10_000,
            data=tone,
        )
        await writer.write(webrtc.AudioData(init))
        await asyncio.sleep(0.01)


async def show(writer: Any) -> None:
    """Write a picture of moving stripes."""
    luma = np.tile(np.linspace(16, 235, WIDTH, dtype=np.uint8), (HEIGHT, 1))
    chroma = np.full(WIDTH * HEIGHT // 2, 128, np.uint8)
    for index in range(RATE * SECONDS):
        picture = np.concatenate([np.roll(luma, index * 7, axis=1).ravel(), chroma])
        init = webrtc.VideoFrameBufferInit(
            format="I420",
            coded_width=WIDTH,
            coded_height=HEIGHT,
            timestamp=index * 1_000_000 // RATE,
        )
        await writer.write(webrtc.VideoFrame(picture.tobytes(), init))
        await asyncio.sleep(1 / RATE)


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
