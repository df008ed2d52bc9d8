from msgspec.structs import replace

from callstats.calls import Call
from callstats.dashboard import legs

from . import examples


def words(call: Call) -> list[list[str | None]]:
    found = legs.matrix(call, call.participants)
    assert found
    return [[leg.word if leg else None for leg in row.legs] for row in found.rows]


def test_the_listener_whose_way_in_is_bad_has_a_bad_row() -> None:
    assert words(examples.impaired()) == [
        [None, "good", "good"],
        ["poor", None, "poor"],
        ["good", "good", None],
    ]


def test_the_loss_of_a_leg_is_that_of_all_its_packets() -> None:
    call = examples.impaired()
    bob = call.participants[1]

    leg = legs.leg(bob, "alice")

    assert leg
    assert leg.loss is not None
    assert round(leg.loss, 3) == 0.051


def test_behind_a_server_the_speaker_is_who_sent_the_stream() -> None:
    call = examples.healthy()
    alice, bob, carol = call.participants
    streams = [
        replace(stream, peer=speaker)
        for connection, speaker in zip(alice.connections, ("bob", "carol"), strict=True)
        for stream in connection.streams
    ]
    server = replace(alice.connections[0], remote="bridge", streams=streams)

    found = words(replace(call, participants=[replace(alice, connections=[server]), bob, carol]))

    assert found[0] == [None, "good", "good"]


def test_without_legs_between_participants_there_is_no_table() -> None:
    assert legs.matrix(examples.huge(people=3), examples.huge(people=3).participants) is None
    assert legs.matrix(examples.empty(), []) is None


def test_a_crowd_is_no_table() -> None:
    users = [f"user {number}" for number in range(legs.MAX_SIDES + 1)]

    assert legs.matrix(examples.mesh("id", "crowd", users, impaired=None), []) is None
