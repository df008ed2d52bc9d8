import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from callstats import store as stores
from callstats.store import Engine, FolderLocked, FolderUnusable, Store, Unavailable
from callstats.store.engine import read_address
from callstats.store.engine.folder import is_running
from tests.store.made import event
from tests.store.waiting import until


def test_it_says_where_it_listens_to_its_owner_only(engine: Engine, engine_folder: Path) -> None:
    file = engine_folder / "engine.json"

    said = json.loads(file.read_bytes())

    assert (said["url"], said["secret"]) == (engine.url, engine.secret)
    assert said["server"] == os.getpid()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(engine_folder.stat().st_mode) == 0o700


def test_it_runs_in_a_process_of_its_own(engine: Engine) -> None:
    assert engine.is_alive()
    assert engine.address.pid != os.getpid()
    assert engine.secret not in repr(engine.address)


def test_the_engines_library_is_loaded_in_its_own_process_only() -> None:
    script = "import sys, callstats.store; print('chdb' in sys.modules)"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert said.stdout.strip() == b"False"


def test_it_leaves_nothing_behind_when_stopped(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "data").start()
    pid = engine.address.pid

    engine.stop()

    assert not is_running(pid)
    assert not engine.is_alive()
    assert not (tmp_path / "data" / "engine.json").exists()
    with pytest.raises(Unavailable):
        _ = engine.url


def test_what_was_begun_is_answered_before_it_ends(tmp_path: Path) -> None:
    engine = Engine(tmp_path / "data").start()
    with stores.of_engine(engine) as store, ThreadPoolExecutor() as threads:
        slow = "SELECT count() AS slept FROM numbers(20) WHERE sleepEachRow(0.1) = 0"
        answer = threads.submit(store.query_sql, slow)
        running = "SELECT count() AS n FROM system.processes WHERE query LIKE '%sleepEach%'"
        until(lambda: _ask(store, running) > 1)

        engine.stop()

        assert answer.result().column("slept").to_pylist() == [20]


def _ask(store: Store, sql: str) -> int:
    number: int = store._ask(sql, {}, {}).column("n")[0].as_py()
    return number


def test_what_was_written_is_there_at_the_next_start(tmp_path: Path, app_id: int) -> None:
    for seq in (1, 2):
        with stores.open(tmp_path / "data") as store:
            store.append("events", [event(app_id, seq)])

    with stores.open(tmp_path / "data") as store:
        kept = store.query_sql("SELECT seq FROM events ORDER BY seq").column("seq").to_pylist()

    assert kept == [1, 2]


def test_a_folder_in_use_is_refused_with_its_holder(engine: Engine, engine_folder: Path) -> None:
    with pytest.raises(FolderLocked, match=f"process {os.getpid()}") as caught:
        stores.open(engine_folder, share=False)

    assert caught.value.url == engine.url


def test_the_holder_may_be_another_process(tmp_path: Path) -> None:
    script = (
        "import sys; from callstats.store import Engine\n"
        "with Engine(sys.argv[1]): print('ready', flush=True); sys.stdin.read()"
    )
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()

        with pytest.raises(FolderLocked) as caught:
            Engine(folder).start()
        with stores.open(folder) as shared:
            shared.ping()

        assert caught.value.pid == holder.pid
        holder.communicate()


def test_an_engine_ends_with_the_process_that_started_it(tmp_path: Path, app_id: int) -> None:
    script = (
        "import sys; from callstats.store import Engine\n"
        "engine = Engine(sys.argv[1]).start(); print('ready', flush=True); sys.stdin.read()"
    )
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        address = read_address(folder)
        assert address is not None

        holder.kill()
        holder.communicate()

        with stores.open(folder, share=False) as store:
            store.ping()
    until(lambda: not is_running(address.pid))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(FolderUnusable, match="Permission denied"):
        Engine(tmp_path / "data").start()


def test_a_read_only_disk_is_refused(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    with pytest.raises(FolderUnusable, match="Read-only file system"):
        Engine(small_disk / "data").start()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(FolderUnusable, match="Not a directory"):
        Engine(tmp_path / "file" / "data").start()
    with pytest.raises(FolderUnusable, match="exists"):
        Engine(tmp_path / "file").start()


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(FolderUnusable, match=r"somebody else, such as thesis\.txt"):
        Engine(tmp_path).start()

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_it_is_started_again_after_a_crash_and_found_again(tmp_path: Path, app_id: int) -> None:
    with Engine(tmp_path / "data") as engine, stores.of_engine(engine) as store:
        store.append("events", [event(app_id, 1)])
        before = engine.address

        os.kill(before.pid, signal.SIGKILL)
        until(lambda: engine.is_alive() and engine.address.pid != before.pid)

        assert store.query_sql("SELECT seq FROM events").num_rows == 1
        assert engine.secret != before.secret


def test_a_store_over_anothers_engine_finds_it_again_too(tmp_path: Path) -> None:
    with Engine(tmp_path / "data") as engine, stores.of_engine(engine):
        pid = engine.address.pid
        with stores.open(tmp_path / "data") as shared:
            os.kill(pid, signal.SIGKILL)
            until(lambda: engine.is_alive() and engine.address.pid != pid)

            shared.ping()


def test_while_it_is_away_the_store_is_unavailable(tmp_path: Path, app_id: int) -> None:
    engine = Engine(tmp_path / "data").start()
    with stores.of_engine(engine) as store:
        engine.stop()

        with pytest.raises(Unavailable) as asked:
            store.ping()
        with pytest.raises(Unavailable):
            store.append("events", [event(app_id, 1)])

    assert asked.value.retry_after is not None


def test_what_was_acknowledged_survives_being_killed(tmp_path: Path, app_id: int) -> None:
    acknowledged: list[int] = []
    with Engine(tmp_path / "data") as engine, stores.of_engine(engine) as store:
        for kill in range(3):
            insert = threading.Thread(
                target=_insert_until_refused, args=(store, app_id, kill, acknowledged)
            )
            insert.start()
            enough = len(acknowledged) + 5
            until(lambda: len(acknowledged) >= enough)  # noqa: B023 - waited for at once
            pid = engine.address.pid
            os.kill(pid, signal.SIGKILL)
            insert.join()
            until(lambda: engine.is_alive() and engine.address.pid != pid)  # noqa: B023

        kept = store.query_sql("SELECT DISTINCT seq FROM events").column("seq").to_pylist()

    assert set(acknowledged) <= set(kept)


def _insert_until_refused(store: Store, app_id: int, kill: int, acknowledged: list[int]) -> None:
    for number in range(100_000):
        seq = kill * 100_000 + number + 1
        try:
            store.append("events", [event(app_id, seq)])
        except Unavailable:
            return
        acknowledged.append(seq)


def test_a_full_disk_is_said_and_nothing_is_acknowledged(small_disk: Path, app_id: int) -> None:
    with stores.open(small_disk / "data") as store:
        stored = _fill(store, app_id)
        kept = store.query_sql("SELECT count() AS events FROM events").column("events")[0]

        with pytest.raises(Unavailable, match="disk is full"):
            store.append("events", [event(app_id, 1000, data=os.urandom(100_000).hex())])

    assert kept.as_py() == stored > 0


def _fill(store: Store, app_id: int) -> int:
    """Store large events until one is refused; return how many were taken."""
    for seq in range(1, 1000):
        try:
            store.append("events", [event(app_id, seq, data=os.urandom(100_000).hex())])
        except Unavailable:
            return seq - 1
    raise AssertionError("the disk never got full")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("may not mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
