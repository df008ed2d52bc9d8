"""What does the classic class talk to? A backend: the calls of the old service's browser library.

The old class found it as one global object. Here it is a protocol with the same calls and the same
order of arguments, so that anything can stand in its place: our client (``ClientBackend``), a
recording for tests (``callstats.testing.RecordingBackend``), or your own.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from callstats.errors import BadInput, CallstatsError

SUCCESS = "success"
"""The one status that means that all is well."""

Callback = Callable[[str, str], None]
"""Takes a status and a message; called once or often, at once or later, on any thread."""

PeerConnection = Any
"""Whatever the application calls its peer connection: it is handed through, never looked into."""


class WrtcFuncName(StrEnum):
    """What can fail: functions of the WebRTC API and, last, the application's own log."""

    CREATE_OFFER = "createOffer"
    CREATE_ANSWER = "createAnswer"
    SET_LOCAL_DESCRIPTION = "setLocalDescription"
    SET_REMOTE_DESCRIPTION = "setRemoteDescription"
    ADD_ICE_CANDIDATE = "addIceCandidate"
    GET_USER_MEDIA = "getUserMedia"
    ICE_CONNECTION_FAILURE = "iceConnectionFailure"
    SIGNALING_ERROR = "signalingError"
    APPLICATION_LOG = "applicationLog"


class FabricEvent(StrEnum):
    """What can happen to a fabric, the old word for a watched peer connection."""

    FABRIC_HOLD = "fabricHold"
    FABRIC_RESUME = "fabricResume"
    AUDIO_MUTE = "audioMute"
    AUDIO_UNMUTE = "audioUnmute"
    VIDEO_PAUSE = "videoPause"
    VIDEO_RESUME = "videoResume"
    FABRIC_USAGE_EVENT = "fabricUsageEvent"
    FABRIC_STATS = "fabricStats"
    FABRIC_TERMINATED = "fabricTerminated"
    SCREEN_SHARE_START = "screenShareStart"
    SCREEN_SHARE_STOP = "screenShareStop"
    DOMINANT_SPEAKER = "dominantSpeaker"
    ACTIVE_DEVICE_LIST = "activeDeviceList"


class FabricUsage(StrEnum):
    """What a peer connection carries; the class always says ``multiplex``."""

    MULTIPLEX = "multiplex"
    AUDIO = "audio"
    VIDEO = "video"
    SCREEN = "screen"
    DATA = "data"
    UNBUNDLED = "unbundled"


class Status(Struct, frozen=True):
    """What became of a call: ``success`` or the name of a failure, and a sentence for people."""

    status: str
    message: str = ""

    @property
    def is_success(self) -> bool:
        """Whether all is well."""
        return self.status == SUCCESS


class UserId(Struct, frozen=True):
    """Who reports: the id in the conference, and the name that people see."""

    alias_name: str | None
    user_name: str | None


class UserFeedback(Struct, frozen=True):
    """What the user thought of the call: 1 (bad) to 5 (excellent), and words."""

    user_id: UserId | None
    overall: int | None
    comment: str | None = None


class Backend(Protocol):
    """The calls of the old library's object, in its order of arguments.

    ``at`` is when it happened, in seconds since 1970-01-01 UTC: what waited for its fabric arrives
    late. Positional arguments are exactly those of the old library. A call may raise; the class
    catches it. ``fabric_usage`` and ``fabric_event`` are the backend's enumerations, of which the
    class uses ``MULTIPLEX`` and ``FABRIC_TERMINATED``.
    """

    fabric_usage: Any
    fabric_event: Any

    def initialize(
        self,
        call_stats_id: int | str | None,
        call_stats_secret: str | None,
        user_id: UserId,
        callback: Callback,
        /,
    ) -> None:
        """Sign in; tell ``callback`` each success and each failure, now and later on."""

    def add_new_fabric(
        self,
        pc: PeerConnection,
        remote_user_id: str,
        usage: str,
        conf_id: str,
        callback: Callback,
        /,
    ) -> Status:
        """Watch a peer connection; tell ``callback`` of trouble with it later on."""

    def send_fabric_event(
        self,
        pc: PeerConnection,
        event: str,
        conf_id: str | None,
        event_data: object = None,
        /,
        *,
        at: float,
    ) -> object:
        """Report an event; ``event_data`` is left out where the fabric ends."""

    def report_error(
        self,
        pc: PeerConnection,
        conf_id: str | None,
        function: str,
        error: object,
        /,
        *more: object,
        at: float,
    ) -> object:
        """Report that a function failed; ``more`` is for descriptions of the session."""

    def associate_mst_with_user_id(
        self,
        pc: PeerConnection,
        user_id: UserId | str | None,
        conf_id: str | None,
        ssrc: int,
        usage_label: str,
        container_id: str,
        /,
        *,
        at: float,
    ) -> object:
        """Report whose a stream is and where it is shown."""

    def send_user_feedback(self, conf_id: str, feedback: UserFeedback, /) -> object:
        """Report what the user thought; may return a ``Delivery``."""


CALLS = (
    "initialize",
    "add_new_fabric",
    "send_fabric_event",
    "report_error",
    "associate_mst_with_user_id",
    "send_user_feedback",
)
CONSTANTS = ("fabric_usage.MULTIPLEX", "fabric_event.FABRIC_TERMINATED")


class BackendExists(CallstatsError):
    """The backend was initialised before: one is enough, further ones have their own session."""

    def __init__(self) -> None:
        super().__init__(
            "the backend is initialised already; give instances with other credentials a Session"
        )


class BackendIncomplete(BadInput):
    """An object is no backend, since it lacks what ``missing`` names."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            "backend", found=f"one without {', '.join(missing)}", allowed="all calls of Backend"
        )
        self.missing = missing


def missing_parts(candidate: object) -> list[str]:
    """Name the calls and constants of ``Backend`` that the object does not have."""
    calls = [name for name in CALLS if not callable(getattr(candidate, name, None))]
    return calls + [name for name in CONSTANTS if not _has(candidate, name)]


def _has(candidate: object, path: str) -> bool:
    for name in path.split("."):
        candidate = getattr(candidate, name, None)
    return candidate is not None
