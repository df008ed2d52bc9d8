"""However the interpreter ends, it ends in time and without a word from us."""

import signal
import socket

import pytest

from .recording import Collector
from .scripts import begin, run


def test_what_was_not_closed_is_sent_at_exit(collector: Collector) -> None:
    run(
        collector,
        """
        client = connect(linger=60)
        client.event("x", conference="c")
        """,
    )

    assert collector.names() == ["", "x"]


def test_an_exception_that_ends_the_program_is_the_only_thing_said(collector: Collector) -> None:
    with begin(
        collector, 'client = connect(); client.event("x", conference="c"); 1 / 0'
    ) as process:
        _, err = process.communicate(timeout=60)

    assert process.returncode == 1
    assert err.strip().endswith("ZeroDivisionError: division by zero")
    assert "callstats" not in err.replace("callstats.Client", "")
    assert "x" in collector.names()


@pytest.mark.parametrize("where", ["closed", "silent"])
def test_a_server_that_is_away_does_not_hold_up_the_exit(where: str) -> None:
    """Two seconds, and then the thread dies with the interpreter, in the middle of a request."""
    nobody = Collector()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        if where == "silent":
            holder.listen()
        nobody.port = holder.getsockname()[1]
        out = run(
            nobody,
            """
            import atexit, logging, time
            logging.getLogger("callstats").setLevel(logging.CRITICAL)
            atexit.register(lambda: print(client.dropped, client.pending, took() < 30))
            client = connect()
            for index in range(1_000):
                client.event(f"event {index}", conference="c")
            began = time.monotonic()
            took = lambda: time.monotonic() - began
            """,
        )

    in_flight = int(out.split()[-2])
    assert out == f"{{'closed': {1_001 - in_flight}}} {in_flight} True\n"


def test_what_is_reported_while_the_interpreter_comes_down_harms_nobody(
    collector: Collector,
) -> None:
    run(
        collector,
        """
        import atexit, threading, weakref

        class Late:
            def __del__(self):
                client.event("from the garbage collector", conference="c")
                client.log("the last words")
                client.close(0.1)

        @atexit.register
        def report():
            client.event("from atexit", conference="c")

        late = Late()
        late.circle = late
        client = connect()
        client.event("x", conference="c")
        daemon = threading.Thread(
            target=lambda: [client.event("busy", conference="c") for _ in range(10**9)], daemon=True
        )
        daemon.start()
        weakref.finalize(client, print, end="")
        sys.modules["kept"] = late
        """,
    )

    assert "x" in collector.names()


def test_a_thread_that_is_no_daemon_may_report_until_it_ends(collector: Collector) -> None:
    run(
        collector,
        """
        import threading, time

        def work():
            threading.main_thread().join()
            client.event("after main", conference="c")

        client = connect()
        threading.Thread(target=work).start()
        """,
    )

    assert collector.names() == ["", "after main"]


def test_a_program_that_is_interrupted_sends_what_it_has(collector: Collector) -> None:
    code = """
    import signal, threading
    client = connect(linger=60)
    client.event("x", conference="c")
    def end(*_):
        client.event("terminated", conference="c")
        sys.exit(3)

    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    threading.Event().wait()
    """
    with begin(collector, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (3, "")
    assert collector.names() == ["", "x", "terminated"]
