"""A TURN server over UDP, as much of RFC 8656 as a browser needs to call itself through it.

It stands on loopback for the pre-call test: long-term credentials, one allocation a client
address, permissions for everybody, send and data indications, channels.
"""

import hashlib
import secrets
import socket
import struct
import threading
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aioice import stun

USERNAME = "caller"
PASSWORD = "relay-password"
REALM = "relay"
_KEY = hashlib.md5(f"{USERNAME}:{REALM}:{PASSWORD}".encode()).digest()
LIFETIME = 600
_CHANNEL = struct.Struct("!HH")

Address = tuple[str, int]


@dataclass
class Allocation:
    """What one client may use: a socket for its peers, and channel numbers for them."""

    relay: socket.socket
    channels: dict[int, Address] = field(default_factory=dict)
    numbers: dict[Address, int] = field(default_factory=dict)


class RelayServer:
    """Answers in one thread, and in one more for each allocation."""

    def __init__(self) -> None:
        self._socket = _bound()
        self._nonce = secrets.token_hex(8).encode()
        self._allocations: dict[Address, Allocation] = {}
        self._threads: list[threading.Thread] = []
        self._is_closed = False
        self._start(self._serve)

    @property
    def ice_servers(self) -> list[dict[str, Any]]:
        """What a page puts into its RTCConfiguration."""
        url = f"turn:127.0.0.1:{self._socket.getsockname()[1]}?transport=udp"
        return [{"urls": [url], "username": USERNAME, "credential": PASSWORD}]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_closed = True
        for thread in self._threads:
            thread.join()
        for allocation in self._allocations.values():
            allocation.relay.close()
        self._socket.close()

    def _start(self, work: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while not self._is_closed:
            data, client = _received(self._socket)
            if not data:
                continue
            if data[0] & 0xC0 == 0x40:
                self._forward_channel(data, client)
            else:
                self._answer(data, client)

    def _forward_channel(self, data: bytes, client: Address) -> None:
        number, length = _CHANNEL.unpack_from(data)
        allocation = self._allocations[client]
        allocation.relay.sendto(data[4 : 4 + length], allocation.channels[number])

    def _answer(self, data: bytes, client: Address) -> None:
        message = stun.parse_message(data)
        if message.message_class == stun.Class.INDICATION:
            peer = message.attributes["XOR-PEER-ADDRESS"]
            self._allocations[client].relay.sendto(message.attributes["DATA"], peer)
            return
        is_known = message.attributes.get("USERNAME") == USERNAME
        answer = self._grant(message, client) if is_known else self._challenge(message)
        if answer is not None:
            self._socket.sendto(bytes(answer), client)

    def _challenge(self, message: stun.Message) -> stun.Message:
        answer = _answer_to(message, stun.Class.ERROR)
        answer.attributes["ERROR-CODE"] = (401, "Unauthorized")
        answer.attributes["NONCE"] = self._nonce
        answer.attributes["REALM"] = REALM
        return answer

    def _grant(self, message: stun.Message, client: Address) -> stun.Message:
        answer = _answer_to(message, stun.Class.RESPONSE)
        if message.message_method == stun.Method.ALLOCATE:
            relay = self._allocate(client).relay
            answer.attributes["XOR-RELAYED-ADDRESS"] = relay.getsockname()
            answer.attributes["XOR-MAPPED-ADDRESS"] = client
            answer.attributes["LIFETIME"] = LIFETIME
        elif message.message_method == stun.Method.REFRESH:
            answer.attributes["LIFETIME"] = message.attributes.get("LIFETIME", LIFETIME)
        elif message.message_method == stun.Method.CHANNEL_BIND:
            peer = message.attributes["XOR-PEER-ADDRESS"]
            number = message.attributes["CHANNEL-NUMBER"]
            self._allocations[client].channels[number] = peer
            self._allocations[client].numbers[peer] = number
        answer.add_message_integrity(_KEY)
        return answer

    def _allocate(self, client: Address) -> Allocation:
        if client not in self._allocations:
            allocation = self._allocations[client] = Allocation(_bound())
            self._start(self._listen, allocation, client)
        return self._allocations[client]

    def _listen(self, allocation: Allocation, client: Address) -> None:
        while not self._is_closed:
            data, peer = _received(allocation.relay)
            if not data:
                continue
            number = allocation.numbers.get(peer)
            if number is not None:
                self._socket.sendto(_CHANNEL.pack(number, len(data)) + data, client)
                continue
            indication = stun.Message(
                message_method=stun.Method.DATA, message_class=stun.Class.INDICATION
            )
            indication.attributes["XOR-PEER-ADDRESS"] = peer
            indication.attributes["DATA"] = data
            self._socket.sendto(bytes(indication), client)


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(0.1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind(("127.0.0.1", 0))
    return made


def _received(receiver: socket.socket) -> tuple[bytes, Address]:
    try:
        return receiver.recvfrom(65_536)
    except TimeoutError:
        return b"", ("", 0)


def _answer_to(message: stun.Message, message_class: stun.Class) -> stun.Message:
    return stun.Message(
        message_method=message.message_method,
        message_class=message_class,
        transaction_id=message.transaction_id,
    )
