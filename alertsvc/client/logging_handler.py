"""Errors that a program logs, as alerts: `logging.getLogger().addHandler(AlertHandler(client, model="churn"))`.

One alert for each logger and message template, told at most once in a while; of a message that was put together before
it was logged, what varies in it (numbers, ids, what is quoted) is no part of the template. Logging never waits for the
service: records go into a bounded queue, a thread sends them, and what does not fit is counted. Nothing is ever
resolved: that nothing was logged does not say that all is well.
"""

import contextlib
import logging
import os
import queue
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from alertsvc.client.errors import AlertsvcError
from alertsvc.client.plain import whole
from alertsvc.client.sync import AlertClient

OWN_LOGGERS = ("alertsvc.client.", "httpx.", "httpcore.")
"""What the client itself may make log: never sent, or one error would make the next."""
MAX_TEXT_CHARS = 500
MAX_LABEL_CHARS = 120
MOST_GROUPS = 1000
CLOSE_SECONDS = 2.0
VARIES = re.compile(r"""'[^']*'|"[^"]*"|\w*\d\w*""")
"""What differs between two messages of one kind: each would be an alert that nobody ends."""

Event = dict[str, Any]


class AlertHandler(logging.Handler):
    """Sends records of `level` and above.

    Args:
        client: What they are sent with.
        model: The model that the program serves or trains; None is the client's.
        level: ERROR alerts as `error`, CRITICAL as `critical`, anything below as `warning`.
        every: Seconds between two alerts of one logger and template.
        most_per_minute: Alerts of all of them together.
        queue_size: Records that may wait.
    """

    def __init__(
        self,
        client: AlertClient,
        *,
        model: str | None = None,
        level: int = logging.ERROR,
        every: float = 60.0,
        most_per_minute: int = 30,
        queue_size: int = 100,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(level)
        self._client = client
        self._model = model
        self._every = every
        self._most_per_minute = most_per_minute
        self._ticks = ticks
        self._queue: queue.Queue[Event | None] = queue.Queue(queue_size)
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._kept: dict[tuple[str, str], int] = {}
        self._lately: list[float] = []
        self.dropped = 0
        """Records that were not sent, because there were too many: of their kind, in a minute, or in the queue."""

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record, or count it as dropped. It waits for nothing."""
        if f"{record.name}.".startswith(OWN_LOGGERS):
            return
        try:
            group = (record.name, _template(record))
            if not self._is_time(group):
                self.dropped += 1
                return
            event = self._event(record, group, self._kept.pop(group, 0))
            self._start()
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1
        except Exception:  # noqa: BLE001  # as every handler of logging does: a bad record must not end its program
            self.handleError(record)

    def _is_time(self, group: tuple[str, str]) -> bool:
        now = self._ticks()
        self._lately = [at for at in self._lately if now - at < 60.0]
        last = self._told.get(group)
        if (last is not None and now - last < self._every) or len(self._lately) >= self._most_per_minute:
            self._kept[group] = self._kept.get(group, 0) + 1
            if len(self._kept) > MOST_GROUPS:
                self._kept.clear()
            return False
        self._told[group] = now
        self._told.move_to_end(group)
        if len(self._told) > MOST_GROUPS:
            self._told.popitem(last=False)
        self._lately.append(now)
        return True

    def _event(self, record: logging.LogRecord, group: tuple[str, str], kept: int) -> Event:
        details: dict[str, object] = {"logger": record.name, "at": f"{record.pathname}:{record.lineno}"}
        if kept:
            details["not_sent_since_the_last"] = kept
        fault = record.exc_info[1] if record.exc_info else None
        if fault is not None:
            details |= {"exception": type(fault).__qualname__, "message": whole(str(fault), MAX_TEXT_CHARS)}
        severity = "critical" if record.levelno >= logging.CRITICAL else "error"
        event: Event = {
            "metric": "logged_error",
            "kind": "health",
            "status": "firing",
            "severity": severity if record.levelno >= logging.ERROR else "warning",
            "labels": {"logger": record.name, "template": group[1]},
            "summary": whole(record.getMessage(), MAX_TEXT_CHARS),
            "details": details,
        }
        return event if self._model is None else {**event, "model": self._model}

    def _start(self) -> None:
        """The thread of this process: a child of a fork has none, and begins with an empty queue."""
        process = os.getpid()
        if self._process != process:
            self._process, self._thread, self._queue = process, None, queue.Queue(self._queue.maxsize)
        if self._thread is None:
            self._thread = threading.Thread(target=self._send, name="alertsvc-logging", daemon=True)
            self._thread.start()

    def _send(self) -> None:
        while (event := self._queue.get()) is not None:
            with contextlib.suppress(AlertsvcError):  # a client that raises has nobody here to raise it to
                self._client.events([event])

    def close(self) -> None:
        """Send what waits, for two seconds at most."""
        thread, self._thread = self._thread, None
        if thread is not None and self._process == os.getpid():
            ends = time.monotonic() + CLOSE_SECONDS
            try:
                self._queue.put(None, timeout=CLOSE_SECONDS)
            except queue.Full:
                self.dropped += self._queue.qsize()
            else:
                thread.join(max(0.0, ends - time.monotonic()))
        super().close()


def _template(record: logging.LogRecord) -> str:
    text = whole(str(record.msg), MAX_TEXT_CHARS)
    return (text if record.args else VARIES.sub("#", text))[:MAX_LABEL_CHARS]
