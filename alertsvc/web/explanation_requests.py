"""What somebody wants to have explained."""

from datetime import datetime
from typing import Literal

from pydantic import field_validator

from alertsvc.ingest.clean import has_controls
from alertsvc.web.views import Command

MOST_LABELS = 128


class ExplainRequest(Command):
    """An alert that somebody thinks of: it begins to fire, or ends (`status: resolved`), now or at the instant `at`."""

    labels: dict[str, str]
    severity: Literal["info", "warning", "error", "critical"] | None = None
    at: datetime | None = None
    status: Literal["firing", "resolved"] = "firing"

    @field_validator("labels")
    @classmethod
    def _are_labels(cls, found: dict[str, str]) -> dict[str, str]:
        if len(found) > MOST_LABELS:
            raise ValueError(f"at most {MOST_LABELS} are taken")
        for name, value in found.items():
            if not 1 <= len(name) <= 256 or len(value) > 4096:
                raise ValueError("a name has 1 to 256 characters, a value at most 4096")
            if has_controls(name) or has_controls(value):
                raise ValueError("has a control character")
        return {name: value for name, value in found.items() if value}
