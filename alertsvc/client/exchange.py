"""One question and its answer, with retries, without doing any I/O.

Work is a generator: it yields what is to be done (`Send`, `Pause`) and is told how that went. The two clients differ in
who does it, in a thread or in an event loop, and in nothing else.
"""

import email.utils
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from random import random
from typing import TypeVar

from alertsvc.client.errors import ConfigurationError, TransportError
from alertsvc.client.settings import Settings

TRY_AGAIN = frozenset({429, 502, 503, 504})
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 2.0


class Repeat(Enum):
    """When a request may be sent again: whatever happened, or only where it surely was not carried out."""

    ALWAYS = "always"
    IF_NOT_DONE = "if not done"


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `params` are those of the query."""

    method: str
    path: str
    body: bytes | None = None
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    repeat: Repeat = Repeat.ALWAYS


@dataclass(frozen=True, slots=True)
class Send:
    """Send this, and tell of the answer: an `Answer` or `NoAnswer`, within so many seconds."""

    request: Request
    url: str
    headers: Mapping[str, str] = field(repr=False)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds, and tell `PAUSED`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int = 1


class Loss(Enum):
    """Why there is no answer: it was not sent; it was, and nobody knows; it never can be."""

    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing came back, and why."""

    loss: Loss
    said: str


class _Paused(Enum):
    PAUSED = 1


PAUSED = _Paused.PAUSED
Step = Send | Pause
Told = Answer | NoAnswer | _Paused
T = TypeVar("T")
Work = Generator[Step, Told, T]


class Budget:
    """The time that a call has, for everything."""

    def __init__(self, settings: Settings, ticks: Callable[[], float] = time.monotonic) -> None:
        """The budget begins now.

        Raises:
            ConfigurationError: Nothing can be asked with these settings.
        """
        settings.check()
        self._ticks = ticks
        self._ends = ticks() + settings.timeout

    @property
    def left(self) -> float:
        """Seconds, or 0."""
        return max(0.0, self._ends - self._ticks())


def exchange(settings: Settings, request: Request, budget: Budget, dice: Callable[[], float] = random) -> Work[Answer]:
    """Ask until there is an answer worth having, the tries are used up, or the time is.

    Raises:
        ConfigurationError: It cannot be asked: the token cannot be read, or the address is none of a web server.
        TransportError: Nobody answered.
    """
    token = settings.bearer()
    headers = {"Content-Type": "application/json", "Accept": "application/json", **request.headers}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    attempts = 0
    told: Told = NoAnswer(Loss.NOT_SENT, f"no answer within {settings.timeout:g} s")
    while budget.left > 0:
        attempts += 1
        told = yield Send(request, settings.url.rstrip("/") + request.path, headers, budget.left)
        pause = _pause_after(told, request, attempts, dice)
        if pause is None or attempts > settings.retries or pause >= budget.left:
            break
        yield Pause(pause)
    if isinstance(told, Answer):
        return Answer(told.status, told.headers, told.body, attempts)
    raise _lost(settings, told, token, attempts)


def _pause_after(told: Told, request: Request, attempts: int, dice: Callable[[], float]) -> float | None:
    """How many seconds to wait before the next try, or None when there must be none."""
    own = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 10)) * (0.5 + dice() / 2)
    if isinstance(told, Answer):
        is_sure = told.status == 429 or request.repeat is Repeat.ALWAYS
        if told.status not in TRY_AGAIN or not is_sure:
            return None
        return max(own, asked_to_wait(told.headers.get("retry-after")))
    if not isinstance(told, NoAnswer) or told.loss is Loss.IMPOSSIBLE:
        return None
    return own if told.loss is Loss.NOT_SENT or request.repeat is Repeat.ALWAYS else None


def asked_to_wait(header: str | None) -> float:
    """The seconds that Retry-After asks for, as a number or as a date; 0 for none, and for nonsense."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # the last one: a zone of very many digits
        return 0.0
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _lost(settings: Settings, told: Told, token: str | None, attempts: int) -> TransportError | ConfigurationError:
    said, loss = (told.said, told.loss) if isinstance(told, NoAnswer) else ("", Loss.UNKNOWN)
    said = said.replace(token, "<secret>") if token else said
    if loss is Loss.IMPOSSIBLE:
        return ConfigurationError(f"{settings.url} cannot be asked: {said}", attempts=attempts)
    text = f"{settings.url} does not answer: {said}"
    return TransportError(text, attempts=attempts, was_sent=loss is Loss.UNKNOWN)
