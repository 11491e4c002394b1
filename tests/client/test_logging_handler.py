"""Logged errors as alerts: grouped, limited, and never in the way of the program that logs."""

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from alertsvc.client import AlertClient
from alertsvc.client.logging_handler import AlertHandler
from alertsvc.client.testing import FakeAlertsvc


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    logger = logging.getLogger("serving.predict")
    logger.propagate = False
    yield logger
    for each in list(logger.handlers):
        logger.removeHandler(each)
        each.close()
    logger.propagate = True


def handled(log: logging.Logger, fake: FakeAlertsvc, **options: Any) -> AlertHandler:
    handler = AlertHandler(fake.client(model="churn"), **options)
    log.addHandler(handler)
    return handler


def test_an_error_is_an_alert_of_its_logger_and_template(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = handled(log, fake)
    log.warning("not this")
    log.error("row %s failed", 7)
    log.error("row %s failed", 8)
    log.critical("out of memory")
    handler.close()
    first, second = fake.events
    assert (first["summary"], first["severity"], first["status"]) == ("row 7 failed", "error", "firing")
    assert first["labels"] == {"logger": "serving.predict", "template": "row %s failed"}
    assert (second["severity"], handler.dropped) == ("critical", 1)
    assert len(fake.open_incidents()) == 1


def test_what_varies_in_a_message_makes_no_new_alert(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = handled(log, fake)
    for user in ("7", "4f1a9c", "0190b377"):
        log.error(f"row {user} of 'age {user}' failed")
    handler.close()
    (sent,) = fake.events
    assert sent["labels"]["template"] == "row # of # failed"
    assert (sent["summary"], handler.dropped) == ("row 7 of 'age 7' failed", 2)


def test_half_a_character_keeps_no_record_back(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = handled(log, fake)
    # past other handlers: what pytest captures could not be passed on between its processes
    handler.handle(log.makeRecord(log.name, logging.ERROR, __file__, 1, "no such file: %s", ("data\udce9",), None))
    handler.close()
    assert [each["summary"] for each in fake.events] == ["no such file: data?"]


def test_an_exception_is_told_by_its_type_and_message(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = handled(log, fake)
    secret = "hunter2"
    try:
        int(secret[7:] or "bad row")
    except ValueError:
        log.exception("prediction failed")
    handler.close()
    (event,) = fake.events
    assert (event["details"]["exception"], event["details"]["message"]) == (
        "ValueError",
        "invalid literal for int() with base 10: 'bad row'",
    )
    assert secret not in str(fake.requests[0].content)


def test_a_group_is_told_again_after_a_while_with_what_was_kept(log: logging.Logger) -> None:
    fake, clock = FakeAlertsvc(), Clock()
    handler = handled(log, fake, every=60.0, ticks=clock)
    for at in (0.0, 10.0, 59.0, 61.0):
        clock.now = at
        log.error("row %s failed", at)
    handler.close()
    assert [each["summary"] for each in fake.events] == ["row 0.0 failed", "row 61.0 failed"]
    assert fake.events[1]["details"]["not_sent_since_the_last"] == 2


def test_all_groups_together_have_a_limit(log: logging.Logger) -> None:
    fake, clock = FakeAlertsvc(), Clock()
    handler = handled(log, fake, most_per_minute=3, ticks=clock)
    for each in "abcdefghij":
        log.error(f"template {each}")  # a program that writes its values into its templates
    clock.now = 61.0
    log.error("later")
    handler.close()
    assert [each["summary"] for each in fake.events] == ["template a", "template b", "template c", "later"]
    assert handler.dropped == 7


def test_a_service_that_hangs_holds_nobody_up_and_what_waits_is_bounded(log: logging.Logger) -> None:
    freed, begun = threading.Event(), threading.Event()

    def hang(_request: httpx.Request) -> httpx.Response:
        begun.set()
        freed.wait(10)
        return httpx.Response(202, json={"items": []})

    client = AlertClient("http://alertsvc.test", model="churn", transport=httpx.MockTransport(hang))
    handler = AlertHandler(client, queue_size=5, most_per_minute=1000)
    log.addHandler(handler)
    log.error("first")
    assert begun.wait(5)
    began = time.monotonic()
    for each in range(100):
        log.error("template %s" + str(each), each)
    assert time.monotonic() - began < 3.0
    assert handler.dropped == 95
    freed.set()


def test_what_the_client_logs_is_not_sent(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = handled(log, fake)
    for name in ("alertsvc.client", "httpx", "httpcore.connection"):
        handler.handle(logging.LogRecord(name, logging.ERROR, __file__, 1, "it failed", None, None))
    handler.handle(logging.LogRecord("httpxx", logging.ERROR, __file__, 1, "it failed", None, None))
    handler.close()
    assert [each["labels"]["logger"] for each in fake.events] == ["httpxx"]


def test_a_record_that_cannot_be_written_ends_nothing(log: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeAlertsvc()
    monkeypatch.setattr(logging, "raiseExceptions", False)
    handler = handled(log, fake)
    log.error("%d rows", "many")
    log.error("then this")
    handler.close()
    assert [each["summary"] for each in fake.events] == ["then this"]


def test_a_client_that_raises_does_not_end_the_thread(log: logging.Logger) -> None:
    fake = FakeAlertsvc()
    handler = AlertHandler(fake.client(model="churn", raise_errors=True, retries=0))
    log.addHandler(handler)
    fake.fail(503)
    log.error("lost")
    log.error("sent")
    handler.close()
    assert [each["summary"] for each in fake.events] == ["sent"]
