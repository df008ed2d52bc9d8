"""Real peers of both libraries, two in one process, with generated media."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

os.environ.setdefault("WRTC_ALLOW_LOOPBACK", "1")


@asynccontextmanager
async def aiortc_pair() -> AsyncIterator[tuple[Any, Any]]:
    """Two connections of aiortc that send audio and video to each other, not negotiated yet."""
    import aiortc
    from aiortc.contrib.media import MediaBlackhole
    from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

    pair = [aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[])) for _ in range(2)]
    sinks = [MediaBlackhole() for _ in pair]
    for pc, sink in zip(pair, sinks, strict=True):
        pc.addTrack(AudioStreamTrack())
        pc.addTrack(VideoStreamTrack())
        pc.on("track", sink.addTrack)
    try:
        yield pair[0], pair[1]
    finally:
        for pc, sink in zip(pair, sinks, strict=True):
            await sink.stop()
            await pc.close()


async def connect_aiortc(first: Any, second: Any) -> None:
    await first.setLocalDescription(await first.createOffer())
    await second.setRemoteDescription(first.localDescription)
    await second.setLocalDescription(await second.createAnswer())
    await first.setRemoteDescription(second.localDescription)
    await until(lambda: first.connectionState == second.connectionState == "connected")


@asynccontextmanager
async def wrtc_pair() -> AsyncIterator[tuple[Any, Any]]:
    """Two connections of wrtc that send audio to each other, not negotiated yet."""
    import webrtc

    pair = [webrtc.RTCPeerConnection() for _ in range(2)]
    tasks = []
    for pc, other in (pair, reversed(pair)):
        pc.on("icecandidate", _trickle(other))
        track = webrtc.MediaStreamTrackGenerator("audio")
        pc.add_track(track)
        tasks.append(asyncio.create_task(_hum(track)))
    try:
        yield pair[0], pair[1]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pc in pair:
            pc.close()


async def connect_wrtc(first: Any, second: Any) -> None:
    await first.set_local_description(await first.create_offer())
    await second.set_remote_description(first.local_description)
    await second.set_local_description(await second.create_answer())
    await first.set_remote_description(second.local_description)
    await until(lambda: first.connection_state == second.connection_state == "connected")


def _trickle(other: Any) -> Any:
    async def pass_on(event: Any) -> None:
        if event.candidate:
            await other.add_ice_candidate(event.candidate)

    return pass_on


async def _hum(track: Any) -> None:
    import webrtc

    writer = track.writable.get_writer()
    samples = bytes(range(0, 240, 2)) * 8
    for index in range(100_000):
        await writer.write(
            webrtc.AudioData(
                webrtc.AudioDataInit(
                    format="s16",
                    sample_rate=48_000,
                    number_of_frames=480,
                    number_of_channels=1,
                    timestamp=index * 10_000,
                    data=samples,
                )
            )
        )
        await asyncio.sleep(0.01)


async def until(claim: Any, seconds: float = 30.0) -> None:
    """Wait until a claim comes true, while the loop goes on."""
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    while not claim():
        assert loop.time() < ends_at, "did not come true in time"
        await asyncio.sleep(0.01)
