"""Participants made of ``aiortc``: WebRTC in Python.

See https://aiortc.readthedocs.io/ for the library.
"""

import asyncio
import contextlib
import fractions
from collections.abc import Iterator

import aioice.ice
import aiortc
import av
from aiortc.contrib.media import MediaBlackhole

from callstats.testing.lab import media
from callstats.testing.lab.relay import LOOPBACK


class _Track(aiortc.MediaStreamTrack):
    """A track that hands out one piece after the other, each at its time."""

    rate: int

    def __init__(self, content: media.Media) -> None:
        super().__init__()
        self._content = content
        self._n = -1
        self._started: float | None = None

    async def _next(self) -> int:
        """Wait for the next piece's time and return its number; late ones are left out."""
        loop = asyncio.get_running_loop()
        if self._started is None:
            self._started = loop.time()
        self._n = max(self._n + 1, int((loop.time() - self._started) * self.rate))
        await asyncio.sleep(self._started + self._n / self.rate - loop.time())
        return self._n


class _Voice(_Track):
    kind = "audio"
    rate = media.CHUNKS_PER_SECOND

    async def recv(self) -> av.AudioFrame:
        n = await self._next()
        frame = av.AudioFrame(format="s16", layout="mono", samples=media.CHUNK)
        frame.planes[0].update(self._content.chunks[n % len(self._content.chunks)])
        frame.sample_rate = media.SAMPLE_RATE
        frame.time_base = fractions.Fraction(1, media.SAMPLE_RATE)
        frame.pts = n * media.CHUNK
        return frame


class _Picture(_Track):
    kind = "video"
    rate = media.FRAMES_PER_SECOND

    async def recv(self) -> av.VideoFrame:
        n = await self._next()
        frame = av.VideoFrame(media.WIDTH, media.HEIGHT, "yuv420p")
        planes = self._content.frames[n % len(self._content.frames)]
        for plane, content in zip(frame.planes, planes, strict=True):
            plane.update(content)
        frame.time_base = fractions.Fraction(1, media.FRAMES_PER_SECOND)
        frame.pts = n
        return frame


class Peer:
    """One end of one connection; what it receives is decoded and thrown away."""

    def __init__(self, content: media.Media) -> None:
        self.pc = aiortc.RTCPeerConnection(
            aiortc.RTCConfiguration(iceServers=[], bundlePolicy=aiortc.RTCBundlePolicy.MAX_BUNDLE)
        )
        self._tracks = [_Voice(content), _Picture(content)]
        for track in self._tracks:
            self.pc.addTrack(track)
        self._received = MediaBlackhole()
        self.pc.on("track", self._received.addTrack)

    async def offer(self) -> str:
        """Return a complete offer, candidates included."""
        return await self._describe(await self.pc.createOffer())

    async def answer(self, offer: str) -> str:
        """Take the other end's offer and return a complete answer."""
        await self._take("offer", offer)
        return await self._describe(await self.pc.createAnswer())

    async def accept(self, answer: str) -> None:
        """Take the other end's answer."""
        await self._take("answer", answer)

    def is_connected(self) -> bool:
        """Tell whether packets flow."""
        return bool(self.pc.connectionState == "connected")

    async def close(self) -> None:
        """Close the connection."""
        await self._received.stop()
        await self.pc.close()
        for track in self._tracks:
            track.stop()

    async def _describe(self, description: aiortc.RTCSessionDescription) -> str:
        with _only_loopback():
            await self.pc.setLocalDescription(description)
        return str(self.pc.localDescription.sdp)

    async def _take(self, kind: str, sdp: str) -> None:
        await self.pc.setRemoteDescription(aiortc.RTCSessionDescription(sdp=sdp, type=kind))
        await self._received.start()


class Endpoint:
    """One participant: every connection has tracks of its own with the same content."""

    def __init__(self, content: media.Media) -> None:
        self._content = content

    async def start(self) -> None:
        """Do nothing: aiortc pulls its media."""

    def peer(self) -> Peer:
        """Make one more connection, with this participant's media on it."""
        return Peer(self._content)

    async def close(self) -> None:
        """Do nothing: the tracks ended with their peers."""


_all_addresses = aioice.ice.get_host_addresses
_gathering = 0


@contextlib.contextmanager
def _only_loopback() -> Iterator[None]:
    """Let aioice gather 127.0.0.1, which it leaves out otherwise, and nothing else."""
    global _gathering  # noqa: PLW0603 - how many are inside; the last one puts things right
    _gathering += 1
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [LOOPBACK]  # noqa: ARG005
    try:
        yield
    finally:
        _gathering -= 1
        if _gathering == 0:
            aioice.ice.get_host_addresses = _all_addresses
