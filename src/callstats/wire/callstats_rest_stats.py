"""How did clients of the old service write their stats? As W3C objects, or in forms of their own.

- Browsers: an array of getStats objects, which is read as everyone's.
- The draft: an object of arrays (``tracks``, ``candidatePairs``, …).
- Bridges (Java): an array of ``{"type": "inbound" | "outbound", "ssrc": …}`` without id and time.
- Phones: like browsers, sometimes with numbers as text and no time.

What is not W3C's is translated, object by object, where the meaning is known: a bridge's ``rtt`` is
in milliseconds; the unit of its ``jitter`` nobody says, so that stays unknown. An object that is
none is counted as damaged. The report itself is kept as it came.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from callstats.errors import BadInput
from callstats.wire import samples
from callstats.wire.samples import Sample

LISTS: Mapping[str, str] = {
    "tracks": "track",
    "candidatePairs": "candidate-pair",
    "transports": "transport",
    "msts": "media-source",
    "dataChannels": "data-channel",
    "codecs": "codec",
}
"""The arrays of the draft, with the type of an object that does not say it."""
BRIDGE_TYPES: Mapping[str, str] = {"inbound": "inbound-rtp", "outbound": "outbound-rtp"}

_generic = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()

Object = dict[str, Any]


def read(stats: Raw | bytes, *, at_ms: float) -> tuple[list[Sample], int]:
    """Return the samples of one report, and how much was of a wrong type; raises BadInput.

    ``at_ms`` is the time of an object that has none.
    """
    if bytes(memoryview(stats)[:1]) == b"[":
        try:
            return samples.decode(stats)
        except (BadInput, RecursionError):
            pass
    try:
        found = _generic.decode(stats)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _refusal(str(error)[:200]) from None
    return _translated(list(_objects(found)), at_ms)


def _objects(found: Any) -> Iterator[tuple[str, Any]]:
    """Yield each object with the type it is of unless it says another."""
    if isinstance(found, list):
        yield from (("unknown", each) for each in found)
    elif isinstance(found, dict):
        for name, kind in LISTS.items():
            several = found.get(name) or []
            if not isinstance(several, list):
                raise _refusal(f"no array in {name}")
            yield from ((kind, each) for each in several)
    else:
        raise _refusal(f"a {type(found).__name__}")


def _translated(objects: list[tuple[str, Any]], at_ms: float) -> tuple[list[Sample], int]:
    whole: list[Object] = []
    damaged = 0
    for number, (kind, found) in enumerate(objects):
        if isinstance(found, dict):
            whole.extend(_w3c(kind, found, number, at_ms))
        else:
            damaged += 1
    read, more = samples.decode(_encoder.encode(whole))
    return read, damaged + more


def _w3c(kind: str, found: Object, number: int, at_ms: float) -> Iterator[Object]:
    given = found.get("type")
    said = given if isinstance(given, str) else kind
    ssrc = _number(found.get("ssrc"))
    kept = {
        **found,
        "type": BRIDGE_TYPES.get(said, said),
        "id": _id(found, f"{said}-{number if ssrc is None else int(ssrc)}"),
        "timestamp": _number(found.get("timestamp")) or at_ms,
    }
    if ssrc is not None:
        kept["ssrc"] = int(ssrc)
    if said not in BRIDGE_TYPES:
        yield kept
        return
    kept.pop("jitter", None)
    kept.setdefault("kind", found.get("mediaType"))
    yield kept
    rtt = _number(found.get("rtt"))
    if said == "outbound" and rtt is not None:
        yield _far(kept, rtt)


def _far(outbound: Object, rtt_ms: float) -> Object:
    """Return what the far end told a bridge, as W3C has it: in an object of its own."""
    return {
        "type": "remote-inbound-rtp",
        "id": f"remote-{outbound['id']}",
        "localId": outbound["id"],
        "timestamp": outbound["timestamp"],
        "ssrc": outbound.get("ssrc"),
        "kind": outbound["kind"],
        "roundTripTime": rtt_ms / 1000,
        "packetsLost": outbound.get("packetsLost"),
    }


def _id(found: Object, otherwise: str) -> str:
    given = found.get("id")
    return given if given and isinstance(given, str) else otherwise


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    is_usable = isinstance(value, int | float) and 0 <= value < 2**63
    return value if is_usable else None


def _refusal(found: str) -> BadInput:
    return BadInput("stats of a report", found=found, allowed="an array or an object of stats")
