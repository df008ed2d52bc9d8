"""What does aiortc know about the way its packets take?

Its public stats have the transport. The candidates, their pairs and the one that was nominated are
aioice's, which is read here, and whose STUN checks are heard for the round trip: aioice checks the
nominated pair about every five seconds (RFC 7675) and measures nothing.
"""

import time
from collections.abc import Iterator
from typing import Any

from callstats.sdk.aiortc_objects import first, make, peek
from callstats.sdk.taps import Taps

MAX_OPEN = 256
"""Checks that may be unanswered; older ones never will be answered."""


class Check:
    """What was asked over one pair, and how long the answers took."""

    def __init__(self) -> None:
        self.requests = 0
        self.responses = 0
        self.rtt: float | None = None
        self.total_rtt = 0.0


class Checks:
    """The STUN checks of one local candidate, by the address they go to."""

    def __init__(self) -> None:
        self.by_address: dict[object, Check] = {}
        self._sent_at: dict[bytes, float | None] = {}

    def listen(self, taps: Taps, protocol: Any) -> None:
        """Hear what the candidate's socket asks and is answered."""
        taps.add(protocol, "send_stun", self._hear_send)
        taps.add(protocol, "request", self._hear_answer, is_awaited=True)

    def _hear_send(self, _: object, __: object, message: Any, address: object) -> None:
        if message.message_class.name != "REQUEST":
            return
        if message.transaction_id in self._sent_at:
            # Sent again: nobody knows which of the two an answer is to.
            self._sent_at[message.transaction_id] = None
            return
        self._sent_at[message.transaction_id] = time.monotonic()
        self.by_address.setdefault(address, Check()).requests += 1
        if len(self._sent_at) > MAX_OPEN:
            del self._sent_at[next(iter(self._sent_at))]

    def _hear_answer(
        self, _: object, __: object, request: Any, address: object, *___: object
    ) -> None:
        check = self.by_address.setdefault(address, Check())
        check.responses += 1
        sent_at = self._sent_at.pop(request.transaction_id, None)
        if sent_at is not None:
            check.rtt = time.monotonic() - sent_at
            check.total_rtt += check.rtt


class Paths:
    """The checks of a connection."""

    def __init__(self) -> None:
        self._checks: dict[int, Checks] = {}

    def listen(self, taps: Taps, transport: Any) -> None:
        """Hear the sockets of a DTLS transport, as far as they are there by now."""
        for protocol in peek(_aioice(transport), "_protocols") or ():
            self._checks.setdefault(protocol.id, Checks()).listen(taps, protocol)

    def check(self, pair: Any) -> Check:
        """Return what is known of a pair's checks."""
        checks = self._checks.get(peek(peek(pair, "protocol"), "id"))
        return (checks.by_address.get(pair.remote_addr) if checks else None) or Check()


def transports(pc: Any) -> list[Any]:
    """Return the DTLS transports; with bundling that is one."""
    owners = [transceiver.receiver for transceiver in pc.getTransceivers()]
    found = [owner.transport for owner in [*owners, pc.sctp] if owner is not None]
    return list(dict.fromkeys(found))


def connecting(transport: Any, paths: Paths) -> Iterator[dict[str, object]]:
    """Tell of a transport, its candidates, and the pair in use; until there is one, of all pairs.

    Pairs that were not chosen say why there is no connection, and nothing once there is.
    """
    told = first(transport._get_stats() if hasattr(transport, "_get_stats") else {}, "transport")
    if told is None:
        return
    aioice = _aioice(transport)
    chosen = next(iter((peek(aioice, "_nominated") or {}).values()), None)
    pairs = [chosen] if chosen is not None else list(peek(aioice, "_check_list") or ())
    yield make(
        "transport",
        told,
        packetsSent=told.packetsSent,
        packetsReceived=told.packetsReceived,
        bytesSent=told.bytesSent,
        bytesReceived=told.bytesReceived,
        iceRole=told.iceRole,
        iceState=transport.transport.state,
        dtlsState=told.dtlsState,
        selectedCandidatePairId=None if chosen is None else _id_of("candidate-pair", chosen),
    )
    for pair in pairs:
        yield _pair(told, pair, is_chosen=pair is chosen, check=paths.check(pair))
    yield from _candidates(told, transport, pairs)


def _candidates(told: Any, transport: Any, pairs: list[Any]) -> Iterator[dict[str, object]]:
    aioice = _aioice(transport)
    ends = {
        "local": [*(peek(aioice, "_local_candidates") or ())],
        "remote": [*(peek(aioice, "_remote_candidates") or ())],
    }
    for pair in pairs:
        # A pair may be of an address that only showed when a check came from it.
        ends["local"].append(pair.local_candidate)
        ends["remote"].append(pair.remote_candidate)
    for side, found in ends.items():
        for candidate in {id(each): each for each in found}.values():
            is_relayed = side == "local" and candidate.type == "relay"
            yield _candidate(
                told, side, candidate, peek(aioice, "turn_transport") if is_relayed else None
            )


def _pair(told: Any, pair: Any, *, is_chosen: bool, check: Check) -> dict[str, object]:
    state = peek(peek(pair, "state"), "name")
    return make(
        "candidate-pair",
        told,
        id=_id_of("candidate-pair", pair),
        transportId=told.id,
        localCandidateId=_id_of("local-candidate", pair.local_candidate),
        remoteCandidateId=_id_of("remote-candidate", pair.remote_candidate),
        state=None if state is None else state.lower().replace("_", "-"),
        nominated=is_chosen,
        requestsSent=check.requests or None,
        responsesReceived=check.responses or None,
        currentRoundTripTime=check.rtt,
        totalRoundTripTime=check.total_rtt or None,
    )


def _candidate(
    told: Any, side: str, candidate: Any, relay_protocol: str | None
) -> dict[str, object]:
    return make(
        f"{side}-candidate",
        told,
        id=_id_of(f"{side}-candidate", candidate),
        transportId=told.id,
        candidateType=candidate.type,
        protocol=candidate.transport,
        relayProtocol=relay_protocol,
        address=candidate.host,
        port=candidate.port,
        priority=candidate.priority,
        foundation=candidate.foundation,
        relatedAddress=candidate.related_address,
        relatedPort=candidate.related_port,
        tcpType=candidate.tcptype,
    )


def _aioice(transport: Any) -> Any:
    return peek(peek(transport, "transport"), "_connection")


def _id_of(kind: str, thing: object) -> str:
    return f"{kind}_{id(thing)}"
