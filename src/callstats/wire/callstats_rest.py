"""What do clients of the old service say? Bodies of its REST requests become records.

A request says what it is by its path and its ``eventType``; what they have in common (who, on
which device, when, about which connection) goes to the members of the record, everything else is
kept as it came in ``data``. Clients vary widely, so only what is read here has to be of its type:

- ``localID`` and ``deviceID`` are the user and the device, ``remoteID`` the other end,
  ``connectionID`` the connection; ``timestamp`` is in milliseconds, from the oldest ones seconds.
- A path that is in no table is an event too; its name is ``eventType``, else the path's end.
- A change of state gets the name that W3C gave it, so that it is read like everyone else's.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from callstats.errors import BadInput
from callstats.wire.batch import is_text, raw
from callstats.wire.records import (
    NOTHING,
    Alive,
    AnyRecord,
    Error,
    Event,
    Feedback,
    Joined,
    Left,
    Log,
    Name,
    Rating,
    Report,
)

MAX_DEPTH = 200
"""How deep a body may be nested; more is a trap for whoever reads it next."""
MAX_MESSAGE = 65_536
"""Characters kept of a message; the whole of it stays in ``data``."""
_SECONDS_BELOW = 1e11
"""A timestamp below this is in seconds: as milliseconds it would be before March 1973."""

NAMES: Mapping[str, str] = {
    "events/user/alive": "userAlive",
    "events/user/left": "userLeft",
    "events/userdetails": "userDetails",
    "events/fabric": "fabric",
    "events/fabric/setup": "fabricSetup",
    "events/fabric/setupfailed": "fabricSetupFailed",
    "events/fabric/terminated": "fabricTerminated",
    "events/fabric/actions": "fabricActions",
    "events/fabric/statechange": "fabricStateChange",
    "events/fabric/transportchange": "fabricTransportSwitch",
    "events/fabric/status": "fabricDropped",
    "events/fabric/disruptions": "mediaDisruption",
    "events/fabric/details": "callDetails",
    "events/ice/status": "iceStatus",
    "events/media": "mediaPlayback",
    "events/media/actions": "mediaActions",
    "events/media/pipeline": "mediaPlayback",
    "events/devices/list": "connectedDeviceList",
    "events/dominantspeaker": "dominantSpeaker",
    "events/ssrcmap": "ssrcMap",
    "events/sdp": "sdpSubmissionEvent",
    "events/app/logs": "applicationErrorLog",
    "events/feedback": "userFeedbackEvent",
    "events/customevent": "customEvent",
    "events/conferencesummary": "conferenceSummary",
    "events/precall": "preCallTestAssociate",
    "events/stats": "stats",
    "stats": "stats",
    "customstats": "customStats",
    "system/status": "systemStats",
    "": "connectedDeviceList",
}
"""Below a conference: what a request is called that says no ``eventType``. Devices come to the
empty path from phones, and statistics to ``events/stats`` from the C client."""
NAMES_OUTSIDE: Mapping[str, str] = {
    "events/precall": "preCallTestResults",
    "events/precallnotification": "preCallTestNotification",
    "stats/system": "systemStats",
    "stats/bridge/alive": "bridgeAlive",
    "stats/bridge/status": "bridgeStatus",
}
"""The same below an app, for what belongs to no conference."""
OWN_TIME = frozenset({"events/conferencesummary"})
"""Where ``timestamp`` is whatever the application put there, and no moment."""
SPELLINGS: Mapping[str, str] = {"audioUnMute": "audioUnmute"}
"""Names of the draft that no client used in the end."""
STATES: Mapping[str, str] = {
    "signalingState": "signalingstatechange",
    "iceConnectionState": "iceconnectionstatechange",
    "iceGatheringState": "icegatheringstatechange",
    "connectionState": "connectionstatechange",
}
"""W3C's event for each ``changedState``."""
_PLATFORM = ("type", "os", "osVersion", "buildName", "buildVersion", "appVersion")

INGESTED = (
    *("fabricSetup", "fabricSetupFailed", "fabricHold", "fabricResume", "fabricTerminated"),
    *("fabricStateChange", "fabricTransportSwitch", "fabricDropped", "fabricUsageEvent"),
    *("userJoined", "userLeft", "userAlive", "userDetails", "userFeedback", "userFeedbackEvent"),
    *("audioMute", "audioUnmute", "videoPause", "videoResume", "screenShareStart"),
    *("screenShareStop", "dominantSpeaker", "activeDeviceList", "connectedDeviceList"),
    *("mediaPlaybackStart", "mediaPlaybackSuspended", "mediaPlaybackStalled"),
    *("oneWayMedia", "oneWayMediaStart", "oneWayMediaStop", "circuitBreaker"),
    *("iceDisruptionStart", "iceDisruptionEnd", "iceConnectionDisruptionStart"),
    *("iceConnectionDisruptionEnd", "iceAborted", "iceTerminated", "iceFailed", "iceRestarted"),
    *("ssrcMap", "sdpSubmissionEvent", "applicationErrorLog", "callDetails", "callUnAnswered"),
    *("customEvent", "customStats", "conferenceSummary", "preCallTestResults"),
    *("preCallTestAssociate", "preCallTestNotification"),
    *("precallTestResultsManual", "precallTestResultsAutomatic"),
)
"""Every name the old service took; the browser's library keeps to itself what is not told here."""

T = TypeVar("T")


class NotJson(BadInput):
    """The body is no JSON object at all."""


class Said(Struct, frozen=True, kw_only=True):
    """A body, taken apart: what every request has, and the ``rest`` as it came."""

    user: str
    device: str
    at_ms: float | None
    """By the client's clock; None where the request has a time that is not the client's."""
    event: str | None
    remote: str | None
    connection: str | None
    rest: dict[str, Raw]


class _Ratings(Struct, rename="camel"):
    overall_rating: Rating | None = None
    audio_quality_rating: Rating | None = None
    video_quality_rating: Rating | None = None
    comments: str | None = None


class _Caught(Struct):
    message: str


_members = msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()
_name = msgspec.json.Decoder(Name)
_optional_name: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(
    Annotated[str, Meta(max_length=512)] | None
)
_moment = msgspec.json.Decoder(Annotated[float, Meta(ge=0, le=8.64e15)])
_text: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
_facts: msgspec.json.Decoder[dict[str, Any] | None] = msgspec.json.Decoder(dict[str, Any] | None)
_ratings = msgspec.json.Decoder(_Ratings)
_caught = msgspec.json.Decoder(_Caught)
_bracket = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


# Taking a body apart


def decode(body: bytes, tail: str = "") -> Said:
    """Take the body of a request apart whose path ends so.

    Raises NotJson, or BadInput naming the member that is wrong.
    """
    rest = members(body, is_report=BY_PATH.get(tail) is _report)
    user = _required(rest, "localID", _name)
    device = _required(rest, "deviceID", _name)
    has_time = tail not in OWN_TIME
    at_ms = _milliseconds(_required(rest, "timestamp", _moment)) if has_time else None
    return Said(
        user=user,
        device=device,
        at_ms=at_ms,
        event=_optional(rest, "eventType", _optional_name),
        remote=_optional(rest, "remoteID", _optional_name),
        connection=_optional(rest, "connectionID", _optional_name),
        rest=rest,
    )


def members(body: bytes, *, is_report: bool = False) -> dict[str, Raw]:
    """Return the members of a JSON object; raises NotJson.

    The C client sends a NUL after it, or forgets the last brace. The depth of a report is not
    looked at: counting its brackets takes as long as reading it, and only its samples are read.
    """
    body = body.rstrip(b"\0")
    if not is_text(body):
        raise NotJson("body", found="bytes that are no UTF-8", allowed="a JSON object")
    if not is_report:
        _check_depth(body)
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        if str(error) == "Input data was truncated" and body.startswith(b"{"):
            return _mended(body + b"}")
        raise NotJson("body", found=str(error)[:200], allowed="a JSON object") from None


def _mended(body: bytes) -> dict[str, Raw]:
    try:
        return _members.decode(body)
    except msgspec.DecodeError as error:
        raise NotJson("body", found=str(error)[:200], allowed="a JSON object") from None


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for found in _bracket.finditer(body):
        mark = found.group()
        depth += 1 if mark in b"[{" else -1 if mark in b"]}" else 0
        if depth > MAX_DEPTH:
            raise NotJson("body", found="deeper nesting", allowed=f"{MAX_DEPTH} levels")


def _required(rest: dict[str, Raw], name: str, decoder: msgspec.json.Decoder[T]) -> T:
    found = rest.pop(name, None)
    if found is None:
        raise BadInput(name, found="nothing", allowed="a value, in every request")
    return _typed(found, name, decoder)


def _optional(
    rest: dict[str, Raw], name: str, decoder: msgspec.json.Decoder[str | None]
) -> str | None:
    found = rest.pop(name, None)
    return None if found is None else _typed(found, name, decoder) or None


def _typed(found: Raw, name: str, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(found)
    except msgspec.DecodeError as error:
        raise BadInput(name, found=_shown(error), allowed="what clients send") from None


def _shown(error: Exception) -> str:
    return str(error)[:200]


def _milliseconds(timestamp: float) -> float:
    return timestamp * 1000 if timestamp < _SECONDS_BELOW else timestamp


# Making a record of it


def join(said: Said, *, conference: str, seq: int, at_ms: float) -> Joined:
    """Return the record of ``POST …/conferences/{confID}``."""
    facts = _member(said, "endpointInfo", _facts) or {}
    own = {name: _maybe_text(said, name) for name in ("siteID", "userName")}
    platform = {name: facts.get(name) for name in _PLATFORM} | own
    build = " ".join(str(facts[name]) for name in ("buildName", "buildVersion") if facts.get(name))
    agent = facts.get("userAgent") or build or None
    return Joined(
        seq=seq,
        at_ms=at_ms,
        user=said.user,
        device=said.device,
        conference=conference,
        agent=agent if isinstance(agent, str) else None,
        platform={name: fact for name, fact in platform.items() if fact and isinstance(fact, str)},
        data=_data(said, "userJoined"),
    )


def happening(
    tail: str, said: Said, *, conference: str | None, seq: int, at_ms: float
) -> AnyRecord:
    """Return the record of a request below a conference, or below the app alone (None)."""
    name = _named(tail, said.event, NAMES_OUTSIDE if conference is None else NAMES)
    about = _About(seq, at_ms, said, conference, name)
    make = BY_PATH.get(tail) if conference is not None else None
    return (make or BY_NAME.get(name) or _event)(about)


def is_known(tail: str, *, is_in_conference: bool) -> bool:
    """Tell whether the old service had this path."""
    return tail in (NAMES if is_in_conference else NAMES_OUTSIDE)


def _named(tail: str, event: str | None, names: Mapping[str, str]) -> str:
    if event:
        return SPELLINGS.get(event, event)
    return names.get(tail) or tail.removeprefix("events/")[:512] or "unknown"


class _About(Struct, frozen=True):
    """What a record is made of."""

    seq: int
    at_ms: float
    said: Said
    conference: str | None
    name: str

    @property
    def common(self) -> dict[str, Any]:
        said = self.said
        return {
            "seq": self.seq,
            "at_ms": self.at_ms,
            "user": said.user,
            "device": said.device,
            "conference": self.conference,
        }

    @property
    def place(self) -> dict[str, Any]:
        return {"connection": self.said.connection, "remote": self.said.remote}


def _event(about: _About) -> Event:
    data = _data(about.said, about.name)
    return Event(**about.common, **about.place, name=about.name, data=data)


def _alive(about: _About) -> Alive:
    return Alive(**about.common)


def _left(about: _About) -> Left:
    return Left(**about.common, data=_data(about.said, about.name))


def _state(about: _About) -> Event:
    """Return a change of state under W3C's name, with the new state where W3C's has it."""
    said = about.said
    name = STATES.get(_maybe_text(said, "changedState") or "")
    state = said.rest.get("newState")
    if name is None or state is None:
        return _event(about)
    data = raw({"state": state, "eventType": about.name, **said.rest})
    return Event(**about.common, **about.place, name=name, data=data)


def _error(about: _About) -> Error:
    said = about.said
    function = _maybe_text(said, "function") or _maybe_text(said, "reason") or about.name
    return Error(
        **about.common,
        **about.place,
        name=function[:512],
        message=_message(_maybe_text(said, "message") or ""),
        data=_data(said, function),
    )


def _log(about: _About) -> Log:
    said = about.said
    level = _maybe_text(said, "level") or "info"
    message = (_member(said, "message", _text) or "")[:MAX_MESSAGE]
    data = _data(said, about.name)
    return Log(**about.common, message=message, level=level[:32], data=data)


def _feedback(about: _About) -> Feedback:
    given = about.said.rest.get("feedback")
    if given is None:
        raise BadInput("feedback", found="nothing", allowed="an object of ratings from 1 to 5")
    try:
        ratings = _ratings.decode(given)
    except msgspec.DecodeError as error:
        raise BadInput("feedback", found=_shown(error), allowed="ratings from 1 to 5") from None
    return Feedback(
        **about.common,
        overall=ratings.overall_rating,
        audio=ratings.audio_quality_rating,
        video=ratings.video_quality_rating,
        comment=(ratings.comments or "")[:MAX_MESSAGE] or None,
        data=_data(about.said, about.name),
    )


def _report(about: _About) -> Report:
    said = about.said
    stats = said.rest.pop("stats", None)
    if stats is None:
        raise BadInput("stats", found="nothing", allowed="an array or an object")
    if said.connection is None:
        raise BadInput("connectionID", found="nothing", allowed="a name, in every report")
    return Report(**about.common, connection=said.connection, remote=said.remote, stats=stats)


BY_PATH: Mapping[str, Callable[[_About], AnyRecord]] = {
    "events/user/alive": _alive,
    "events/user/left": _left,
    "events/fabric/setupfailed": _error,
    "events/app/logs": _log,
    "events/feedback": _feedback,
    "events/stats": _report,
    "stats": _report,
}
"""What is more than an event, whatever it calls itself."""
BY_NAME: Mapping[str, Callable[[_About], AnyRecord]] = {
    "fabricSetupFailed": _error,
    "fabricStateChange": _state,
}
"""The same by name, on every path."""


def remainder(said: Said) -> Raw:
    """Return what a report's body says besides its stats, NOTHING where that is nothing."""
    kept = {name: value for name, value in said.rest.items() if bytes(value) != b"null"}
    kept.pop("callstatsVersion", None)
    return raw(kept) if kept else NOTHING


def _data(said: Said, name: str) -> Raw:
    """Return the rest; the ``eventType`` too where the record's name does not tell it."""
    rest = said.rest
    if said.event is not None and said.event != name:
        rest = {"eventType": raw(said.event), **rest}
    return Raw(_encoder.encode(rest)) if rest else NOTHING


def _member(said: Said, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    found = said.rest.get(name)
    return None if found is None else _typed(found, name, decoder)


def _maybe_text(said: Said, name: str) -> str | None:
    """Return a member that is good to know, if it is text."""
    try:
        return _member(said, name, _text) or None
    except BadInput:
        return None


def _message(message: str) -> str:
    """Return what an error says; the browser's library wraps it in JSON with name and stack."""
    try:
        caught = _caught.decode(message) if message.startswith("{") else None
    except msgspec.DecodeError:
        caught = None
    return (caught.message if caught else message)[:MAX_MESSAGE]
