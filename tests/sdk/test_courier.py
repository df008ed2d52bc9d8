"""Whatever the server does, each record is stored once, kept, or counted as dropped."""

import logging
import threading
import time
from collections import Counter

import pytest

from callstats.sdk import courier as couriers
from callstats.wire import Dropped, Event

from .conftest import Connect
from .recording import SECRET, Answer, Collector, courier_threads, eventually


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry quickly: the delays have a test of their own."""
    monkeypatch.setattr(couriers, "BACK_OFF", 0.02)
    monkeypatch.setattr(couriers, "DENIED", 0.05)


def numbers(collector: Collector) -> list[int]:
    return sorted(seq for _, seq in collector.records)


def test_records_are_numbered_from_one_in_the_order_they_happened(
    collector: Collector, connect: Connect
) -> None:
    client = connect()
    for index in range(5):
        client.event(f"event {index}", conference="c")

    assert client.flush(20)

    assert numbers(collector) == [1, 2, 3, 4, 5, 6]
    in_order = [record for _, record in sorted(collector.records.items())]
    assert [getattr(record, "name", "joined") for record in in_order] == [
        "joined",
        *(f"event {index}" for index in range(5)),
    ]
    assert client.sent == {"joined": 1, "event": 5}
    assert client.calls == {"c": "call-1"}


def test_no_thread_runs_before_the_first_record_nor_after_close(
    collector: Collector, connect: Connect
) -> None:
    before = len(courier_threads())
    client = connect()
    assert len(courier_threads()) == before

    client.event("x", conference="c")
    assert len(courier_threads()) == before + 1

    assert client.close(20)
    assert len(courier_threads()) == before


def test_a_server_that_is_away_gets_everything_when_it_is_back(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    collector.stop()
    client = connect()
    for index in range(10):
        client.event(f"event {index}", conference="c")
    assert not client.flush(0.2)
    assert client.pending == 11

    collector.start()

    assert client.flush(20)
    assert collector.kinds() == Counter(joined=1, event=10)
    assert client.dropped == {}
    assert "cannot report now" in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_lost_answer_makes_the_same_records_come_again_and_count_once(
    collector: Collector, connect: Connect
) -> None:
    collector.batch_answers.append(Answer(is_lost=True))
    client = connect(linger=0.2)
    for index in range(3):
        client.event(f"event {index}", conference="c")

    assert client.flush(20)

    assert numbers(collector) == [1, 2, 3, 4]
    assert set(collector.repeated.values()) == {1}
    first, second = (body.partition(b"\n")[2] for body in collector.bodies)
    assert first == second
    assert client.sent == {"joined": 1, "event": 3}


def test_the_header_tells_the_time_of_the_attempt(collector: Collector, connect: Connect) -> None:
    collector.batch_answers.append(Answer(is_lost=True))
    client = connect()
    client.event("x", conference="c")

    assert client.flush(20)

    first, second = collector.headers
    assert first.client == second.client
    assert first.sent_at_ms < second.sent_at_ms
    assert first.agent.startswith("callstats-python/")


def test_retry_after_is_kept_to_even_by_a_flush(collector: Collector, connect: Connect) -> None:
    collector.batch_answers.append(Answer(status=503, headers={"Retry-After": "1"}))
    client = connect()
    began = time.monotonic()
    client.event("x", conference="c")

    assert client.flush(20)

    assert collector.arrivals[0] - began >= 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(collector: Collector, connect: Connect, status: int) -> None:
    collector.batch_answers.extend([Answer(status=status), Answer(status=status)])
    client = connect()
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1, "event": 1}


@pytest.mark.parametrize("status", [301, 400, 403, 404, 422])
def test_what_will_not_pass_is_dropped_and_counted(
    collector: Collector, connect: Connect, status: int
) -> None:
    collector.batch_answers.append(Answer(status=status))
    client = connect(linger=0.2)
    client.event("x", conference="c")
    assert client.flush(20)

    client.event("y", conference="c")
    assert client.flush(20)

    assert client.dropped == {f"status {status}": 2}
    assert collector.names() == ["y", ""]
    assert collector.of_type(Dropped)[0].counts == {f"status {status}": 2}


def test_an_answer_that_is_none_of_ours_is_tried_again(
    collector: Collector, connect: Connect
) -> None:
    collector.batch_answers.append(Answer(body=b"<html>please sign in</html>"))
    client = connect()
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1, "event": 1}


def test_an_expired_token_is_renewed_once(collector: Collector, connect: Connect) -> None:
    client = connect()
    client.event("x", conference="c")
    assert client.flush(20)

    collector.valid_tokens.clear()
    client.event("y", conference="c")

    assert client.flush(20)
    assert collector.tokens == 2
    assert client.sent == {"joined": 1, "event": 2}


def test_a_wrong_secret_is_told_once_and_the_records_are_kept(
    collector: Collector, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    statuses: list[str] = []
    client = connect(app_secret="nonsense", on_status=lambda status, _: statuses.append(status))
    for index in range(20):
        client.event(f"event {index}", conference="c")

    assert not client.flush(0.3)

    assert client.pending == 21
    assert statuses == ["authError"]
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "app_secret" in errors[0].getMessage()
    assert "nonsense" not in caplog.text
    client.close(0.2)
    eventually(lambda: client.dropped == {"closed": 22})


def test_a_token_refused_twice_is_a_matter_of_credentials(
    collector: Collector, connect: Connect
) -> None:
    client = connect()
    collector.batch_answers.extend([Answer(status=401)] * 4)
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1, "event": 1}


def test_a_batch_too_large_is_split_and_a_record_too_large_is_dropped(
    collector: Collector, connect: Connect
) -> None:
    collector.max_body = 4_000
    client = connect(linger=0.2)
    for index in range(20):
        client.event("x", conference="c", data={"index": index, "text": "a" * 500})
    client.event("huge", conference="c", data="a" * 10_000)

    assert client.flush(20)

    assert collector.kinds()["event"] == 20
    assert client.dropped == {"too large": 1}
    assert client.sent["event"] == 20


def test_a_refused_record_costs_itself_only(collector: Collector, connect: Connect) -> None:
    collector.batch_answers.append(Answer(refuse={1: "wrong form"}))
    client = connect(linger=0.2)
    client.event("bad", conference="c")
    client.event("good", conference="c")
    assert client.flush(20)

    client.event("next", conference="c")
    assert client.flush(20)

    assert sorted(collector.names()) == ["", "", "good", "next"]
    assert client.dropped == {"wrong form": 1}
    assert client.sent == {"joined": 1, "event": 2, "dropped": 1}


def test_a_record_the_server_does_not_name_as_stored_is_not_counted_as_sent(
    collector: Collector, connect: Connect
) -> None:
    collector.batch_answers.append(Answer(body=b'{"stored":1}'))
    client = connect(linger=0.2)
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1}
    assert client.dropped == {"not stored": 1}


def test_text_that_is_no_utf8_costs_its_record_only(collector: Collector, connect: Connect) -> None:
    client = connect()
    client.log("half a pair: \ud800")
    client.log("fine")

    assert client.flush(20)
    assert client.dropped == {"not JSON": 1}
    assert client.sent["log"] == 1


def test_a_slow_server_does_not_slow_the_caller(collector: Collector, connect: Connect) -> None:
    gate = threading.Event()
    collector.batch_answers.append(Answer(wait_for=gate))
    client = connect()
    client.event("first", conference="c")
    eventually(lambda: not collector.batch_answers)

    for index in range(100):
        client.event(f"event {index}", conference="c")
    assert client.pending == 102
    gate.set()

    assert client.flush(20)
    assert client.sent["event"] == 101


def test_a_server_that_never_answers_is_given_up_in_time(
    collector: Collector, connect: Connect
) -> None:
    gate = threading.Event()
    collector.batch_answers.append(Answer(wait_for=gate))
    client = connect(timeout=0.2)
    client.event("x", conference="c")

    assert client.flush(20)
    gate.set()
    assert client.sent == {"joined": 1, "event": 1}


def test_close_ends_in_time_and_counts_what_was_left(
    collector: Collector, connect: Connect
) -> None:
    collector.stop()
    client = connect()
    client.event("x", conference="c")

    began = time.monotonic()
    assert not client.close(0.3)

    assert time.monotonic() - began < 20
    eventually(lambda: client.pending == 0)
    assert client.dropped == {"closed": 3}
    client.event("y", conference="c")
    assert client.dropped == {"closed": 5}


def test_close_sends_what_is_left_and_what_was_lost(collector: Collector, connect: Connect) -> None:
    client = connect(linger=60)
    client.event("x", conference="c")
    client.drop("application full", 7)

    assert client.close(20)

    assert collector.kinds() == Counter(joined=1, event=1, left=1, dropped=1)
    assert collector.of_type(Dropped)[0].counts == {"application full": 7}


def test_close_twice_is_close_once(collector: Collector, connect: Connect) -> None:
    client = connect()
    client.event("x", conference="c")

    assert client.close(20)
    assert client.close(20)
    assert collector.kinds()["left"] == 1


def test_a_client_that_is_forgotten_sends_the_rest_and_ends(
    collector: Collector,
) -> None:
    import callstats

    client = callstats.Client(collector.url, app_id=42, app_secret=SECRET, user="u", linger=60)
    client.event("x", conference="c")

    del client

    eventually(lambda: "x" in collector.names())
    eventually(lambda: not courier_threads())


def test_the_outbox_full_drops_are_reported_with_the_next_batch(
    collector: Collector, connect: Connect
) -> None:
    collector.stop()
    client = connect(max_records=5)
    for index in range(20):
        client.event(f"event {index}", conference="c")
    collector.start()

    assert client.flush(20)

    lost = client.dropped["outbox full"]
    assert collector.kinds()["event"] + lost + collector.kinds()["joined"] == 21
    client.event("next", conference="c")
    assert client.flush(20)
    assert sum(each.counts["outbox full"] for each in collector.of_type(Dropped)) == lost


def test_connect_tells_the_status_without_any_record(
    collector: Collector, connect: Connect
) -> None:
    statuses: list[str] = []
    client = connect(on_status=lambda status, _: statuses.append(status))

    client.connect()

    eventually(lambda: statuses == ["success"])
    assert not collector.records


def test_delivery_of_feedback_is_told(collector: Collector, connect: Connect) -> None:
    told: list[tuple[bool, str]] = []
    client = connect(linger=0.2)
    collector.batch_answers.append(Answer(refuse={1: "no such call"}))

    for overall in (5, 4):
        client.feedback(
            conference="c",
            overall=overall,
            on_delivery=lambda is_stored, reason: told.append((is_stored, reason)),
        )
    client.feedback(conference="c", overall=9, on_delivery=lambda *fate: told.append(fate))

    assert client.flush(20)
    assert told == [(False, "unusable argument"), (True, ""), (False, "no such call")]


def test_a_callback_that_raises_harms_nobody(collector: Collector, connect: Connect) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    client = connect(on_status=fail)
    client.feedback(conference="c", overall=5, on_delivery=fail)

    assert client.flush(20)
    assert client.sent == {"feedback": 1}


def test_delays_double_are_spread_and_stay_below_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    from callstats.sdk.http import Outcome

    away = Outcome(verdict="later")
    for attempt, longest in enumerate([0.5, 1, 2, 4, 8, 10, 10, 10]):
        delays = [couriers._delay(away, attempt) for _ in range(100)]
        assert longest / 2 <= min(delays) < max(delays) <= longest
    assert couriers._delay(Outcome(verdict="later", retry_after=7.0), 0) == 7
    assert couriers._delay(Outcome(verdict="later", retry_after=1e9), 0) == 300


def test_threads_may_report_at_once(collector: Collector, connect: Connect) -> None:
    client = connect()

    def report() -> None:
        for _ in range(200):
            client.event("x", conference="c")

    threads = [threading.Thread(target=report) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert client.flush(20)
    assert collector.kinds() == Counter(joined=1, event=1_000)
    assert numbers(collector) == list(range(1, 1_002))
    assert len(collector.of_type(Event)) == 1_000


def test_a_defect_costs_the_batch_it_happened_with_and_not_the_courier(
    collector: Collector,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = connect(linger=0.2)

    def fail(*_: object) -> None:
        raise KeyError("payload")

    with monkeypatch.context() as patch:
        patch.setattr(couriers, "cut", fail)
        client.event("x", conference="c")
        eventually(lambda: client.dropped == {"defect of the client": 2})
    client.event("y", conference="c")

    assert client.flush(20)
    assert "y" in collector.names()
    assert "callstats failed in the courier with KeyError" in caplog.text
    assert "payload" not in caplog.text
    caplog.clear()


def test_an_answer_that_drips_is_given_up_in_time(collector: Collector, connect: Connect) -> None:
    collector.batch_answers.append(Answer(is_dripping=True))
    client = connect(timeout=0.3)
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1, "event": 1}
    assert set(collector.repeated.values()) == {1}


def test_an_answer_without_end_is_given_up(collector: Collector, connect: Connect) -> None:
    collector.batch_answers.append(Answer(body=b" " * 3_000_000))
    client = connect()
    client.event("x", conference="c")

    assert client.flush(20)
    assert client.sent == {"joined": 1, "event": 1}
