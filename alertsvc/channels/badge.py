"""The mark a message carries where it can be seen from afar: a sign and a word, never a sign alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from alertsvc.channels.message import DigestItem, DigestMessage, IncidentMessage
from alertsvc.channels.view import severity_word
from alertsvc.core.model import IncidentStatus, Reason, Severity


@dataclass(frozen=True, slots=True)
class Badge:
    """`🔴` and `Critical`."""

    sign: str
    word: str

    def __str__(self) -> str:
        return f"{self.sign} {self.word}"


TEST = Badge("🧪", "Test")
ACKNOWLEDGED = Badge("👀", "Acknowledged")
RESOLVED = Badge("✅", "Resolved")
DIGEST = Badge("📋", "Digest")
STORM = Badge("⛈", "Storm")
STORM_OVER = Badge("✅", "Storm over")
_SIGNS: Mapping[Severity, str] = {
    Severity.CRITICAL: "🔴",
    Severity.ERROR: "🟠",
    Severity.WARNING: "🟡",
    Severity.INFO: "🔵",
}


def badge(shown: IncidentMessage | DigestItem) -> Badge:
    """How bad it is while it needs somebody, else that somebody has it, or that it is over."""
    if isinstance(shown, IncidentMessage) and shown.reason is Reason.TEST:
        return TEST
    if shown.status is IncidentStatus.RESOLVED:
        return RESOLVED
    if shown.status is IncidentStatus.ACKNOWLEDGED:
        return ACKNOWLEDGED
    return Badge(_SIGNS[shown.severity], severity_word(shown.severity))


def digest_badge(message: DigestMessage) -> Badge:
    """What a digest is: one, or the summary of a storm."""
    if message.storm is None:
        return DIGEST
    return STORM_OVER if message.storm.is_over else STORM
