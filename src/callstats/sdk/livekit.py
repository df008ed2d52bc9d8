"""How is a room of LiveKit followed?

A room has one peer connection, or two of which one sends and one receives; to us the second is a
leg of the first. What happens in the room is told in the words that callstats has for it, and in
LiveKit's where it has none.
"""

import asyncio
import functools
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from callstats.sdk.engine import Handlers, Legs, OnEvent, OnState
from callstats.sdk.livekit_stats import convert
from callstats.sdk.notices import never_raises

DISCONNECTED, CONNECTED, RECONNECTING = range(3)
"""LiveKit's ``ConnectionState``."""
KINDS = {1: "audio", 2: "video"}
"""LiveKit's ``TrackKind``."""
SOURCES = {1: "camera", 2: "microphone", 3: "screenshare", 4: "screenshare_audio"}
"""LiveKit's ``TrackSource``."""

MUTED = {"audio": "audioMute", "video": "videoPause"}
UNMUTED = {"audio": "audioUnmute", "video": "videoResume"}
"""What callstats calls it when the own track is muted."""

Told = Iterator[tuple[str, dict[str, object]]]


class LiveKit:
    """The engine of a room of LiveKit."""

    unknown: ClassVar[tuple[str, ...]] = ()
    """Its stats lack nothing that callstats keeps."""
    is_prompt = False
    """Stats come from the threads of LiveKit's library, so they are waited for."""

    def __init__(self) -> None:
        self.name = version()
        self._handlers: Handlers = []
        self._is_dominant = False

    def find_loop(self, pc: Any) -> asyncio.AbstractEventLoop | None:
        """Return the loop that the room was made in."""
        loop = getattr(pc, "_loop", None)
        return loop if isinstance(loop, asyncio.AbstractEventLoop) else None

    def read_states(self, pc: Any) -> dict[str, str]:
        """Return the room's state in W3C's words; it has no other."""
        if pc.connection_state == CONNECTED:
            state = "connected"
        elif pc.connection_state == RECONNECTING:
            state = "disconnected"  # which in W3C's words may pass
        else:
            state = "closed" if _was_connected(pc) else "new"
        return {"connectionstatechange": state}

    def is_closed(self, pc: Any) -> bool:
        """Whether the room was left; one that was not yet entered is not closed."""
        return bool(pc.connection_state == DISCONNECTED and _was_connected(pc))

    def listen(self, pc: Any, on_state: OnState, on_event: OnEvent) -> None:
        """Call back for the room's state and for what happens in it."""

        def hear_state(*_: object) -> None:
            on_state()

        for event in ("connected", "connection_state_changed", "disconnected"):
            self._handlers.append((event, hear_state))
        for event, tell in {**EVENTS, "active_speakers_changed": self._tell_speakers}.items():
            self._handlers.append((event, _teller(tell, on_event)))
        for event, handler in self._handlers:
            pc.on(event, handler)

    def unlisten(self, pc: Any) -> None:
        """Call back no more."""
        while self._handlers:
            event, handler = self._handlers.pop()
            pc.off(event, handler)

    async def sample(self, pc: Any) -> Legs:
        """Return the stats of what is published and of what is subscribed to."""
        if pc.connection_state == DISCONNECTED:
            return {}
        stats = await pc.get_rtc_stats()
        return {
            "": convert(stats.publisher_stats),
            "subscriber": convert(stats.subscriber_stats),
        }

    def _tell_speakers(self, speakers: list[Any]) -> Told:
        """Tell that the own participant has become the loudest; LiveKit sorts them so."""
        was_dominant = self._is_dominant
        self._is_dominant = bool(speakers) and _is_own(speakers[0])
        if self._is_dominant and not was_dominant:
            yield "dominantSpeaker", {}


def _was_connected(room: Any) -> bool:
    return getattr(room, "_ffi_handle", None) is not None


def _teller(tell: Callable[..., Told], on_event: OnEvent) -> Callable[..., None]:
    @never_raises(instead=None)
    def hear(*args: Any) -> None:
        for name, data in tell(*args):
            on_event(name, data)

    return hear


# What is told of each of a room's events


def _of_room(name: str) -> Callable[..., Told]:
    def tell(*_: object) -> Told:
        yield name, {}

    return tell


def _of_participant(name: str) -> Callable[..., Told]:
    def tell(participant: Any) -> Told:
        yield name, {"participant": participant.identity}

    return tell


def _of_remote_track(name: str) -> Callable[..., Told]:
    def tell(*args: Any) -> Told:
        *_, publication, participant = args
        yield name, {**_describe(publication), "participant": participant.identity}

    return tell


def _of_local_track(name: str, name_of_screen: str) -> Callable[..., Told]:
    def tell(publication: Any, *_: object) -> Told:
        is_screen = SOURCES.get(publication.source) == "screenshare"
        yield name_of_screen if is_screen else name, _describe(publication)

    return tell


def _of_muting(name: str, own_names: dict[str, str]) -> Callable[..., Told]:
    def tell(participant: Any, publication: Any) -> Told:
        kind = KINDS.get(publication.kind, "")
        if _is_own(participant):
            yield own_names.get(kind, name), _describe(publication)
        else:
            yield name, {**_describe(publication), "participant": participant.identity}

    return tell


def _of_failure(participant: Any, track_id: str, error: object) -> Told:
    yield (
        "trackSubscriptionFailed",
        {"participant": participant.identity, "id": track_id, "error": str(error)},
    )


def _of_quality(participant: Any, quality: object) -> Told:
    if _is_own(participant):
        word = str(getattr(quality, "name", quality)).removeprefix("QUALITY_").lower()
        yield "connectionQuality", {"quality": word}


EVENTS: dict[str, Callable[..., Told]] = {
    "connection_quality_changed": _of_quality,
    "local_track_published": _of_local_track("localTrackPublished", "screenShareStart"),
    "local_track_unpublished": _of_local_track("localTrackUnpublished", "screenShareStop"),
    "moved": _of_room("moved"),
    "participant_connected": _of_participant("participantConnected"),
    "participant_disconnected": _of_participant("participantDisconnected"),
    "reconnected": _of_room("reconnected"),
    "reconnecting": _of_room("reconnecting"),
    "track_muted": _of_muting("trackMuted", MUTED),
    "track_published": _of_remote_track("trackPublished"),
    "track_subscribed": _of_remote_track("track"),
    "track_subscription_failed": _of_failure,
    "track_unmuted": _of_muting("trackUnmuted", UNMUTED),
    "track_unpublished": _of_remote_track("trackUnpublished"),
    "track_unsubscribed": _of_remote_track("trackUnsubscribed"),
}
"""By LiveKit's event: what is told of it."""


def _describe(publication: Any) -> dict[str, object]:
    told = {
        "kind": KINDS.get(publication.kind),
        "id": publication.sid,
        "source": SOURCES.get(publication.source),
    }
    return {name: value for name, value in told.items() if value}


def _is_own(participant: object) -> bool:
    return type(participant).__name__ == "LocalParticipant"


@functools.cache
def version() -> str:
    """Return library and version."""
    try:
        return f"livekit/{importlib.metadata.version('livekit')}"
    except importlib.metadata.PackageNotFoundError:
        return "livekit"
