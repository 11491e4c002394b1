"""Microsoft Teams behind a Workflows URL: it accepts first, and finds out afterwards."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import adaptive_cards
from jsonschema import Draft6Validator

from tests.fakes.provider import Answer, Asked, Provider

PATH = "/powerautomate/automations/direct/workflows/abc/triggers/manual/paths/invoke?sig=secret"
MAX_BYTES = 28_672
CARD = "application/vnd.microsoft.card.adaptive"


class Teams(Provider):
    """Cards that were posted; what the flow would have failed on afterwards is in `faults`."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[dict[str, Any]] = []

    @property
    def hook_url(self) -> str:
        """The address of its flow."""
        return self.url + PATH

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        if asked.path != PATH:
            return Answer(401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}')
        wrong = failure_of(asked.json())
        if wrong is None:
            self.cards.append(asked.json()["attachments"][0]["content"])
        else:
            self.faults.append(wrong)
        return Answer(202)


def failure_of(message: dict[str, Any]) -> str | None:
    """Why the flow's run would fail, though the post was accepted."""
    attachments = message.get("attachments") or []
    if message.get("type") != "message" or len(attachments) != 1 or attachments[0].get("contentType") != CARD:
        return "Property 'type' must be 'AdaptiveCard'"
    card = attachments[0]["content"]
    if len(json.dumps(json.dumps(card)).encode()) > MAX_BYTES:
        return "MessageSizeExceeded"
    plain = {name: value for name, value in card.items() if name != "msteams"}
    errors = [error.message[:200] for error in validator().iter_errors(plain)]
    return f"invalid card: {errors[0]}" if errors else None


@cache
def validator() -> Draft6Validator:
    """Microsoft's schema of version 1.5."""
    schema = Path(adaptive_cards.__file__).parent / "schemas" / "schema-1.5.json"
    return Draft6Validator(json.loads(schema.read_text()))
