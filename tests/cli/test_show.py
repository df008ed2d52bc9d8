from .conftest import Command, Served


def test_the_call_is_one_document(command: Command, served: Served) -> None:
    shown = command("show", served.call, "--data", served.folder, "--json").json
    assert shown["call"]["id"] == served.call
    bob = next(each for each in shown["participants"] if each["user"] == "bob")
    assert bob["events"] == {"audioMute": 1, "getUserMedia": 1}
    assert shown["logs"] == 1
    assert shown["feedback"][0]["overall"] == 4


def test_people_see_a_row_per_participant_and_the_verdict(command: Command, served: Served) -> None:
    lines = command("show", served.call, "--data", served.folder).out.splitlines()
    assert lines[0].startswith("stand-up [daily], ")
    assert sum(line.startswith(("alice ", "bob ")) for line in lines) == 2
    assert "feedback of bob: overall 4 of 5: fine [mostly]" in lines


def test_a_unique_beginning_is_enough(command: Command, served: Served) -> None:
    for wanted in (served.call[:12], served.call[:12].upper(), "last"):
        shown = command("show", wanted, "--data", served.folder, "--json")
        assert shown.json["call"]["id"] == served.call


def test_a_beginning_of_nothing_is_refused(command: Command, served: Served) -> None:
    outcome = command("show", "zzz", "--data", served.folder)
    assert outcome.err == (
        "callstats: call: found 'zzz', which begins none, "
        "allowed a call's id, a beginning that is unique, or last\n"
    )


def test_an_unknown_id_is_refused(command: Command, served: Served) -> None:
    outcome = command("show", "0" * 26, "--data", served.folder)
    assert (outcome.code, outcome.out) == (1, "")
    assert "0" * 26 in outcome.err
    assert outcome.err.count("\n") == 1
