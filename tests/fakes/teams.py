"""Microsoft Teams behind a Workflows URL: it accepts first, and finds out afterwards."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import adaptive_cards
from jsonschema import Draft6Validator

from tests.fakes.provider import Answer, Asked, Original, Provider, Rate

PATH = "/powerautomate/automations/direct/workflows/abc/triggers/manual/paths/invoke?sig=secret"
MAX_BYTES = 28_672
TOO_LARGE = "MessageSizeExceeded"
CARD = "application/vnd.microsoft.card.adaptive"


class TeamsFlow(Original):
    """Cards that were posted; what the flow would have failed on afterwards is in `faults`.

    A flow answers 202 whatever comes of it. One that `tells` does as connectors did: 200, and the failure as text.
    `strict_rate`: four requests a second. Without `schema` cards are not held against Microsoft's, which takes long.
    """

    def __init__(self, *, tells: bool = False, strict_rate: bool = False, schema: bool = True) -> None:
        super().__init__()
        self.cards: list[dict[str, Any]] = []
        self._tells = tells
        self._schema = schema
        self._rate = Rate(4, 1.0) if strict_rate else None

    def answer(self, asked: Asked) -> Answer:
        """See `Original`."""
        if asked.path != PATH:
            return Answer(401, b'{"error":{"code":"DirectApiAuthorizationRequired"}}')
        if self._rate is not None and not self._rate.allows(PATH, asked.at):
            return self._failed(429) if self._tells else self.rate_limited()
        wrong = failure_of(asked.json(), schema=self._schema)
        if wrong is None:
            self.cards.append(asked.json()["attachments"][0]["content"])
            return Answer(200, b"1") if self._tells else Answer(202)
        self.faults.append(wrong)
        return self._failed(413 if wrong == TOO_LARGE else 400) if self._tells else Answer(202)

    def _failed(self, status: int) -> Answer:
        said = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status}"
        return Answer(200, said.encode())


class Teams(TeamsFlow, Provider):
    """The same on a port."""

    @property
    def hook_url(self) -> str:
        """The address of its flow."""
        return self.url + PATH


def failure_of(message: dict[str, Any], *, schema: bool = True) -> str | None:
    """Why the flow's run would fail, though the post was accepted."""
    attachments = message.get("attachments") or []
    if message.get("type") != "message" or len(attachments) != 1 or attachments[0].get("contentType") != CARD:
        return "Property 'type' must be 'AdaptiveCard'"
    card = attachments[0]["content"]
    if len(json.dumps(json.dumps(card)).encode()) > MAX_BYTES:
        return TOO_LARGE
    if not schema:
        return None
    plain = {name: value for name, value in card.items() if name != "msteams"}
    errors = [error.message[:200] for error in validator().iter_errors(plain)]
    return f"invalid card: {errors[0]}" if errors else None


@cache
def validator() -> Draft6Validator:
    """Microsoft's schema of version 1.5."""
    schema = Path(adaptive_cards.__file__).parent / "schemas" / "schema-1.5.json"
    return Draft6Validator(json.loads(schema.read_text()))
