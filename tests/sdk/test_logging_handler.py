"""The application's log lines are reported, ours never are, and nothing goes round in circles."""

import gc
import logging
import threading
from collections.abc import Iterator

import pytest

from callstats.wire import Log

from .conftest import Connect
from .recording import Answer, Collector, eventually


@pytest.fixture
def logger() -> logging.Logger:
    """A logger with no handlers but those of the test."""
    return logging.Logger("application", logging.DEBUG)  # noqa: LOG001 - one without a parent


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, from which everything may come."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.setLevel(logging.DEBUG)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    yield root
    root.handlers[:] = before
    root.setLevel(level)


def lines(collector: Collector) -> list[tuple[str, str, str | None]]:
    return [(log.level, log.message, log.conference) for log in collector.of_type(Log)]


def test_lines_are_reported_with_level_time_and_traceback(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    client = connect()
    logger.addHandler(client.logging_handler())

    logger.info("hello %s", "world")
    try:
        raise KeyError("lost")  # noqa: TRY301
    except KeyError:
        logger.exception("it failed")
    logger.warning("too few %s %s", "arguments")  # noqa: PLE1206 - as applications do

    assert client.flush(20)
    told = lines(collector)
    assert told[0] == ("info", "hello world", None)
    level, message, _ = told[1]
    assert level == "error"
    assert message.startswith("it failed\nTraceback")
    assert message.endswith("KeyError: 'lost'")
    assert told[2][:2] == ("warning", "too few %s %s (TypeError while formatting)")


def test_lines_belong_to_the_conference_named_or_to_the_only_one(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    client = connect()
    handler = client.logging_handler()
    logger.addHandler(handler)

    logger.info("before")
    client.join("a")
    logger.info("in a")
    client.join("b")
    logger.info("in both")
    handler.conference = "b"
    logger.info("named")

    assert client.flush(20)
    assert [(message, where) for _, message, where in lines(collector)] == [
        ("before", None),
        ("in a", "a"),
        ("in both", None),
        ("named", "b"),
    ]


def test_level_and_filters_of_the_handler_hold(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    client = connect()
    handler = client.logging_handler()
    handler.setLevel(logging.WARNING)
    handler.addFilter(lambda record: "secret" not in record.getMessage())
    logger.addHandler(handler)

    logger.info("quiet")
    logger.warning("secret")
    logger.error("loud")

    assert client.flush(20)
    assert [message for _, message, _ in lines(collector)] == ["loud"]


def test_on_the_root_logger_our_own_traffic_is_left_out(
    collector: Collector, connect: Connect, root: logging.Logger
) -> None:
    collector.batch_answers.extend([Answer(status=503), Answer(status=400)])
    client = connect(linger=0)
    root.addHandler(client.logging_handler())

    for index in range(5):
        logging.getLogger("application").info("line %s", index)
        assert client.flush(20)
    logging.getLogger("urllib3.connectionpool").debug("the application's own request")

    assert client.flush(20)
    told = [message for _, message, _ in lines(collector)]
    assert set(told) <= {*(f"line {index}" for index in range(5)), "the application's own request"}
    assert told[-2:] == ["line 4", "the application's own request"]
    assert client.pending == 0


def test_a_line_written_while_a_line_is_taken_is_left_out(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    class Talkative:
        def __str__(self) -> str:
            logger.info("I am being told")
            return "talkative"

    client = connect()
    logger.addHandler(client.logging_handler())

    logger.info("%s", Talkative())
    logger.info("next")

    assert client.flush(20)
    assert [message for _, message, _ in lines(collector)] == ["talkative", "next"]


def test_the_garbage_collector_may_log_in_the_middle_of_a_line(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    class Ender:
        def __init__(self) -> None:
            self.circle = self

        def __del__(self) -> None:
            logger.info("from the garbage collector")

    client = connect()
    logger.addHandler(client.logging_handler())
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for index in range(100):
            Ender()
            logger.info("line %s", index)
    finally:
        gc.set_threshold(*threshold)

    assert client.flush(20)
    told = {message for _, message, _ in lines(collector)}
    assert {f"line {index}" for index in range(100)} <= told


def test_threads_do_not_wait_for_one_another(connect: Connect, logger: logging.Logger) -> None:
    client = connect()
    handler = client.logging_handler()
    logger.addHandler(handler)
    entered, leave = threading.Event(), threading.Event()

    class Slow:
        def __str__(self) -> str:
            entered.set()
            leave.wait(30)
            return "slow"

    thread = threading.Thread(target=logger.info, args=("%s", Slow()))
    thread.start()
    entered.wait(30)
    logger.info("meanwhile")
    assert client.pending >= 1 or client.sent
    leave.set()
    thread.join()
    assert handler.lock is None


def test_a_handler_does_not_keep_its_client_alive(
    collector: Collector, logger: logging.Logger
) -> None:
    import callstats

    from .recording import SECRET, courier_threads

    client = callstats.Client(collector.url, app_id=42, app_secret=SECRET, user="u", linger=60)
    logger.addHandler(client.logging_handler())
    logger.info("while it lives")

    del client
    gc.collect()
    logger.info("to nobody")

    eventually(lambda: [message for _, message, _ in lines(collector)] == ["while it lives"])
    eventually(lambda: not courier_threads())


def test_a_line_in_a_callback_of_ours_is_the_applications(
    collector: Collector, connect: Connect, logger: logging.Logger
) -> None:
    client = connect(on_status=lambda status, _: logger.info("status %s", status))
    logger.addHandler(client.logging_handler())
    client.connect()

    eventually(lambda: ("info", "status success", None) in lines(collector))
