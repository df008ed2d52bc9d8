"""How is a case of conformance/callstats_class played? Each verb of its README is a method here."""

import json
import logging
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from callstats.sdk import callstats as module
from callstats.sdk.callstats import CallStats, Delivery, Report, Session, Status, UserId
from callstats.testing import FakeClock, RecordingBackend

if TYPE_CHECKING:
    from collections.abc import Callable

CREDENTIALS = {
    "call_stats_id": 42,
    "call_stats_secret": "s3cret",
    "alias_name": "alice-1",
    "user_name": "Alice",
}
ONE_OF_EACH: dict[str, list[Any]] = {
    "send_active_device_list_event": [{"deviceList": []}, "$A"],
    "send_application_log": ["a line", "$A"],
    "send_get_user_media_failed": ["$error:no camera", "$A"],
    "send_mute_event": [True, "audio", "$A"],
    "associate_stream_with_video_tag": [7, False, "bob", "camera", "video-1"],
    "send_dominant_speaker_event": [],
    "send_ice_connection_failed_event": [],
    "send_create_offer_failed": ["$error:x"],
    "send_create_answer_failed": ["$error:x"],
    "send_resume_or_hold_event": [True],
    "send_screen_sharing_event": [True],
    "send_set_local_desc_failed": ["$error:x"],
    "send_set_remote_desc_failed": ["$error:x"],
    "send_add_ice_candidate_failed": ["$error:x"],
    "send_terminate_event": [],
}


class Connection:
    """A peer connection, which the class never looks into but for its states."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.iceConnectionState = "failed"

    def __repr__(self) -> str:
        return f"<pc of {self.name}>"


class Tpc:
    """What wraps a peer connection in the application."""

    def __init__(self, name: str) -> None:
        self.peerconnection = Connection(name)


class Duck:
    """Knows what a reporter needs, and is no instance of the class."""

    def __init__(self, name: str) -> None:
        self.peerconnection = Connection(name)
        self.conf_id = f"room-{name.lower()}"


class Broken:
    """Raises when it is asked for its conference."""

    @property
    def conf_id(self) -> str:
        raise LookupError("broken")


class Lacking:
    """A backend without some of its calls."""

    def __init__(self, inner: RecordingBackend, names: list[str]) -> None:
        self._inner = inner
        self._names = names

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            raise AttributeError(name)
        return getattr(self._inner, name)


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelname, record.getMessage()))


class Script:
    """Plays one case; each verb of the README is a method."""

    def __init__(self, log: Lines, shown: Lines) -> None:
        self.clock = FakeClock()
        self.start = self.clock.now()
        self.log = log
        self.console = shown
        self.things: dict[str, Any] = {"CallStats": CallStats, "module": module}
        self.makers: dict[str, Callable[[str], Any]] = {
            "error": Exception,
            "duck": self.make_duck,
            "broken": lambda _: Broken(),
            "status": Status,
            "delivery": self.make_delivery,
            "long": lambda count: "x" * int(count),
            "lines": lambda count: "a line of the log\n" * int(count),
        }
        self.handled: list[Exception] = []
        self.seen: list[Any] = []
        self.made: list[tuple[Any, ...]] = []
        self.seen_calls = 0
        CallStats.session = Session(clock=self.clock, max_reports=20, max_bytes=200_000)
        CallStats.set_error_handler(self.handled.append)
        self.backend = self.things["backend"] = RecordingBackend()
        self.threads = threading.active_count()

    def play(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            arguments = dict(step)
            verb = next(iter(arguments))
            subject = arguments.pop(verb)
            raises = arguments.pop("raises", None) if verb != "will" else None
            if raises is None:
                getattr(self, verb)(subject, **arguments)
                continue
            with pytest.raises(Exception) as caught:  # noqa: PT011 - any kind, checked below
                getattr(self, verb)(subject, **arguments)
            assert type(caught.value).__name__ == raises, step

    # Names and values

    def value(self, word: Any) -> Any:
        """Turn what stands in a case into what it means."""
        if isinstance(word, list):
            return [self.value(each) for each in word]
        if isinstance(word, dict):
            return {key: self.value(each) for key, each in word.items()}
        if not isinstance(word, str) or not word.startswith("$"):
            return word
        kind, _, text = word[1:].partition(":")
        if kind not in self.makers:
            return self.find(word[1:])
        if word not in self.things:
            self.things[word] = self.makers[kind](text)
        return self.things[word]

    def make_duck(self, name: str) -> Duck:
        """Make what is as good as an instance."""
        duck = Duck(name)
        self.things[name] = duck
        return duck

    def make_delivery(self, name: str) -> Delivery:
        """Make a result that is not known yet."""
        delivery = Delivery()
        self.things[name] = delivery
        return delivery

    def find(self, path: str) -> Any:
        """Follow a path such as ``A.peerconnection``, ``CallStats.reports_queue[0].at``."""
        first, *rest = re.findall(r"\w+|\[-?\d+\]|\(\)", path)
        found = self.things[first]
        for part in rest:
            if part == "()":
                found = found()
            elif part.startswith("["):
                found = found[int(part[1:-1])]
            else:
                found = _member(found, part)
        return found

    def matches(self, found: Any, wanted: Any) -> bool:
        """Compare by identity where the case names a thing, by kind and text where it says so."""
        if isinstance(wanted, str) and wanted.startswith("$"):
            kind, _, text = wanted[1:].partition(":")
            match kind:
                case "any":
                    return True
                case "callback":
                    return callable(found)
                case "user":
                    return bool(found == UserId("alice-1", "Alice"))
                case "like":
                    shown = f"{type(found).__name__}: {found}"
                    return re.fullmatch(text, shown, re.DOTALL) is not None
            meant = self.value(wanted)
            return found is meant or (isinstance(meant, str) and bool(found == meant))
        if isinstance(wanted, list):
            return len(found) == len(wanted) and all(map(self.matches, found, wanted))
        if isinstance(wanted, dict):
            return all(self.matches(_member(found, key), wanted[key]) for key in wanted)
        return bool(found == wanted) and (wanted is None) == (found is None)

    # What is done

    def will(self, name: str, *, of: str = "backend", **how: Any) -> None:
        """Tell the backend how to answer."""
        backend = self.things[of]
        if "raises" in how:
            how["raises"] = self.value(f"$error:{how['raises']}")
        if "does" in how:
            steps = how.pop("does")
            how["act"] = lambda: self.play(steps)
        if "returns" in how:
            how["returns"] = self.value(how["returns"])
        backend.will(name, **how)

    def handler(self, how: dict[str, Any]) -> None:
        """Set the error handler: it raises, or looks at something, or is none."""

        def handle(error: Exception) -> None:
            self.handled.append(error)
            if "looks_at" in how:
                self.seen.append(self.find(how["looks_at"]))
            if "raises" in how:
                raise RuntimeError(how["raises"])

        CallStats.set_error_handler(handle if how else None)

    def init(
        self,
        options: dict[str, Any],
        *,
        gives: bool | None = True,
        bare: bool = False,
        at_once: str | None = None,
        without: list[str] | None = None,
        factory_raises: str | None = None,
        no_backend: bool = False,
    ) -> None:
        """Initialise the class's backend."""
        if at_once is not None:
            self.backend = self.things["backend"] = RecordingBackend(at_once=at_once)

        def make(*args: Any) -> Any:
            self.made.append(args)
            if factory_raises is not None:
                raise RuntimeError(factory_raises)
            return Lacking(self.backend, without) if without else self.backend

        given: dict[str, Any] = options if bare else {**CREDENTIALS, **options}
        more: dict[str, Any] = {} if no_backend else {"backend": make}
        assert CallStats.init_backend(**given, **more) is gives

    def session(self, name: str, **credentials: Any) -> None:
        """Make a session of its own, with a backend that is well."""
        session = self.things[name] = Session(clock=self.clock)
        backend = self.things[f"{name}_backend"] = RecordingBackend(at_once="success")
        assert session.init_backend(**{**CREDENTIALS, **credentials}, backend=lambda: backend)

    def new(
        self,
        name: str,
        *,
        conf_id: str | None = None,
        remote_user_id: str | None = None,
        tpc: str = "wrapped",
        session: str | None = None,
        without_options: bool = False,
    ) -> None:
        """Make an instance."""
        given: Any = {"wrapped": Tpc(name), "bare": Connection(name), "none": None}.get(tpc)
        if tpc.startswith("of "):
            given = self.things[tpc.removeprefix("of ")].tpc
        self.things[f"{name}_tpc"] = given
        options: dict[str, Any] = {
            "conf_id": conf_id or f"room-{name.lower()}",
            "remote_user_id": remote_user_id,
            "session": None if session is None else self.things[session],
        }
        self.things[name] = CallStats(given, **({} if without_options else options))

    def ready(self, names: list[str]) -> None:
        """Initialise, make instances, and let the backend be well; what was called is forgotten."""
        self.init({})
        for name in names:
            self.new(name)
        self.say("success")
        self.forget("calls")
        self.forget("log")

    def say(self, status: str, *, message: str = "") -> None:
        """Let the backend tell how it is."""
        self.backend.say(status, message)

    def say_of(self, name: str, *, status: str, message: str = "") -> None:
        """Let the backend tell how a fabric is."""
        self.backend.say_of(self.things[name].peerconnection, status, message)

    def call(self, path: str, *, args: Any = (), gives: Any = "$any") -> None:
        """Call something."""
        result = self.things["result"] = self.find(path)(*self.value(list(args)))
        assert self.matches(result, gives), (path, result)

    def call_each(self, names: list[str]) -> None:
        """Call one of each reporter; each returns nothing."""
        for name in names or ONE_OF_EACH:
            assert getattr(self.things["A"], name)(*self.value(ONE_OF_EACH[name])) is None

    def collect_losses(self, name: str) -> None:
        """Let the backend be one that wants to hear of losses."""
        losses = self.things[name] = []
        self.things["backend"].drop = lambda *loss: losses.append(list(loss))

    def set(self, path: str, *, to: Any) -> None:
        """Set an attribute."""
        owner, _, name = path.rpartition(".")
        value = type("Enumeration", (), to) if isinstance(to, dict) else self.value(to)
        setattr(self.find(owner), name, value)

    def remember(self, path: str, *, name: str) -> None:
        """Keep what a path leads to under a name."""
        self.things[name] = self.find(path)

    def thing(self, name: str, **means: Any) -> None:
        """Name a value."""
        self.things[name] = means["is"]

    def push(self, kind: str) -> None:
        """Put a report of a foreign kind into the queue."""
        report = Report(
            type=kind,  # type: ignore[arg-type]
            conf_id="room-a",
            pc=Connection("A"),
            data=kind,  # type: ignore[arg-type]
            fabric=None,
            at=self.clock.now(),
            since=self.clock.monotonic(),
        )
        CallStats.reports_queue.add(report)

    def fill(self, count: int, *, text: str = "") -> None:
        """Report that many events without an instance."""
        words = self.value(text)
        for number in range(count):
            CallStats.send_active_device_list_event({"deviceList": [number, words]})

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)

    def forget(self, what: str) -> None:
        """Look from here on only at what comes."""
        if what == "calls":
            self.seen_calls = len(self.backend.calls)
        else:
            self.log.lines.clear()
            self.console.lines.clear()

    # What is expected

    def expect(self, values: dict[str, Any]) -> None:
        """Compare what paths lead to."""
        for path, wanted in values.items():
            found = self.find(path)
            assert self.matches(found, wanted), f"{path} is {found!r:.200}, not {wanted!r}"

    def expect_missing(self, path: str) -> None:
        """Expect that there is no such attribute."""
        owner, _, name = path.rpartition(".")
        assert not hasattr(self.find(owner), name)

    def expect_length(self, lengths: dict[str, int]) -> None:
        """Compare how many there are."""
        assert {path: len(self.find(path)) for path in lengths} == lengths

    def expect_same(self, paths: list[str]) -> None:
        """Expect that paths lead to one and the same object."""
        first, second = map(self.find, paths)
        assert first is second

    def expect_calls(self, wanted: list[list[Any]], *, of: str | None = None) -> None:
        """Compare the backend's calls since the last look: all of them, in order, exactly."""
        calls = self.things[of].calls if of else self.backend.calls[self.seen_calls :]
        found = [[call.name, *call.args] for call in calls]
        assert len(found) == len(wanted), found
        for one, other in zip(found, wanted, strict=True):
            assert self.matches(one, other), f"{one} is not {other}"
        self.seen_calls = len(self.backend.calls)

    def expect_ages(self, wanted: list[float | None]) -> None:
        """Compare how long after the start happened what the last calls told."""
        ats = [call.at for call in self.backend.calls[-len(wanted) :]]
        assert [None if at is None else at - self.start for at in ats] == wanted

    def expect_queue(self, wanted: list[dict[str, Any]]) -> None:
        """Compare what waits."""
        found = list(CallStats.reports_queue)
        assert self.matches(found, wanted), found

    def expect_fabrics(self, names: list[str]) -> None:
        """Compare which instances there are."""
        assert list(CallStats.fabrics) == [self.things[name] for name in names]

    def expect_dropped(self, wanted: dict[str, int]) -> None:
        """Compare what was dropped, by reason."""
        assert {reason: count for reason, count in CallStats.dropped.items() if count} == wanted

    def expect_errors(self, wanted: list[str]) -> None:
        """Compare what the error handler was given since the last look."""
        shown = [f"{type(error).__name__}: {error}" for error in self.handled]
        assert len(shown) == len(wanted), shown
        for one, pattern in zip(shown, wanted, strict=True):
            assert re.search(pattern, one), (one, pattern)
        self.handled.clear()

    def expect_log(self, wanted: list[list[str]], *, level: str = "DEBUG") -> None:
        """Compare what was logged at a level or above, since the last look."""
        _compare(self.log.lines, wanted, level)

    def expect_console(self, wanted: list[list[str]]) -> None:
        """Compare what was written to the console, since the last look."""
        _compare(self.console.lines, wanted, "DEBUG")

    def expect_nowhere(self, secret: str) -> None:
        """Expect that something stands in no log and in nothing public of class and session."""
        public = [
            repr(getattr(owner, name))
            for owner in (CallStats, CallStats.session, *CallStats.fabrics)
            for name in dir(owner)
            if not name.startswith("_") and name != "backend"
        ]
        assert secret not in " ".join(public) + str(self.log.lines + self.console.lines)

    def expect_made(self, wanted: list[list[Any]]) -> None:
        """Compare with what arguments a backend was made, each time."""
        assert [list(args) for args in self.made] == wanted

    def expect_seen(self, wanted: list[Any]) -> None:
        """Compare what the error handler saw."""
        assert self.seen == wanted

    def expect_threads(self, more: int) -> None:
        """Compare how many threads were started."""
        assert threading.active_count() - self.threads == more

    def expect_events(self, names: list[str]) -> None:
        """Compare which events arrived."""
        assert self.backend.events == names

    def expect_functions(self, names: list[str]) -> None:
        """Compare what was reported to have failed."""
        assert self.backend.errors == names

    def expect_keys_spell(self, enumerations: list[str]) -> None:
        """Expect that each member's value is its key, in the spelling of JavaScript."""
        for name in enumerations:
            for member in getattr(module, name):
                first, *rest = member.name.lower().split("_")
                assert member.value == first + "".join(map(str.capitalize, rest))

    def import_afresh(self, wanted: dict[str, Any]) -> None:
        """Import the module in a new process and look what that did."""
        program = (
            "import json, threading; from callstats.sdk.callstats import CallStats as C; "
            "print(json.dumps({'threads': threading.active_count(), 'backend': C.backend, "
            "'reports_queue': len(C.reports_queue), 'fabrics': len(C.fabrics)}))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, text=True
        )
        assert json.loads(done.stdout) == wanted


def _member(found: Any, key: str) -> Any:
    return found[key] if isinstance(found, dict) else getattr(found, key)


def _compare(lines: list[tuple[str, str]], wanted: list[list[str]], level: str) -> None:
    floor = logging.getLevelNamesMapping()[level]
    kept = [line for line in lines if logging.getLevelNamesMapping()[line[0]] >= floor]
    assert len(kept) == len(wanted), kept
    for (name, text), (wanted_name, pattern) in zip(kept, wanted, strict=True):
        assert name == wanted_name, kept
        assert re.search(pattern, text), (text, pattern)
    lines.clear()
