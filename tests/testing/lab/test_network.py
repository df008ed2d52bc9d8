import pytest

from callstats.testing.lab import Access, Impairment, Network, Step
from callstats.testing.lab import sdp as sdp
from callstats.testing.lab.peer import until

pytestmark = pytest.mark.anyio


def description(port: int) -> str:
    return f"v=0\r\nm=audio 9\r\na=candidate:1 1 udp 99 127.0.0.1 {port} typ host\r\n"


async def test_good_accesses_are_connected_directly() -> None:
    network = Network({})
    route = await network.route("alice", "carol")
    assert sdp.address(route.offered(description(1001))) == ("127.0.0.1", 1001)
    assert sdp.address(route.answered(description(1002))) == ("127.0.0.1", 1002)
    assert network.relays == {}


@pytest.mark.parametrize("impaired", [["alice"], ["bob"], ["alice", "bob"]])
async def test_a_bad_access_hides_the_peers_from_each_other(impaired: list[str]) -> None:
    network = Network({name: Access() for name in impaired})
    try:
        route = await network.route("alice", "bob")
        offered = sdp.address(route.offered(description(1001)))
        answered = sdp.address(route.answered(description(1002)))
        relays = network.relays["alice", "bob"]
        assert len(relays) == len(impaired)
        ports = {address for relay in relays for address in (relay.inside, relay.outside)}
        assert {offered, answered} <= ports
    finally:
        await network.close()


async def test_an_access_changes_as_its_script_says() -> None:
    bad = Impairment(loss=1.0)
    late = Impairment(delay=1.0)
    access = Access(steps=[Step(at=0.1, uplink=late), Step(at=0.0, downlink=bad)])
    network = Network({"bob": access})
    line = network.lines["bob"]
    assert (line.downlink.impairment, line.uplink.impairment) == (Impairment(), Impairment())
    network.start()
    try:
        await until(
            lambda: line.uplink.impairment == late, what="the script did not run", seconds=10
        )
        assert line.downlink.impairment == bad
    finally:
        await network.close()
