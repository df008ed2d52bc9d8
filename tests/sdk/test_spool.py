"""What is unsent when the process ends is sent once by the next one, and is nobody else's."""

import os
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from callstats.errors import BadInput
from callstats.sdk import courier as couriers
from callstats.sdk import spool as spools
from callstats.sdk.lines import Line
from callstats.sdk.spool import Spool
from callstats.wire import Dropped, Event, batch

from .conftest import Connect
from .recording import SECRET, Answer, Collector, eventually
from .scripts import begin, run


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "BACK_OFF", 0.02)
    monkeypatch.setattr(couriers, "CHORE", 0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


def die_with(collector: Collector, folder: Path, *, events: int = 3) -> None:
    """Have a process report while the server is away, and kill it once that is on disk."""
    collector.stop()
    code = f"""
    import logging
    logging.getLogger("callstats").setLevel(logging.CRITICAL)
    client = connect(spool={str(folder)!r})
    for index in range({events}):
        client.event(f"event {{index}}", conference="c")
    print("ready", flush=True)
    sys.stdin.read()
    """
    with begin(collector, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        last = f'"event {events - 1}"'.encode()
        eventually(lambda: any(last in path.read_bytes() for path in files(folder)))
        process.kill()
    collector.start()


def test_a_killed_process_loses_nothing_that_was_on_disk(
    collector: Collector, connect: Connect, folder: Path
) -> None:
    die_with(collector, folder)

    client = connect(spool=folder)

    eventually(lambda: collector.kinds() == Counter(joined=1, event=3))
    eventually(lambda: client.sent == {"joined": 1, "event": 3})
    eventually(lambda: not files(folder))
    assert len({name for name, _ in collector.records}) == 1
    assert sorted(seq for _, seq in collector.records) == [1, 2, 3, 4]


def test_a_closed_client_leaves_to_the_next_what_the_server_did_not_take(
    collector: Collector, connect: Connect, folder: Path
) -> None:
    collector.stop()
    told: list[tuple[bool, str]] = []
    first = connect(spool=folder)
    first.event("x", conference="c")
    first.feedback(conference="c", overall=1, on_delivery=lambda *fate: told.append(fate))
    first.drop("application full", 7)
    assert not first.close(0.3)
    assert first.dropped == {"application full": 7}, "what is on disk is not lost"
    assert told == [(False, "kept on disk")]
    collector.start()

    connect(spool=folder)

    eventually(
        lambda: collector.kinds() == Counter(joined=1, event=1, feedback=1, left=1, dropped=1)
    )
    assert collector.of_type(Dropped)[0].counts == {"application full": 7}
    eventually(lambda: not files(folder))


def test_what_had_arrived_already_counts_once(
    collector: Collector, connect: Connect, folder: Path
) -> None:
    """The server stored the batch, but the answer never came, and then the process ended."""
    collector.batch_answers.extend([Answer(is_lost=True)] + [Answer(status=503)] * 1_000)
    first = connect(spool=folder)
    first.event("x", conference="c")
    eventually(lambda: collector.kinds() == Counter(joined=1, event=1))
    first.close(0.1)
    collector.batch_answers.clear()

    connect(spool=folder)

    eventually(lambda: not files(folder))
    assert collector.kinds() == Counter(joined=1, event=1, left=1)
    assert set(collector.repeated.values()) == {1}


def test_of_several_processes_one_takes_over(collector: Collector, folder: Path) -> None:
    die_with(collector, folder, events=200)
    code = f"""
    client = connect(spool={str(folder)!r})
    sys.stdin.readline()
    client.close(30)
    print(client.sent.get("event", 0))
    """
    heirs = [begin(collector, code) for _ in range(4)]
    eventually(lambda: collector.kinds()["event"] == 200)
    counts = [heir.communicate("\n", timeout=60) for heir in heirs]

    assert sorted(int(out) for out, _ in counts) == [0, 0, 0, 200]
    assert not collector.repeated
    assert not files(folder)


def test_a_client_that_lives_keeps_its_file(collector: Collector, folder: Path) -> None:
    """In this process and in a forked child: the lock is the parent's."""
    collector.stop()
    out = run(
        collector,
        f"""
        import logging, pathlib, time
        logging.getLogger("callstats").setLevel(logging.CRITICAL)
        folder = pathlib.Path({str(folder)!r})
        client = connect(spool=folder)
        client.event("parent", conference="c")
        while not list(folder.glob("*.spool")):
            time.sleep(0.01)
        if os.fork() == 0:
            client.event("child", conference="c")
            client.close(0.2)
            os._exit(0)
        os.wait()
        other = connect(spool=folder, user="bob")
        other.event("other", conference="c")
        other.close(0.2)
        client.close(0.2)
        """,
    )
    assert out == ""
    told = [path.read_bytes() for path in files(folder)]
    assert sorted(
        [name for name in (b"parent", b"child", b"other") if b'"name":"%s"' % name in text]
        for text in told
    ) == [[b"child"], [b"other"], [b"parent"]]
    collector.start()

    run(collector, f"client = connect(spool={str(folder)!r}); client.flush(); client.close(30)")

    eventually(lambda: collector.kinds()["event"] == 3)
    assert not collector.repeated


def spooled(
    folder: Path, names: list[str], *, url: str = "http://x", max_bytes: int = 10**6
) -> Spool:
    spool = Spool(folder, url=url, app_id=1, client="c" * 32, max_bytes=max_bytes)
    lines = [line(seq, name) for seq, name in enumerate(names, 1)]
    for each in lines:
        spool.write([each], lambda each=each: lines[: each.seq])  # type: ignore[misc]
    return spool


def line(seq: int, name: str) -> Line:
    record = Event(seq=seq, at_ms=0, user="u", device="d", conference="c", name=name)
    return Line(seq, "event", batch.encode_record(record))


def heir(folder: Path, *, url: str = "http://x", app_id: int = 1) -> Spool:
    return Spool(folder, url=url, app_id=app_id, client="d" * 32, max_bytes=10**6)


def read_names(spool: Spool) -> tuple[list[str], bool]:
    """Take everything over; return the events' names and whether something was damaged."""
    names, damaged = [], False
    for legacy in spool.take_over():
        for parcel in legacy.parcels(200):
            names += [msgspec.json.decode(each.text)["name"] for each in parcel.lines]
        damaged = damaged or legacy.is_damaged
        legacy.remove()
    return names, damaged


NAMES = [f"event {index}" for index in range(20)]


def test_a_file_is_taken_over_whole_and_in_order(folder: Path) -> None:
    spooled(folder, NAMES).leave()

    assert read_names(heir(folder)) == (NAMES, False)
    assert read_names(heir(folder)) == ([], False)


@pytest.mark.parametrize("cut", [1, 10, 60, 200, 1_000])
def test_a_torn_file_costs_its_tail(folder: Path, cut: int) -> None:
    spooled(folder, NAMES).leave()
    [path] = files(folder)
    text = path.read_bytes()
    path.write_bytes(text[:-cut])
    whole = text[:-cut].count(b"\n") - 1

    assert read_names(heir(folder)) == (NAMES[:whole], not text[:-cut].endswith(b"\n"))


@pytest.mark.parametrize("place", [0, 5, 80, 300, 700, 1_500])
@pytest.mark.parametrize("garbage", [b"\x00", b"\n", b"x" * 40, b"\xff\xfe"])
def test_a_damaged_file_costs_what_stands_behind_the_damage(
    folder: Path, place: int, garbage: bytes
) -> None:
    spooled(folder, NAMES).leave()
    [path] = files(folder)
    text = path.read_bytes()
    path.write_bytes(text[:place] + garbage + text[place + len(garbage) :])
    whole = max(0, text[:place].count(b"\n") - 1)

    names, is_damaged = read_names(heir(folder))

    assert names == NAMES[:whole]
    assert is_damaged
    assert not files(folder)


def test_damage_is_counted_and_told(collector: Collector, connect: Connect, folder: Path) -> None:
    die_with(collector, folder)
    [path] = files(folder)
    path.write_bytes(path.read_bytes()[:-20])

    client = connect(spool=folder)

    eventually(lambda: client.dropped == {"spool damaged": 1})
    client.event("next", conference="c")
    assert client.flush(20)
    assert collector.of_type(Dropped)[0].counts == {"spool damaged": 1}
    assert sorted(collector.names()) == ["", "", "", "event 0", "event 1", "next"]


def test_a_file_is_for_one_server_and_one_app(folder: Path) -> None:
    spooled(folder, NAMES).leave()

    assert read_names(heir(folder, url="http://y")) == ([], False)
    assert read_names(heir(folder, app_id=2)) == ([], False)
    assert read_names(heir(folder)) == (NAMES, False)


def test_a_file_keeps_within_its_bytes_and_keeps_what_matters_most(folder: Path) -> None:
    spool = Spool(folder, url="http://x", app_id=1, client="c" * 32, max_bytes=4_000)
    lines: list[Line] = []
    for seq in range(1, 200):
        kind = ["report", "log", "event"][seq % 3]
        lines.append(line(seq, f"{kind} {seq}")._replace(kind=kind))
        spool.write([lines[-1]], lambda: lines)
        assert files(folder)[0].stat().st_size <= 4_000
    spool.leave()

    names, _ = read_names(heir(folder))

    assert len(names) > 10
    assert names[-1] == "event 197" or names[-2] == "event 197"
    kinds = Counter(name.split()[0] for name in names[:-3])
    assert kinds == {"event": len(names) - 3}


def test_nothing_on_disk_is_secret_or_readable_by_others(
    collector: Collector, folder: Path
) -> None:
    os.umask(os.umask(0))
    die_with(collector, folder)

    for path in [*files(folder), folder / "lock"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert SECRET.encode() not in path.read_bytes()
        assert b"token" not in path.read_bytes()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_others_put_there_is_left_alone(folder: Path, tmp_path: Path) -> None:
    spooled(folder, NAMES).leave()
    [path] = files(folder)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)

    assert read_names(heir(folder)) == ([], False)
    assert elsewhere.exists()


def test_a_full_disk_costs_the_copy_and_heals(
    collector: Collector, connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.stop()
    client = connect(spool=folder)
    write_all = spools._write_all
    room = [300]

    def write(file: int, text: bytes, *, at: int) -> None:
        fits = text[: room[0]]
        room[0] -= len(fits)
        write_all(file, fits, at=at)
        if len(fits) < len(text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(spools, "_write_all", write)
    for index in range(20):
        client.event(f"event {index}", conference="c", data="x" * 50)
    eventually(lambda: room[0] == 0)
    room[0] = 10**6
    eventually(lambda: any(b'"event 19"' in path.read_bytes() for path in files(folder)))
    assert not client.close(0.1)
    collector.start()

    connect(spool=folder)

    eventually(lambda: collector.kinds() == Counter(joined=1, event=20, left=1))


def test_a_disk_that_never_takes_anything_leaves_all_else_as_it_was(
    collector: Collector, connect: Connect, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(spools, "_write_all", fail)
    client = connect(spool=folder)
    client.event("x", conference="c")
    assert client.flush(20)

    collector.stop()
    client = connect(spool=folder)
    client.event("y", conference="c")
    assert not client.close(0.2)

    assert client.dropped == {"closed": 3}


def test_many_dead_processes_do_not_fill_the_disk(
    collector: Collector, connect: Connect, folder: Path
) -> None:
    for index in range(5):
        client = f"{index:032}"
        spool = Spool(folder, url=collector.url, app_id=42, client=client, max_bytes=10**7)
        records = [line(seq, "x" * 400) for seq in range(1, 1_001)]
        spool.write(records, lambda records=records: records)  # type: ignore[misc]
        spool.leave()
        os.utime(files(folder)[-1], (index, index))

    heir = connect(spool=folder, max_bytes=2 << 20)

    eventually(lambda: heir.sent.get("event") == 4_000)
    assert heir.dropped == {"spool full": 1_000}, "the oldest of the five"
    assert heir.close(20)
    assert not files(folder)


@pytest.mark.parametrize(("wrong", "told"), [(7, "found int"), ("/dev/null", "found FileExists")])
def test_a_folder_that_cannot_be_one_is_refused(connect: Connect, wrong: Any, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        connect(spool=wrong)


def test_without_a_spool_nothing_is_written(
    collector: Collector, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = connect()
    client.event("x", conference="c")
    assert client.flush(20)

    assert list(tmp_path.iterdir()) == []
