"""A forked child reports as itself, and the parent does not notice."""

from collections import defaultdict

from callstats.wire import AnyRecord, Event, Joined

from .recording import Collector
from .scripts import run


def names_by_client(collector: Collector) -> dict[str, list[str]]:
    """Return the events of each client in the order of their numbers."""
    found: dict[str, list[str]] = defaultdict(list)
    for (client, _), record in sorted(collector.records.items(), key=lambda item: item[0][1]):
        if isinstance(record, Event):
            found[client].append(record.name)
    return dict(found)


def lives(collector: Collector) -> dict[str, list[tuple[int, AnyRecord]]]:
    found: dict[str, list[tuple[int, AnyRecord]]] = defaultdict(list)
    for (client, seq), record in collector.records.items():
        found[client].append((seq, record))
    return found


def test_parent_and_child_send_their_own_and_nothing_twice(collector: Collector) -> None:
    run(
        collector,
        """
        client = connect(linger=60)
        client.event("before", conference="c")      # waits in the outbox when the fork comes
        child = os.fork()
        for index in range(3):
            client.event(f"{'parent' if child else 'child'} {index}", conference="c")
        assert client.flush(30)
        if child == 0:
            assert client.sent == {"joined": 1, "event": 3}, client.sent
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.sent == {"joined": 1, "event": 4}, client.sent
        client.close()
        """,
    )

    told = sorted(names_by_client(collector).values(), key=len)
    assert told == [
        ["child 0", "child 1", "child 2"],
        ["before", "parent 0", "parent 1", "parent 2"],
    ]
    assert not collector.repeated
    for records in lives(collector).values():
        assert min(seq for seq, _ in records) == 1
    devices = {joined.device for joined in collector.of_type(Joined)}
    assert len(devices) == 2, "a device that nobody named is the child's own"


def test_a_fork_in_the_middle_of_a_request_disturbs_nobody(collector: Collector) -> None:
    run(
        collector,
        """
        client = connect(device="phone")
        children = []
        for index in range(10):
            for number in range(20):
                client.event(f"parent {index} {number}", conference="c")
            child = os.fork()
            if child == 0:
                client.event(f"child {index}", conference="c")
                os._exit(0 if client.close(30) else 1)
            children.append(child)
        for child in children:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.close(30)
        """,
    )

    told = names_by_client(collector)
    assert len(told) == 11
    assert sorted(len(names) for names in told.values()) == [1] * 10 + [200]
    assert {joined.device for joined in collector.of_type(Joined)} == {"phone"}


def test_children_of_multiprocessing_send_what_they_did_not_flush(collector: Collector) -> None:
    run(
        collector,
        """
        import multiprocessing

        def work(index):
            client.event(f"child {index}", conference="c")

        client = connect(linger=60)
        client.event("parent", conference="c")
        context = multiprocessing.get_context("fork")
        children = [context.Process(target=work, args=(index,)) for index in range(3)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0
        client.close()
        """,
    )

    told = sorted(names_by_client(collector).values())
    assert told == [["child 0"], ["child 1"], ["child 2"], ["parent"]]
    assert not collector.repeated


def test_a_grandchild_and_a_child_that_reports_nothing_are_no_trouble(collector: Collector) -> None:
    run(
        collector,
        """
        import threading

        client = connect()
        client.event("parent", conference="c")
        if os.fork() == 0:
            if os.fork() == 0:
                client.event("grandchild", conference="c")
                sys.exit(0)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
            assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        """,
    )

    assert sorted(names_by_client(collector).values()) == [["grandchild"], ["parent"]]


def test_a_client_that_was_closed_before_the_fork_stays_closed(collector: Collector) -> None:
    run(
        collector,
        """
        client = connect()
        client.event("parent", conference="c")
        client.close()
        if os.fork() == 0:
            client.event("child", conference="c")
            assert client.dropped == {"closed": 2}, client.dropped
            sys.exit(0)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        """,
    )

    assert list(names_by_client(collector).values()) == [["parent"]]


def test_a_lock_held_at_the_fork_does_not_stop_the_child(collector: Collector) -> None:
    run(
        collector,
        """
        import threading

        client = connect()
        client.event("parent", conference="c")
        held, done = threading.Event(), threading.Event()

        def hold():
            with client._outbox._held():
                held.set()
                done.wait()

        threading.Thread(target=hold).start()
        held.wait()
        child = os.fork()
        if child == 0:
            client.event("child", conference="c")
            os._exit(0 if client.close(30) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        done.set()
        client.close()
        """,
    )

    assert sorted(names_by_client(collector).values()) == [["child"], ["parent"]]


def test_a_watch_of_the_parent_is_silent_in_the_child(collector: Collector) -> None:
    run(
        collector,
        """
        import asyncio, aiortc

        async def main():
            pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
            client = connect()
            watch = client.watch(pc, conference="c")
            await asyncio.sleep(0)
            if os.fork() == 0:
                watch.close()
                client.event("child", conference="c", pc=pc)
                os._exit(0 if client.close(30) else 1)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
            await pc.close()
            assert await asyncio.to_thread(client.close)

        asyncio.run(main())
        """,
    )

    told = sorted(names_by_client(collector).values(), key=len)
    assert told[0] == ["child"]
    assert "watchstart" in told[1]
    assert told[1].count("watchend") == 1
