"""The kinds of channels, as the configuration and the engine meet them."""

import pytest
from pydantic import BaseModel, ConfigDict

from alertsvc.channels import CHANNELS
from alertsvc.channels.base import ChannelConfig
from alertsvc.core.model import Reason
from tests.channels.scripted import Scripted, reply

LEAST = {
    "email": ({"to": "ana@example.org"}, {"smtp_smarthost": "smtp.example.com:587", "smtp_from": "a@example.org"}),
    "slack": ({"api_url": "https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXXXXXXXXXXXXXX"}, {}),
    "msteamsv2": ({"webhook_url": "https://prod.logic.azure.com/workflows/0af1bc2d3e4f?sig=abcdefgh"}, {}),
    "pagerduty": ({"routing_key": "0" * 32}, {}),
    "webhook": ({"url": "https://hooks.example.com/in"}, {}),
    "console": ({}, {}),
}
"""The least that each kind needs: an entry, and globals."""
EVERY_KIND = pytest.mark.parametrize("kind", CHANNELS)


def test_the_kinds_are_those_that_are_promised():
    assert set(CHANNELS) == set(LEAST)


def config_of(kind):
    return CHANNELS[kind].config.model_validate(LEAST[kind][0])


@EVERY_KIND
async def test_the_least_an_operator_says_opens_a_channel(kind):
    shared = CHANNELS[kind].globals
    channel = CHANNELS[kind].open(
        config_of(kind), shared and shared.model_validate(LEAST[kind][1]), Scripted(reply(200)).tools()
    )
    assert channel.budget.total_seconds() > 0
    assert channel.rate > 0
    assert channel.burst >= 1
    assert 1 <= channel.concurrency <= 8
    await channel.close()


@EVERY_KIND
def test_the_globals_of_a_whole_file_will_do(kind):
    bases = tuple(each.globals for each in CHANNELS.values() if each.globals is not None)
    merged = type("Merged", bases, {"model_config": ConfigDict(extra="forbid", frozen=True)})
    shared = {name: value for _, given in LEAST.values() for name, value in given.items()}
    tools = Scripted(reply(200)).tools()
    known = merged.model_validate(shared) if CHANNELS[kind].globals else None
    assert CHANNELS[kind].open(config_of(kind), known, tools)


@EVERY_KIND
def test_a_mixed_up_entry_is_a_mistake_of_the_program(kind):
    class Foreign(ChannelConfig):
        kind = "foreign"

    class Globals(BaseModel):
        pass

    tools = Scripted(reply(200)).tools()
    for entry, shared in ((Foreign(), None), (config_of(kind), Globals())):
        with pytest.raises(TypeError, match=kind):
            CHANNELS[kind].open(entry, shared, tools)


@EVERY_KIND
def test_every_kind_carries_news_and_tests_to_people(kind):
    hears = config_of(kind).hears()
    assert {Reason.OPENED, Reason.UPDATED, Reason.RAISED, Reason.REPEATED, Reason.RESOLVED, Reason.TEST} <= hears


@EVERY_KIND
def test_a_label_is_short_and_readable(kind):
    label = config_of(kind).label()
    assert 0 < len(label) <= 100
    assert label.isprintable()


@EVERY_KIND
def test_the_key_of_a_kind_is_its_name(kind):
    assert CHANNELS[kind].config.kind == kind


@EVERY_KIND
def test_a_kind_can_be_described_to_an_editor(kind):
    schema = CHANNELS[kind].config.model_json_schema()
    assert schema["additionalProperties"] is False
