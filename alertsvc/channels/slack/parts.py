"""The parts a message for Slack is put together from."""

from collections.abc import Mapping
from dataclasses import dataclass

from alertsvc.channels.json_body import JsonObject
from alertsvc.core.model import IncidentStatus, Severity

STATE_COLORS: Mapping[IncidentStatus, str] = {
    IncidentStatus.FIRING: "#a30200",
    IncidentStatus.ACKNOWLEDGED: "#daa038",
    IncidentStatus.RESOLVED: "#2eb886",
}
TEST_COLOR = "#1d6fb8"


@dataclass(frozen=True, slots=True)
class Parts:
    """The line above, in markup, the colour of the bar, and the blocks beside it."""

    title: str
    color: str
    blocks: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What the configuration adds to every message. `mentions` are called from the severity `mention_from` on.

    `pretext` and `footer` are the operator's own markup, and stand as they are.
    """

    mentions: tuple[str, ...] = ()
    mention_from: Severity = Severity.INFO
    pretext: str | None = None
    footer: str | None = None
