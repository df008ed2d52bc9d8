"""A voice agent on aiortc: it listens, answers with audio of its own, mutes, and hangs up.

Run it as it stands, with a collector to report to (``callstats serve`` and ``callstats app create``
print what is needed)::

    export CALLSTATS_URL=http://127.0.0.1:8080 CALLSTATS_APP_ID=… CALLSTATS_APP_SECRET=…
    python examples/voice_agent.py

The caller is simulated: a second connection in this process, which speaks in sentences. The agent
answers whenever the caller has fallen silent. Speech is a tone here; in an agent of yours it comes
from a model. The lines that callstats needs are marked.
"""

import asyncio
import fractions
import math
import os
import sys
from array import array
from collections.abc import AsyncIterator
from contextlib import suppress

from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

import callstats

CONFERENCE = "voice agent example"
TURNS = 2
"""Answers after which the agent hangs up."""
RATE = 48_000
CHUNK = 960
"""Samples in a frame: 20 ms."""
QUIET = 500
"""Amplitude below which nobody speaks; full scale is 32767."""
PAUSE = 15
"""Quiet frames after which a sentence is over: 0.3 s."""


class Voice(MediaStreamTrack):
    """Says what it is told to say, and is silent otherwise."""

    kind = "audio"

    def __init__(self, pitch: float) -> None:
        super().__init__()
        self._pitch = pitch
        self._left = 0
        self._sent = 0
        self._started_at: float | None = None
        self.has_spoken = asyncio.Event()

    def say(self, seconds: float) -> None:
        """Speak for so long from now on."""
        self._left = int(seconds * RATE / CHUNK)
        self.has_spoken.clear()

    async def recv(self) -> AudioFrame:
        """Return the next 20 ms when it is time."""
        loop = asyncio.get_running_loop()
        self._started_at = self._started_at or loop.time()
        await asyncio.sleep(self._started_at + self._sent * CHUNK / RATE - loop.time())
        frame = AudioFrame(format="s16", layout="mono", samples=CHUNK)
        frame.planes[0].update(self._chunk())
        frame.sample_rate = RATE
        frame.time_base = fractions.Fraction(1, RATE)
        frame.pts = self._sent * CHUNK
        self._sent += 1
        return frame

    def _chunk(self) -> bytes:
        if self._left == 0:
            self.has_spoken.set()
            return bytes(2 * CHUNK)
        self._left -= 1
        turn = 2 * math.pi * self._pitch / RATE
        first = self._sent * CHUNK
        tone = (int(8_000 * math.sin(turn * (first + index))) for index in range(CHUNK))
        return array("h", tone).tobytes()


async def sentences(track: MediaStreamTrack) -> AsyncIterator[float]:
    """Yield the length in seconds of each sentence that is heard, once it is over."""
    spoken = quiet = 0
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, AudioFrame)
        loudest = max(memoryview(bytes(frame.planes[0])).cast("h"), key=abs)
        if abs(loudest) > QUIET:
            spoken, quiet = spoken + 1, 0
        elif spoken and (quiet := quiet + 1) == PAUSE:
            yield spoken * CHUNK / RATE
            spoken = quiet = 0


class Agent:
    """One end of a call: hears sentences and answers them."""

    def __init__(self, client: callstats.Client) -> None:
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.voice = Voice(pitch=220)
        self.hung_up = asyncio.Event()
        self._client = client
        self._tasks: list[asyncio.Task[None]] = []
        client.watch(self.pc, conference=CONFERENCE, remote="caller")  # ← callstats
        self.pc.addTrack(self.voice)
        self.pc.on("track", self._hear)

    def _hear(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._converse(track)))

    async def _converse(self, track: MediaStreamTrack) -> None:
        turns = 0
        self._mute(is_muted=True)
        async for seconds in sentences(track):
            turns += 1
            heard = {"turn": turns, "seconds": round(seconds, 2)}
            self._client.event("sentenceHeard", conference=CONFERENCE, pc=self.pc, data=heard)
            self._mute(is_muted=False)
            self.voice.say(0.5)
            await self.voice.has_spoken.wait()
            self._mute(is_muted=True)
            if turns == TURNS:
                break
        await self._hang_up()

    def _mute(self, *, is_muted: bool) -> None:
        name = "audioMute" if is_muted else "audioUnmute"
        self._client.event(name, conference=CONFERENCE, pc=self.pc)  # ← callstats

    async def _hang_up(self) -> None:
        await self.pc.close()
        self._client.leave(CONFERENCE)  # ← callstats
        self.hung_up.set()


async def call(agent: Agent) -> None:
    """Be the caller: speak, wait for the answer, speak again, until the agent hangs up."""
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    voice, sink = Voice(pitch=140), MediaBlackhole()
    pc.addTrack(voice)
    pc.on("track", sink.addTrack)
    await pc.setLocalDescription(await pc.createOffer())
    await agent.pc.setRemoteDescription(pc.localDescription)
    await agent.pc.setLocalDescription(await agent.pc.createAnswer())
    await pc.setRemoteDescription(agent.pc.localDescription)
    await sink.start()
    while not agent.hung_up.is_set():
        voice.say(0.6)
        with suppress(TimeoutError):
            await asyncio.wait_for(agent.hung_up.wait(), timeout=2)
    await sink.stop()
    await pc.close()


async def main() -> None:
    """Let somebody call the agent."""
    async with callstats.Client(  # ← callstats
        os.environ["CALLSTATS_URL"],
        app_id=int(os.environ["CALLSTATS_APP_ID"]),
        app_secret=os.environ["CALLSTATS_APP_SECRET"],
        user="agent",
        interval=1,
    ) as client:
        await call(Agent(client))
    print(f"agent: sent {client.sent}, dropped {client.dropped}")


if __name__ == "__main__":
    missing = {"CALLSTATS_URL", "CALLSTATS_APP_ID", "CALLSTATS_APP_SECRET"} - os.environ.keys()
    if missing:
        sys.exit(f"set {', '.join(sorted(missing))} first")
    asyncio.run(main())
