"""Retries, without a socket and without waiting: work is told what happened, and says what to do next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from alertsvc.client.errors import ConfigurationError, TransportError
from alertsvc.client.exchange import (
    PAUSED,
    Answer,
    Budget,
    Loss,
    NoAnswer,
    Pause,
    Repeat,
    Request,
    Send,
    asked_to_wait,
    exchange,
)
from alertsvc.client.settings import Settings

OK = Answer(202, {}, b"{}")
BUSY = Answer(503, {}, b"")
REFUSED = NoAnswer(Loss.NOT_SENT, "connection refused")
LOST = NoAnswer(Loss.UNKNOWN, "timed out")
IMPOSSIBLE = NoAnswer(Loss.IMPOSSIBLE, "no such protocol")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Played:
    """An exchange, played with what is told of each try."""

    def __init__(
        self, told: Sequence[Any], repeat: Repeat = Repeat.ALWAYS, seconds: float = 0.1, **settings: Any
    ) -> None:
        self.sent: list[Send] = []
        self.pauses: list[float] = []
        self.result: Answer | None = None
        self.error: Exception | None = None
        clock, made = Clock(), Settings(**settings)
        waiting = iter(told)
        try:
            budget = Budget(made, clock)
            work = exchange(made, Request("POST", "/x", b"{}", repeat=repeat), budget, lambda: 1.0)
            step = next(work)
            while True:
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    clock.now += step.seconds
                    step = work.send(PAUSED)
                else:
                    self.sent.append(step)
                    clock.now += seconds
                    step = work.send(next(waiting))
        except StopIteration as end:
            self.result = end.value
        except (TransportError, ConfigurationError) as fault:
            self.error = fault


@pytest.mark.parametrize(
    ("told", "attempts", "status"),
    [
        pytest.param([OK], 1, 202, id="at-once"),
        pytest.param([REFUSED, OK], 2, 202, id="after-no-connection"),
        pytest.param([LOST, OK], 2, 202, id="after-no-answer"),
        pytest.param([Answer(429, {}, b""), OK], 2, 202, id="after-429"),
        pytest.param([Answer(502, {}, b""), BUSY, Answer(504, {}, b""), OK], 4, 202, id="after-5xx"),
        pytest.param([BUSY] * 9, 5, 503, id="never"),
        pytest.param([Answer(500, {}, b"")], 1, 500, id="a-fault-of-the-service"),
        pytest.param([Answer(422, {}, b"")], 1, 422, id="a-refusal"),
        pytest.param([Answer(302, {}, b"")], 1, 302, id="a-redirect"),
    ],
)
def test_it_is_tried_again_where_that_may_help(told: Sequence[Any], attempts: int, status: int) -> None:
    played = Played(told)
    assert (len(played.sent), played.result and played.result.status) == (attempts, status)
    assert played.result is not None
    assert played.result.attempts == attempts


@pytest.mark.parametrize(
    ("told", "attempts"),
    [
        pytest.param([REFUSED, OK], 2, id="it-was-not-sent"),
        pytest.param([Answer(429, {}, b""), OK], 2, id="it-was-not-taken"),
        pytest.param([BUSY], 1, id="nobody-knows-by-503"),
        pytest.param([LOST], 1, id="nobody-knows"),
    ],
)
def test_what_must_not_be_done_twice_is_sent_again_only_if_it_was_not_done(told: Sequence[Any], attempts: int) -> None:
    assert len(Played(told, Repeat.IF_NOT_DONE).sent) == attempts


def test_pauses_grow_and_stay_bounded() -> None:
    played = Played([BUSY] * 9, timeout=60.0, retries=8)
    assert played.pauses == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0, 2.0, 2.0]


def test_the_service_says_how_long_to_wait_within_the_time_there_is() -> None:
    assert Played([Answer(503, {"retry-after": "2"}, b""), OK]).pauses == [2.0]
    hopeless = Played([Answer(503, {"retry-after": "60"}, b""), OK])
    assert (hopeless.pauses, hopeless.result and hopeless.result.status) == ([], 503)


def test_retry_after_may_be_a_date_and_nonsense_is_none() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25 < asked_to_wait(soon) <= 30
    assert [asked_to_wait(text) for text in (None, "", "soon", "-5", "1e9", "²")] == [0.0] * 6
    assert asked_to_wait(f"Fri, 01 Jan 2026 00:00:00 +{'9' * 20}") == 0.0


def test_tries_pauses_and_all_end_with_the_time() -> None:
    played = Played([LOST] * 9, seconds=2.0, timeout=5.0)
    assert [round(each.seconds, 3) for each in played.sent] == [5.0, 2.8, 0.4]
    assert isinstance(played.error, TransportError)
    assert (played.error.attempts, played.error.was_sent) == (3, True)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"url": "alerts.example.com"}, "url: an address", id="no-scheme"),
        pytest.param({"url": "ftp://x"}, "url: an address", id="scheme"),
        pytest.param({"url": "http://x:abc"}, "url: an address", id="port"),
        pytest.param({"url": "http://user:hunter2@x"}, "token goes into", id="a-password-in-the-address"),
        pytest.param({"url": 7}, "url: an address", id="no-text"),
        pytest.param({"timeout": 0}, "timeout: seconds", id="no-time"),
        pytest.param({"timeout": "5"}, "timeout: seconds", id="a-text"),
        pytest.param({"retries": -1}, "retries: from 0", id="retries"),
        pytest.param({"token": "als_a\nb"}, "token: it has", id="a-token-with-a-line-break"),
        pytest.param({"token_file": Path("/nowhere/token")}, "token_file: cannot read", id="no-file"),
    ],
)
def test_settings_that_cannot_be_meant_are_named(settings: dict[str, Any], says: str) -> None:
    played = Played([OK], **settings)
    assert (played.sent, says in str(played.error), "hunter2" in str(played.error)) == ([], True, False)


def test_the_token_is_in_no_error() -> None:
    played = Played([NoAnswer(Loss.IMPOSSIBLE, "Illegal header value b'Bearer als_secret'")], token="als_secret")
    assert "als_secret" not in str(played.error)
    assert "als_secret" not in repr(played.sent)
    assert played.sent[0].headers["Authorization"] == "Bearer als_secret"


def test_a_rotated_token_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    for text in ("als_one", "als_two\n"):
        file.write_text(text)
        assert Played([OK], token_file=file).sent[0].headers["Authorization"] == f"Bearer {text.strip()}"
