"""What did the application report? A backend for ``CallStats`` that keeps every call.

    backend = RecordingBackend()
    CallStats.init_backend(backend=lambda: backend)
    backend.say("success")
    ...
    assert backend.events == ["audioMute", "fabricTerminated"]

It does as it is told: ``will("report_error", raises=…)``, ``will("add_new_fabric", returns=…)``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from callstats.sdk.callstats import (
    Callback,
    FabricEvent,
    FabricUsage,
    Status,
    UserFeedback,
    UserId,
)


class Call(NamedTuple):
    """One call: its name, its positional arguments, and when what it reports happened."""

    name: str
    args: tuple[Any, ...]
    at: float | None = None


@dataclass
class _Behaviour:
    act: Callable[[], object]
    times: float


class RecordingBackend:
    """A ``Backend`` that records its calls in order and answers as it is told.

    ``at_once`` is a status that is told to the class within ``initialize``; otherwise nothing is
    told before ``say``. Unless told otherwise every call succeeds.
    """

    def __init__(self, *, at_once: str | None = None) -> None:
        self.calls: list[Call] = []
        self.fabric_usage: Any = FabricUsage
        self.fabric_event: Any = FabricEvent
        self._at_once = at_once
        self._tell: Callback | None = None
        self._tell_of_fabric: dict[int, Callback] = {}
        self._behaviours: dict[str, list[_Behaviour]] = {}

    # What a test tells it

    def say(self, status: str = "success", message: str = "") -> None:
        """Tell the class how the backend is, as the old library did after signing in."""
        if self._tell is None:
            raise RuntimeError("initialize was not called")
        self._tell(status, message)

    def say_of(self, pc: object, status: str, message: str = "") -> None:
        """Tell the class how the fabric of a peer connection is."""
        self._tell_of_fabric[id(pc)](status, message)

    def will(
        self,
        name: str,
        *,
        returns: object = None,
        raises: Exception | None = None,
        act: Callable[[], object] | None = None,
        times: float = float("inf"),
    ) -> None:
        """Let the next ``times`` calls of ``name`` return, raise, or return what ``act`` does."""

        def answer() -> object:
            if raises is not None:
                raise raises
            return act() if act is not None else returns

        self._behaviours.setdefault(name, []).append(_Behaviour(answer, times))

    # What a test asks it

    @property
    def events(self) -> list[str]:
        """The names of the events that were reported, in order."""
        return [str(call.args[1]) for call in self.calls if call.name == "send_fabric_event"]

    @property
    def errors(self) -> list[str]:
        """The names of what was reported to have failed, in order; logs are among them."""
        return [str(call.args[2]) for call in self.calls if call.name == "report_error"]

    # The calls of a backend

    def initialize(
        self,
        call_stats_id: int | str | None,
        call_stats_secret: str | None,
        user_id: UserId,
        callback: Callback,
        /,
    ) -> None:
        """Record who signs in; tells ``at_once`` if there is one."""
        self._tell = callback
        self._record("initialize", call_stats_id, call_stats_secret, user_id, callback)
        if self._at_once is not None:
            callback(self._at_once, "")
        self._answer("initialize")

    def add_new_fabric(
        self, pc: Any, remote_user_id: str, usage: str, conf_id: str, callback: Callback, /
    ) -> Any:
        """Record a new fabric."""
        self._tell_of_fabric[id(pc)] = callback
        self._record("add_new_fabric", pc, remote_user_id, usage, conf_id, callback)
        return self._answer("add_new_fabric", Status("success"))

    def send_fabric_event(self, *args: object, at: float | None = None) -> object:
        """Record an event."""
        self._record("send_fabric_event", *args, at=at)
        return self._answer("send_fabric_event")

    def report_error(self, *args: object, at: float | None = None) -> object:
        """Record an error or an application log."""
        self._record("report_error", *args, at=at)
        return self._answer("report_error")

    def associate_mst_with_user_id(self, *args: object, at: float | None = None) -> object:
        """Record whose a stream is."""
        self._record("associate_mst_with_user_id", *args, at=at)
        return self._answer("associate_mst_with_user_id")

    def send_user_feedback(self, conf_id: str, feedback: UserFeedback, /) -> object:
        """Record feedback."""
        self._record("send_user_feedback", conf_id, feedback)
        return self._answer("send_user_feedback", Status("success"))

    def _record(self, name: str, *args: object, at: float | None = None) -> None:
        self.calls.append(Call(name, args, at))

    def _answer(self, name: str, otherwise: object = None) -> object:
        for behaviour in self._behaviours.get(name, ()):
            if behaviour.times >= 1:
                behaviour.times -= 1
                return behaviour.act()
        return otherwise
