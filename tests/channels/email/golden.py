"""The mails as people reviewed them. `python -m tests.channels.email.golden` writes them anew: read the difference."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from alertsvc.channels.base import Envelope
from alertsvc.channels.email import EmailConfig, EmailGlobals
from alertsvc.channels.email.letter import letter
from alertsvc.channels.email.settings import settings_of
from alertsvc.channels.message import Message
from alertsvc.channels.render import TemplateRenderer
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED, STORM, STORM_OVER
from tests.channels.scenes import ROLLED_UP

FOLDER = Path(__file__).parent / "golden"
FIRST = "<019ab000000070008000000000000012.00000000000000000000000000000001@example.com>"
REVIEWED: Mapping[str, Message] = {
    "opened": INCIDENT,
    "rolled_up": ROLLED_UP,
    "resolved": replace(RESOLVED, resolved_by="ana@example.org"),
    "digest": DIGEST,
    "storm": STORM,
    "storm_over": STORM_OVER,
}


def golden_mail(message: Message) -> bytes:
    config = EmailConfig.model_validate({"to": "Ana Müller <ana@example.org>", "from": "Alerts <alerts@example.com>"})
    anchor = {"root": FIRST, "last": FIRST, "subject": "[CRITICAL] churn-xgb production: DataDriftDetected · INC-12"}
    around = Envelope(UUID(int=2), 1, datetime(2026, 11, 24, 12, tzinfo=UTC), anchor if message != INCIDENT else None)
    found = settings_of(config, EmailGlobals(smtp_smarthost="smtp.example.com:587"))
    return letter(message, around, TemplateRenderer(), found).to(found.recipients)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, message in REVIEWED.items():
        (FOLDER / f"{name}.eml").write_bytes(golden_mail(message))
