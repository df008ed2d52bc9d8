"""Participants made of ``wrtc``: libwebrtc, the engine that browsers have.

The library is the package ``wrtc``.
"""

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable
from typing import cast

import webrtc

from callstats.errors import Unavailable
from callstats.testing.lab import media
from callstats.testing.lab.peer import until

GATHERING_SECONDS = 10.0


class Peer:
    """One end of one connection."""

    def __init__(self, tracks: list[webrtc.MediaStreamTrackGenerator]) -> None:
        self.pc = webrtc.RTCPeerConnection(webrtc.RTCConfiguration(bundle_policy="max-bundle"))
        stream = webrtc.MediaStream()
        for track in tracks:
            self.pc.add_track(track, stream)

    async def offer(self) -> str:
        """Return a complete offer, candidates included."""
        return await self._describe(await self.pc.create_offer())

    async def answer(self, offer: str) -> str:
        """Take the other end's offer and return a complete answer."""
        await self._take("offer", offer)
        return await self._describe(await self.pc.create_answer())

    async def accept(self, answer: str) -> None:
        """Take the other end's answer."""
        await self._take("answer", answer)

    def is_connected(self) -> bool:
        """Tell whether packets flow."""
        return bool(self.pc.connection_state == "connected")

    async def close(self) -> None:
        """Close the connection."""
        self.pc.close()

    async def _describe(self, description: webrtc.RTCSessionDescriptionInit) -> str:
        await self.pc.set_local_description(description)
        await until(
            lambda: self.pc.ice_gathering_state == "complete",
            what="candidates were not gathered",
            seconds=GATHERING_SECONDS,
        )
        return cast("webrtc.RTCSessionDescription", self.pc.local_description).sdp

    async def _take(self, kind: webrtc.RTCSdpTypeValue, sdp: str) -> None:
        await self.pc.set_remote_description(webrtc.RTCSessionDescriptionInit(kind, sdp))


class Endpoint:
    """One participant: two generated tracks, shared by all its connections."""

    def __init__(self, content: media.Media) -> None:
        allow_loopback()
        self._content = content
        self._audio = webrtc.MediaStreamTrackGenerator("audio")
        self._video = webrtc.MediaStreamTrackGenerator("video")
        self._feeding: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to talk and to move."""
        talk = _feed(self._audio, self._chunk, rate=media.CHUNKS_PER_SECOND)
        move = _feed(self._video, self._frame, rate=media.FRAMES_PER_SECOND)
        self._feeding = [asyncio.create_task(talk), asyncio.create_task(move)]

    def peer(self) -> Peer:
        """Make one more connection, with this participant's media on it."""
        return Peer([self._audio, self._video])

    async def close(self) -> None:
        """Fall silent."""
        for task in self._feeding:
            task.cancel()
        await asyncio.gather(*self._feeding, return_exceptions=True)

    def _chunk(self, n: int) -> webrtc.AudioData:
        return webrtc.AudioData(
            webrtc.AudioDataInit(
                format="s16",
                sample_rate=media.SAMPLE_RATE,
                number_of_frames=media.CHUNK,
                number_of_channels=1,
                timestamp=n * 1_000_000 // media.CHUNKS_PER_SECOND,
                data=self._content.chunks[n % len(self._content.chunks)],
            )
        )

    def _frame(self, n: int) -> webrtc.VideoFrame:
        planes = self._content.frames[n % len(self._content.frames)]
        return webrtc.VideoFrame(
            b"".join(planes),
            webrtc.VideoFrameBufferInit(
                format="I420",
                coded_width=media.WIDTH,
                coded_height=media.HEIGHT,
                timestamp=n * 1_000_000 // media.FRAMES_PER_SECOND,
            ),
        )


async def _feed(
    track: webrtc.MediaStreamTrackGenerator,
    make: Callable[[int], object],
    *,
    rate: int,
) -> None:
    """Write one piece after the other at its time; pieces that come too late are left out."""
    writer = track.writable.get_writer()
    write: Callable[[object], Awaitable[None]] = writer.write
    loop = asyncio.get_running_loop()
    started = loop.time()
    n = 0
    try:
        while True:
            await write(make(n))
            n = max(n + 1, int((loop.time() - started) * rate))
            await asyncio.sleep(started + n / rate - loop.time())
    finally:
        writer.release_lock()


@functools.cache
def allow_loopback() -> None:
    """Make libwebrtc gather 127.0.0.1, which it only decides before its first connection.

    Making an endpoint does this; call it earlier where other connections may come first.
    """
    try:
        webrtc.allow_loopback()
    except webrtc.InvalidStateError:
        if os.environ.get("WRTC_ALLOW_LOOPBACK") != "1":
            raise Unavailable(
                "wrtc made a connection before the lab: set WRTC_ALLOW_LOOPBACK=1 before that"
            ) from None
