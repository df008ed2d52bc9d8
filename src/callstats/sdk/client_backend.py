"""How do the calls of the old library reach our collector? Through a ``Client``.

- A new fabric: its connection is watched; the first of a conference also tells ``userDetails``.
- An event of a fabric: an event of the same name and data, on that connection.
- ``fabricTerminated``: that event, and the watch ends; with the last one the user leaves.
- An error: an error of the function's name. ``applicationLog``: a line of the log.
- An association: the event ``ssrcMap``, in the form of the old library.
- Feedback: feedback, where what is no rating from 1 to 5 is left out.

Descriptions of the session, which ``report_error`` may carry, are not sent: they hold addresses.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from callstats.clock import Clock, SystemClock
from callstats.errors import BadInput
from callstats.sdk.backend import (
    SUCCESS,
    Callback,
    FabricEvent,
    FabricUsage,
    PeerConnection,
    Status,
    UserFeedback,
    UserId,
    WrtcFuncName,
)
from callstats.sdk.client import Client
from callstats.sdk.delivery import Delivery, settled
from callstats.sdk.settings import is_name
from callstats.sdk.watch import Watch

EARLIEST = 20.0
"""Seconds before the user's first fabric in a conference as of which the oldest reports are told.
The collector lets a call begin 30 s before its first moment and takes what is older for a call of
its own; more would make such a call of what was reported in a lobby."""

CLOSE = 5.0
"""Seconds for closing unless told otherwise."""


class _Watched(NamedTuple):
    watch: Watch
    conf_id: str


class ClientBackend:
    """A ``Backend`` that reports to the collector at ``url``.

    Give ``client`` instead to report through one that you have made and will close; then the
    credentials given to ``initialize`` are not used. ``options`` are those of ``Client``.
    """

    fabric_usage: Any = FabricUsage
    fabric_event: Any = FabricEvent

    def __init__(
        self,
        url: str | None = None,
        *,
        client: Client | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        if (url is None) == (client is None):
            raise BadInput("ClientBackend", found="both or neither", allowed="url or client")
        self._url = url or ""
        self._options = options
        self._client = client
        self._is_own = client is None
        self._clock = clock or SystemClock()
        self._user_name: str | None = None
        self._watched: dict[int, list[_Watched]] = {}
        self._entered: dict[str, float] = {}
        self._fabrics: Counter[str] = Counter()

    @property
    def client(self) -> Client:
        """The client; raises BadInput before ``initialize``."""
        if self._client is None:
            raise BadInput("ClientBackend", found="no client yet", allowed="after initialize")
        return self._client

    def initialize(
        self,
        call_stats_id: int | str | None,
        call_stats_secret: str | None,
        user_id: UserId,
        callback: Callback,
        /,
    ) -> None:
        """Make the client; it takes reports at once and keeps them until the server does.

        ``callback`` is told so, and afterwards each time the server takes or refuses us.
        """
        if self._client is None:
            self._client = Client(
                self._url,
                app_id=_app_id(call_stats_id),
                app_secret=call_stats_secret or "",
                user=user_id.alias_name or user_id.user_name or "",
                on_status=callback,
                clock=self._clock,
                **self._options,
            )
            self._client.connect()
        self._user_name = user_id.user_name
        callback(SUCCESS, "reports are taken")

    def add_new_fabric(
        self,
        pc: PeerConnection,
        remote_user_id: str,
        usage: str,  # noqa: ARG002 - a client sees what a connection carries
        conf_id: str,
        callback: Callback,
        /,
    ) -> Status:
        """Watch a peer connection; a second fabric on it in the same conference shares the watch.

        A connection of a library that is not known is told to ``callback``: its events arrive,
        statistics of it do not.
        """
        if not is_name(conf_id):
            return Status("invalidConference", "a conference is named by 1 to 512 characters")
        self._enter(conf_id)
        shared = self._find(pc, conf_id)
        watch = shared.watch if shared else self._watch(pc, conf_id, remote_user_id)
        self._watched.setdefault(id(pc), []).append(_Watched(watch, conf_id))
        self._fabrics[conf_id] += 1
        if not watch.is_live:
            callback("noStats", f"no statistics of a {type(pc).__name__}")
        return Status(SUCCESS)

    def send_fabric_event(
        self,
        pc: PeerConnection,
        event: str,
        conf_id: str | None,
        event_data: object = None,
        /,
        *,
        at: float,
    ) -> None:
        """Report an event, and look after the connection where it is the end."""
        name, conference = str(event), conf_id or ""
        moment = self._moment(conference, at)
        self.client.event(name, conference=conference, data=event_data, pc=pc, at=moment)
        if name == FabricEvent.FABRIC_TERMINATED:
            self._end(pc, conference)

    def report_error(
        self,
        pc: PeerConnection,
        conf_id: str | None,
        function: str,
        error: object,
        /,
        *more: object,  # noqa: ARG002 - descriptions hold addresses
        at: float,
    ) -> None:
        """Report an error or a line of the application's log."""
        moment = self._moment(conf_id or "", at)
        if function == WrtcFuncName.APPLICATION_LOG:
            level = "error" if isinstance(error, BaseException) else "info"
            self.client.log(_text(error), level, conference=conf_id, at=moment)
        else:
            cause = error if isinstance(error, BaseException) else _text(error)
            self.client.error(str(function), cause, conference=conf_id, pc=pc, at=moment)

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
    ) -> None:
        """Report whose a stream is and where it is shown."""
        owner = user_id.alias_name if isinstance(user_id, UserId) else user_id
        stream = {
            "ssrc": str(ssrc),
            "userID": owner,
            "usageLabel": usage_label,
            "associatedVideoTag": container_id,
        }
        conference = conf_id or ""
        self.client.event(
            "ssrcMap",
            conference=conference,
            data={"ssrcData": [stream]},
            pc=pc,
            at=self._moment(conference, at),
        )

    def send_user_feedback(self, conf_id: str, feedback: UserFeedback, /) -> Delivery:
        """Report feedback; the result tells whether the collector has stored it."""
        overall = feedback.overall if _is_rating(feedback.overall) else None
        if overall is None and not feedback.comment:
            return settled("nothing to send", "neither a rating from 1 to 5 nor words")
        delivery = Delivery()

        def tell(is_stored: bool, reason: str) -> None:
            delivery.settle(SUCCESS if is_stored else "failed", reason)

        self.client.feedback(
            conference=conf_id, overall=overall, comment=feedback.comment, on_delivery=tell
        )
        return delivery

    def drop(self, reason: str, number: int) -> None:
        """Report that something was lost before it came here."""
        self.client.drop(reason, number)

    def close(self, timeout: float = CLOSE) -> None:
        """End all watches, send what is left, and close the client unless it was given."""
        for watched in [each for group in self._watched.values() for each in group]:
            watched.watch.close()
        for conference in list(self._entered):
            self.client.leave(conference)
        self._watched.clear()
        self._entered.clear()
        self._fabrics.clear()
        if self._is_own and self._client is not None:
            self._client.close(timeout)

    def _watch(self, pc: PeerConnection, conf_id: str, remote_user_id: str) -> Watch:
        return self.client.watch(pc, conference=conf_id, remote=remote_user_id)

    def _find(self, pc: PeerConnection, conf_id: str) -> _Watched | None:
        group = self._watched.get(id(pc), ())
        live = (one for one in group if one.watch.pc is pc and one.watch.is_live)
        return next((one for one in live if one.conf_id == conf_id), None)

    def _enter(self, conf_id: str) -> None:
        if conf_id in self._entered:
            return
        self._entered[conf_id] = self._clock.now()
        self.client.join(conf_id)
        if self._user_name:
            details = {"userName": self._user_name}
            self.client.event("userDetails", conference=conf_id, data=details)

    def _end(self, pc: PeerConnection, conf_id: str) -> None:
        """Forget one fabric; end the watch with the last of its connection."""
        group = self._watched.get(id(pc), [])
        ended = next((one for one in group if one.conf_id == conf_id), None)
        if ended is None:
            return
        group.remove(ended)
        if not any(one.watch is ended.watch for one in group):
            ended.watch.close()
        if not group:
            del self._watched[id(pc)]
        self._fabrics[conf_id] -= 1
        if self._fabrics[conf_id] <= 0:
            del self._fabrics[conf_id], self._entered[conf_id]
            self.client.leave(conf_id)

    def _moment(self, conf_id: str, at: float) -> float:
        entered = self._entered.get(conf_id)
        return at if entered is None else max(at, entered - EARLIEST)


def _app_id(value: int | str | None) -> int:
    try:
        return int(value or "")
    except ValueError:
        raise BadInput("call_stats_id", found="no number", allowed="the app's number") from None


def _is_rating(value: object) -> bool:
    return type(value) is int and 1 <= value <= 5


def _text(error: object) -> str:
    """Return an error of any kind as words: JavaScript's have name and message."""
    if isinstance(error, Mapping):
        return ": ".join(str(error[key]) for key in ("name", "message") if key in error)
    if isinstance(error, BaseException):
        return f"{type(error).__name__}: {error}"
    return str(error)
