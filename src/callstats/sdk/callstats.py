"""The class ``CallStats`` as Jitsi Meet had it from 2017 to 2023, for Python.

An instance stands for one peer connection (the old word is *fabric*) in one conference. What
happens before the backend is ready, or before the connection is accepted, is kept and sent when
that is so, with its own conference and its own time. ``docs/reference/callstats-class.md`` lists
what the old class did, statement by statement, and what this one does.

After ``init_backend`` and the constructor nothing here raises: what goes wrong is told to the
error handler (``set_error_handler``) or else to the log.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from typing import Any, ClassVar, ParamSpec, cast

from callstats.sdk.backend import (
    SUCCESS,
    Backend,
    BackendExists,
    BackendIncomplete,
    Callback,
    FabricEvent,
    FabricUsage,
    Status,
    UserFeedback,
    UserId,
    WrtcFuncName,
)
from callstats.sdk.delivery import Delivery
from callstats.sdk.fabric import DEFAULT_REMOTE_USER, Fabric
from callstats.sdk.reports_queue import (
    AssociationData,
    ErrorData,
    EventData,
    Report,
    ReportsQueue,
    ReportType,
)
from callstats.sdk.session import CLOSE, Session, Source
from callstats.sdk.traced import ErrorHandler, TracedBackend, console, logger

__all__ = [
    "DEFAULT_REMOTE_USER",
    "SUCCESS",
    "Backend",
    "BackendExists",
    "BackendIncomplete",
    "CallStats",
    "Callback",
    "Delivery",
    "FabricEvent",
    "FabricUsage",
    "IceConnectionFailed",
    "Report",
    "ReportType",
    "ReportsQueue",
    "Session",
    "Source",
    "Status",
    "UserFeedback",
    "UserId",
    "WrtcFuncName",
    "console",
]

MAX_LOG = 60_000
"""Characters in one application log; a longer one becomes several, so that no record is refused for
its size."""
MAX_LOG_PARTS = 16
"""Parts of one application log; what is beyond them is cut off and counted."""
LOG_TOO_LONG = "log too long"
NO_LOG = "empty log"

About = Source | Iterable[Source] | None
"""What a report is about: an instance, several (the same track is sent on each), or none yet."""

_P = ParamSpec("_P")


class IceConnectionFailed(Exception):
    """No path was found between the two ends, or the one there was broke."""


def _guarded(function: Callable[_P, None]) -> Callable[_P, None]:
    """Make a reporter tell the error handler what it would raise."""

    @functools.wraps(function)
    def report(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:
            CallStats.session.handle_error(error)

    return report


class _Statics(type):
    """What can be read from the class itself, and not be set."""

    session: Session

    @property
    def backend(cls) -> TracedBackend | None:
        """The backend, with its calls traced and what they raise caught; None where there is none.

        ``backend.inner`` is the object that was given to ``init_backend``.
        """
        return cls.session.backend

    @property
    def initialized(cls) -> bool:
        """Whether the backend was well and accepted a fabric at least once."""
        return cls.session.initialized

    @property
    def call_stats_id(cls) -> int | str | None:
        """The app's id; its secret is not kept."""
        return cls.session.call_stats_id

    @property
    def user_id(cls) -> UserId | None:
        """Who reports."""
        return cls.session.user_id

    @property
    def fabrics(cls) -> KeysView[Fabric]:
        """The instances that have not ended, oldest first."""
        return cls.session.fabrics

    @property
    def reports_queue(cls) -> ReportsQueue:
        """What waits for its fabric, oldest first."""
        return cls.session.reports_queue

    @property
    def dropped(cls) -> Counter[str]:
        """How many reports could not be kept, by reason."""
        return cls.session.dropped


class CallStats(Fabric, metaclass=_Statics):
    """Reports on one peer connection, and by its class methods on what has none.

    ``tpc`` is the peer connection, or an object with the attribute ``peerconnection``. Without
    ``session`` the class's own is used; a subclass with a ``session`` of its own has one for all.
    """

    session: ClassVar[Session] = Session()

    def __init__(
        self,
        tpc: Any,
        *,
        conf_id: str,
        remote_user_id: str | None = None,
        session: Session | None = None,
    ) -> None:
        super().__init__(tpc, conf_id=conf_id, remote_user_id=remote_user_id)
        self._session = session or type(self).session
        self._session.add(self)

    # The backend

    @classmethod
    def init_backend(
        cls,
        *,
        call_stats_id: int | str | None = None,
        call_stats_secret: str | None = None,
        alias_name: str | None = None,
        user_name: str | None = None,
        url: str | None = None,
        backend: Callable[[], Backend] | None = None,
    ) -> bool:
        """Make the backend and sign in; return False where that fails.

        ``alias_name`` is the user's id in the conference, ``user_name`` what people see. Without
        ``backend`` the collector at ``url`` is reported to. Raises BackendExists the second time.
        """
        return cls.session.init_backend(
            call_stats_id=call_stats_id,
            call_stats_secret=call_stats_secret,
            alias_name=alias_name,
            user_name=user_name,
            url=url,
            backend=backend,
        )

    @classmethod
    def is_backend_initialized(cls) -> bool:
        """Say whether there is a backend; it may not have signed in yet."""
        return cls.session.backend is not None

    @classmethod
    def set_error_handler(cls, handler: ErrorHandler | None) -> None:
        """Have errors of the backend handed to ``handler`` instead of the log."""
        cls.session.error_handler = handler

    @classmethod
    def shutdown(cls, timeout: float = CLOSE) -> None:
        """End all instances, send what is left, and forget the backend."""
        cls.session.close(timeout)

    # What needs no instance

    @classmethod
    @_guarded
    def send_active_device_list_event(
        cls, devices_data: Mapping[str, object], cs: About = None
    ) -> None:
        """Report which devices are in use: ``{"deviceList": [{"kind": …, "label": …}, …]}``."""
        cls._report_event(cs, FabricEvent.ACTIVE_DEVICE_LIST, devices_data)

    @classmethod
    def send_application_log(cls, error: object, cs: About = None) -> None:
        """Report lines of the application's own log, as text or as an exception.

        Safe to call from a log handler: nothing about it is logged.
        """
        try:
            for part in cls._parts_of(error):
                for target in _targets(cs):
                    data = ErrorData(WrtcFuncName.APPLICATION_LOG, part)
                    cls._session_of(target).report(ReportType.ERROR, target, data)
        except Exception as failure:
            console.error("send_application_log: %s", type(failure).__name__)

    @classmethod
    def send_feedback(
        cls,
        conference_id: str,
        overall_feedback: int | None,
        detailed_feedback: str | None = None,
    ) -> Delivery:
        """Report what the user thought: 1 (bad) to 5 (excellent), -1 for no rating, and words.

        The result may be awaited, waited for in a thread, or ignored.
        """
        return cls.session.send_feedback(conference_id, overall_feedback, detailed_feedback)

    @classmethod
    @_guarded
    def send_get_user_media_failed(cls, error: object, cs: About = None) -> None:
        """Report that a camera or microphone could not be had."""
        cls._report_error(cs, WrtcFuncName.GET_USER_MEDIA, error)

    @classmethod
    @_guarded
    def send_mute_event(cls, mute: bool, kind: str, cs: About = None) -> None:
        """Report that "audio" or "video" was muted or unmuted."""
        if kind == "video":
            event = FabricEvent.VIDEO_PAUSE if mute else FabricEvent.VIDEO_RESUME
        else:
            event = FabricEvent.AUDIO_MUTE if mute else FabricEvent.AUDIO_UNMUTE
        cls._report_event(cs, event)

    # What one instance reports

    @_guarded
    def associate_stream_with_video_tag(
        self,
        ssrc: int,
        is_local: bool,
        stream_endpoint_id: str | None,
        usage_label: str,
        container_id: str,
    ) -> None:
        """Report whose stream an SSRC is ("camera", "mic", …), and where it is shown."""
        session = self._session
        if session.backend is None:
            return
        owner = session.user_id if is_local else stream_endpoint_id
        data = AssociationData(owner, ssrc, usage_label, container_id)
        session.report(ReportType.MST_WITH_USERID, self, data)

    @_guarded
    def send_dominant_speaker_event(self) -> None:
        """Report that the user is the dominant speaker now."""
        self._report_event(self, FabricEvent.DOMINANT_SPEAKER)

    @_guarded
    def send_terminate_event(self) -> None:
        """Report that the connection ended; what is reported on it afterwards is dropped."""
        self._session.end(self)

    @_guarded
    def send_ice_connection_failed_event(self) -> None:
        """Report that no path was found, or that it broke, with the states of the connection."""
        error = IceConnectionFailed(f"ICE connection failed{_states_of(self.peerconnection)}")
        self._report_error(self, WrtcFuncName.ICE_CONNECTION_FAILURE, error)

    @_guarded
    def send_create_offer_failed(self, error: object) -> None:
        """Report that ``createOffer`` failed."""
        self._report_error(self, WrtcFuncName.CREATE_OFFER, error)

    @_guarded
    def send_create_answer_failed(self, error: object) -> None:
        """Report that ``createAnswer`` failed."""
        self._report_error(self, WrtcFuncName.CREATE_ANSWER, error)

    @_guarded
    def send_resume_or_hold_event(self, is_resume: bool = False) -> None:
        """Report that the connection is used again, or not for now."""
        event = FabricEvent.FABRIC_RESUME if is_resume else FabricEvent.FABRIC_HOLD
        self._report_event(self, event)

    @_guarded
    def send_screen_sharing_event(self, start: bool) -> None:
        """Report that sharing the screen began or ended."""
        event = FabricEvent.SCREEN_SHARE_START if start else FabricEvent.SCREEN_SHARE_STOP
        self._report_event(self, event)

    @_guarded
    def send_set_local_desc_failed(self, error: object) -> None:
        """Report that ``setLocalDescription`` failed."""
        self._report_error(self, WrtcFuncName.SET_LOCAL_DESCRIPTION, error)

    @_guarded
    def send_set_remote_desc_failed(self, error: object) -> None:
        """Report that ``setRemoteDescription`` failed."""
        self._report_error(self, WrtcFuncName.SET_REMOTE_DESCRIPTION, error)

    @_guarded
    def send_add_ice_candidate_failed(self, error: object) -> None:
        """Report that ``addIceCandidate`` failed."""
        self._report_error(self, WrtcFuncName.ADD_ICE_CANDIDATE, error)

    @classmethod
    def _report_event(cls, cs: About, event: FabricEvent, data: object = None) -> None:
        for target in _targets(cs):
            cls._session_of(target).report(ReportType.EVENT, target, EventData(event, data))

    @classmethod
    def _report_error(cls, cs: About, function: WrtcFuncName, error: object) -> None:
        if not error:
            logger.warning("%s is reported without an error", function)
            error = Exception("Unknown error")
        for target in _targets(cs):
            data = ErrorData(function, error)
            cls._session_of(target).report(ReportType.ERROR, target, data)

    @classmethod
    def _session_of(cls, target: Source | None) -> Session:
        return target._session if isinstance(target, CallStats) else cls.session

    @classmethod
    def _parts_of(cls, log: object) -> Sequence[object]:
        """Cut a long text at line ends; return nothing where there is nothing to report."""
        if not log:
            cls.dropped[NO_LOG] += 1
            return ()
        if not isinstance(log, str):
            return (log,)
        parts = list(itertools.islice(_cut(log), MAX_LOG_PARTS))
        if sum(map(len, parts)) < len(log):
            cls.dropped[LOG_TOO_LONG] += 1
        return parts


def _targets(cs: About) -> Sequence[Source | None]:
    if cs is None or isinstance(cs, Fabric) or hasattr(cs, "conf_id"):
        return (cast("Source | None", cs),)
    # Nobody yet: the report waits for the first instance.
    return tuple(cs) or (None,)


def _cut(text: str) -> Iterable[str]:
    start = 0
    while len(text) - start > MAX_LOG:
        end = text.rfind("\n", start, start + MAX_LOG) + 1 or start + MAX_LOG
        yield text[start:end]
        start = end
    yield text[start:]


def _states_of(pc: object) -> str:
    """Return the states that a connection shows, under the names of aiortc or wrtc."""
    names = ("iceConnectionState", "ice_connection_state", "signalingState", "signaling_state")
    states = [f"{name} {getattr(pc, name)}" for name in names if hasattr(pc, name)]
    return f": {', '.join(states)}" if states else ""
