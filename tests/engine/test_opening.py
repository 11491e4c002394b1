"""The channels of a configuration are opened, and a template that fails is told of while the message goes out."""

import logging
from uuid import UUID

import pytest

from alertsvc.channels import CHANNELS
from alertsvc.channels.message import Message
from alertsvc.channels.render import Rendering
from alertsvc.core.rules import Moment
from alertsvc.engine import probe
from alertsvc.engine.opening import FlawNotingRenderer, open_outlets
from alertsvc.engine.outlets import LEASE_MARGIN
from alertsvc.settings.load import load_text
from tests.fakes.provider import Sink
from tests.world import START, destination

ABOUT = probe.test_message(destination("chat"), Moment(None, START, lambda: UUID(int=1)))  # type: ignore[arg-type]


class Templates:
    """Renders every template the same way."""

    def __init__(self, rendering: Rendering) -> None:
        self.rendering = rendering

    def __call__(self, template: str, message: Message) -> Rendering:
        return self.rendering


def test_a_flaw_is_told_and_the_text_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    flaws: list[str] = []
    broken = Rendering("the built-in text", "title.txt.j2:3: 'incidnt' is undefined")
    rendered = FlawNotingRenderer(Templates(broken), flaws.append)("title.txt.j2", ABOUT)
    assert rendered == broken
    assert flaws == ["title.txt.j2"]
    assert [(each.levelno, each.getMessage()) for each in caplog.records] == [
        (logging.WARNING, "a template has a flaw: title.txt.j2:3: 'incidnt' is undefined")
    ]


def test_a_template_without_a_flaw_is_not_talked_about(caplog: pytest.LogCaptureFixture) -> None:
    flaws: list[str] = []
    FlawNotingRenderer(Templates(Rendering("text")), flaws.append)("title.txt.j2", ABOUT)
    assert (flaws, caplog.records) == ([], [])


CONFIGURATION = """
server: {{external_url: "https://alerts.example.com"}}
route: {{receiver: team}}
receivers:
  - name: team
    webhook_configs: [{{url: "{url}/a"}}, {{url: "{url}/b"}}]
  - name: other
    console_configs: [{{}}]
"""


async def test_every_destination_of_a_configuration_has_its_channel() -> None:
    async with Sink() as sink:
        loaded = load_text(CONFIGURATION.format(url=sink.url), "alertsvc.yaml", CHANNELS)
        outlets = open_outlets(loaded)
        try:
            listed = [each for group in loaded.rules.receivers.values() for each in group]
            assert list(outlets.by_destination) == [each.id for each in listed]
            assert [outlet.kind for outlet in outlets.by_destination.values()] == ["webhook", "webhook", "console"]
            assert (outlets.rules, outlets.external_url) == (loaded.rules, "https://alerts.example.com")
            for outlet in outlets.by_destination.values():
                assert outlet.lease == outlet.channel.budget + LEASE_MARGIN
            moment = Moment(loaded.rules, START, lambda: UUID(int=1))
            assert (await probe.probe(outlets, listed[1], moment)).outcome == "accepted"
            assert [asked.path for asked in sink.requests] == ["/b"]
        finally:
            await outlets.close()
