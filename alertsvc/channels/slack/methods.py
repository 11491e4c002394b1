"""Slack's Web API, as far as it is used here."""

from dataclasses import dataclass
from datetime import datetime

from alertsvc.channels.exchange import Call, exchange, without_secret
from alertsvc.channels.http import HttpClient, Reply
from alertsvc.channels.json_body import JSON_HEADERS, JsonObject, encoded
from alertsvc.channels.outcome import Outcome
from alertsvc.channels.slack.answers import Lost, method_outcome
from alertsvc.secret import Secret, SecretUnavailableError

POST, UPDATE = "chat.postMessage", "chat.update"


@dataclass(frozen=True, slots=True)
class Methods:
    """Where the methods are, and the token that they are called with."""

    url: str
    token: Secret
    http: HttpClient

    async def call(self, method: str, payload: JsonObject, now: datetime) -> Outcome | Lost:
        """Call a method once. `now` is when, for a wait that is given as a date."""
        try:
            token = self.token.reveal()
        except SecretUnavailableError as fault:
            return without_secret(fault)
        headers = {**JSON_HEADERS, "authorization": f"Bearer {token}"}
        reply = await exchange(self.http, Call(f"{self.url}/{method}", encoded(payload), headers, (token,)))
        return method_outcome(reply, now) if isinstance(reply, Reply) else reply
