"""What happens to a model called fraud-detector, told to the service as its own senders would tell it."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from alertsvc.demo.sinks import Taken
from alertsvc.resources import data_dir

Say = Callable[[str], None]
PATIENCE_SECONDS = 30.0


class StoryError(AssertionError):
    """The story did not come out as it must."""


class Narrator:
    """Plays the story against a running service at `url`."""

    def __init__(self, url: str, taken: Taken, say: Say) -> None:
        self._url = url
        self._taken = taken
        self._say = say
        self._started = datetime.now(UTC)

    async def tell(self) -> None:
        """The whole story, each chapter checked.

        Raises:
            StoryError: Something did not arrive where it must.
        """
        await self._chapter("Accuracy falls below 85 %: a warning. It waits for the digest.", self._accuracy_drops)
        await self._chapter("Three features drift: critical. Everybody is told at once, of one incident.", self._drift)
        await self._chapter(
            "A fourth feature joins. It is the same incident; nobody is paged again.", self._fourth_joins
        )
        await self._chapter("The digest comes: what waited, as it is now.", self._digest)
        await self._chapter("Ann acknowledges by REST. PagerDuty hears of it, repeats stop.", self._acknowledge)
        await self._chapter("A drift job posts its own observation, with three lines of Python.", self._own_code)
        await self._chapter("The model recovers. Whoever was told that it fires is told that it ended.", self._recovery)

    async def _chapter(self, title: str, happen: Callable[[], Awaitable[None]]) -> None:
        self._say(f"\n— {title}")
        await happen()

    async def _accuracy_drops(self) -> None:
        answer = await self._play("1-accuracy-drops.json")
        self._expect(answer["new"] == 1, "one new alert")

    async def _drift(self) -> None:
        answer = await self._play("2-three-features-drift.json")
        self._expect(answer["new"] == 3 and answer["incident_count"] == 1, "three alerts, one incident")
        taken = self._taken
        await self._until(
            lambda: bool(taken.slack and taken.teams and taken.pagerduty and taken.mail), "a message in every channel"
        )
        self._expect(taken.pagerduty[0]["event_action"] == "trigger", "a trigger for PagerDuty")

    async def _fourth_joins(self) -> None:
        answer = await self._play("3-a-fourth-joins.json")
        self._expect((answer["new"], answer["duplicate"]) == (1, 3), "one new alert and three duplicates")

    async def _digest(self) -> None:
        await self._until(lambda: any("igest" in subject for subject in self._taken.mail), "a digest by mail")

    async def _acknowledge(self) -> None:
        listed = await self._ask("GET", "/api/v1/incidents?severity=critical")
        number = listed["items"][0]["number"]
        done = await self._ask("POST", f"/api/v1/incidents/{number}/acknowledge", {"by": "ann", "comment": "on it"})
        self._expect(done["status"] == "acknowledged", "an acknowledged incident")
        await self._until(lambda: self._actions()[-1] == "acknowledge", "an acknowledgement in PagerDuty")

    async def _own_code(self) -> None:
        event = {"model": "churn", "metric": "psi", "feature": "age", "value": 0.41, "threshold": 0.2}
        answer = await self._ask("POST", "/api/v1/events", event)
        self._expect(answer["items"][0]["state"] == "firing", "a firing observation")
        answer = await self._ask("POST", "/api/v1/events", {**event, "value": 0.05})
        self._expect(answer["items"][0]["state"] == "resolved", "a recovery that needed no code")

    async def _recovery(self) -> None:
        await self._play("4-drift-is-over.json")
        await self._play("5-accuracy-is-back.json")
        await self._until(lambda: self._actions()[-1] == "resolve", "a resolve in PagerDuty")
        keys = {event["dedup_key"] for event in self._taken.pagerduty}
        self._expect(len(keys) == 1, "one alert in PagerDuty, from trigger to resolve")
        still_open = await self._ask("GET", "/api/v1/incidents?status=open")
        self._expect(still_open["items"] == [], "no open incident")

    def _actions(self) -> list[str]:
        return [str(event["event_action"]) for event in self._taken.pagerduty] or ["nothing"]

    async def _play(self, name: str) -> Any:
        """Post a recorded webhook as if it were sent now."""
        payload = json.loads((data_dir("config") / "demo" / name).read_text(encoding="utf-8"))
        for alert in payload["alerts"]:
            alert["startsAt"] = self._started.isoformat()
            if alert["status"] == "resolved":
                alert["endsAt"] = datetime.now(UTC).isoformat()
        return await self._ask("POST", "/api/v1/hooks/alertmanager", payload)

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(_request, method, self._url + path, body)

    async def _until(self, true: Callable[[], bool], what: str) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while not true():
            if loop.time() > deadline:
                raise StoryError(f"expected {what} within {PATIENCE_SECONDS:.0f} s")
            await asyncio.sleep(0.05)

    @staticmethod
    def _expect(is_so: bool, what: str) -> None:
        if not is_so:
            raise StoryError(f"expected {what}")


def _request(method: str, url: str, body: object) -> Any:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  # loopback, our own port
            return json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        with refused:
            raise StoryError(f"{method} {url}: {refused.code} {refused.read()[:300]!r}") from None
