"""How do we know what is wrong with a call? By making one: real peers, and a fault of our own.

A conference runs on loopback in this process, every participant connected to every other. One of
them may sit behind an access network whose packets are lost, delayed, reordered and limited in
bandwidth as a script says, so the cause of whatever is measured is known beforehand::

    bob = lab.Access(downlink=lab.Impairment(loss=0.05, delay=0.120))
    async with lab.Conference(["alice", "bob", "carol"], access={"bob": bob}) as conference:
        await conference.run(10)
"""

from callstats.testing.lab.conference import ENGINES, Conference, Participant, check
from callstats.testing.lab.link import Impairment, Link
from callstats.testing.lab.names import names
from callstats.testing.lab.network import Access, Network, Step
from callstats.testing.lab.relay import Relay

__all__ = [
    "ENGINES",
    "Access",
    "Conference",
    "Impairment",
    "Link",
    "Network",
    "Participant",
    "Relay",
    "Step",
    "check",
    "names",
]
