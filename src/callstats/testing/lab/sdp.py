"""Which address does a session description name, and which shall it name instead?

Only a complete description is read, with its candidates in it (RFC 8839 section 5.1). Everything
but the one UDP host candidate on loopback is left out, so that peers have one way to each other.
"""

import re

from callstats.errors import BadInput
from callstats.testing.lab.relay import LOOPBACK, Address

_CANDIDATE = re.compile(
    r"a=candidate:(?P<foundation>\S+) 1 (?i:udp) (?P<priority>\d+) "
    rf"{re.escape(LOOPBACK)} (?P<port>\d+) typ host\b"
)


def address(description: str) -> Address:
    """Return the loopback address a peer says it has; raises BadInput where it says none."""
    found = _CANDIDATE.search(description)
    if found is None:
        raise BadInput(
            "a session description",
            found="no UDP candidate on loopback",
            allowed="one at least, gathered before the description is sent",
        )
    return LOOPBACK, int(found["port"])


def with_address(description: str, new: Address) -> str:
    """Return the description with ``new`` wherever it named its own address, and no other."""
    lines = (_rewritten(line, new) for line in description.splitlines())
    return "\r\n".join([*(line for line in lines if line is not None), ""])


def _rewritten(line: str, new: Address) -> str | None:
    if not line.startswith("a=candidate:"):
        return line
    if (found := _CANDIDATE.match(line)) is None:
        return None
    host, port = new
    return f"a=candidate:{found['foundation']} 1 udp {found['priority']} {host} {port} typ host"
