"""What is told of a job when it ends: that it went well, or the exception that ended it. Never its variables."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from alertsvc.client.plain import JSON, encoded, plain, whole

MAX_MESSAGE_CHARS = 1000
MAX_NAME_CHARS = 200
MOST_DETAILS_BYTES = 48 * 1024
"""The service takes 64 KiB. What is told of a job is worth more than what is told beside it."""


@dataclass(slots=True)
class JobFacts:
    """A job that runs. `details` are shown with its end, and may be filled meanwhile."""

    name: str
    model: str | None
    severity: str
    fields: Mapping[str, object]
    details: dict[str, object] = field(default_factory=dict[str, object])
    began: float = 0.0

    def begin(self) -> None:
        """It begins now."""
        self.began = time.monotonic()

    def ending(self, fault: BaseException | None) -> dict[str, object] | None:
        """The event of its end, or None where there is nothing to tell: somebody stopped it.

        A job that was stopped has neither failed nor succeeded. If nobody runs it again, its silence tells.
        """
        if isinstance(fault, KeyboardInterrupt | GeneratorExit | asyncio.CancelledError):
            return None
        seconds = round(time.monotonic() - self.began, 3)
        event: dict[str, object] = {"kind": "health", **self.fields, "metric": self.name}
        if self.model is not None:
            event["model"] = self.model
        details = {**_sendable(self.details), "seconds": seconds}
        if fault is None or (isinstance(fault, SystemExit) and fault.code in (None, 0)):
            return {**event, "status": "resolved", "summary": f"{self.name} succeeded", "details": details}
        kind, message = type(fault).__qualname__, _message(fault)
        details |= {"exception": kind, "message": message}
        summary = f"{self.name} failed: {kind}: {message}" if message else f"{self.name} failed: {kind}"
        return {**event, "status": "firing", "severity": self.severity, "summary": summary, "details": details}


def facts_of(name: str, model: str | None, fields: Mapping[str, object]) -> JobFacts:
    """A job as it is described: critical when it fails, unless its fields say otherwise."""
    described = dict(fields)
    severity = str(described.pop("severity", None) or "critical")
    details = described.pop("details", None)
    told = dict(cast(Mapping[str, object], details)) if isinstance(details, Mapping) else {}
    return JobFacts(name, model, severity, described, told)


def _sendable(details: Mapping[str, object]) -> dict[str, JSON]:
    """As much of the details as can be sent: that a job failed is told also where one of them is no JSON."""
    found: dict[str, JSON] = {}
    room = MOST_DETAILS_BYTES
    for name, value in list(details.items()):
        shown = whole(str(name), MAX_NAME_CHARS)
        try:
            each = plain(f"details.{shown}", value)
            json.dumps(each, ensure_ascii=False).encode()  # half a character anywhere in it would have all refused
            room -= len(encoded(each)) + len(encoded(shown))
        except Exception:  # noqa: BLE001  # whatever it is, it is not what has to be told
            each = f"{type(value).__name__}, which cannot be sent"
            room -= len(encoded(each)) + len(encoded(shown))
        if room < 0:
            return {**found, "details_left_out": len(details) - len(found)}
        found[shown] = each
    return found


def _message(fault: BaseException) -> str:
    try:
        text = whole(str(fault), MAX_MESSAGE_CHARS + 1)
    except Exception:  # noqa: BLE001  # somebody else's __str__ failed, and the job's own error must come through
        return ""
    return text if len(text) <= MAX_MESSAGE_CHARS else f"{text[: MAX_MESSAGE_CHARS - 1]}…"
