"""The section `storm`: who is summed up, and when."""

from datetime import timedelta

import pytest

from alertsvc.channels import CHANNELS
from alertsvc.core.storm import StormRule
from alertsvc.settings import ConfigError, load_text

MINUTE = timedelta(minutes=1)
FILE = """
global: {smtp_smarthost: "smtp.example.com:587", smtp_from: a@example.com}
route: {receiver: a}
receivers:
  - name: a
    slack_configs: [{api_url: "https://hooks.slack.com/services/T/B/x", channel: "#a"}]
    msteamsv2_configs: [{webhook_url: "https://x.example.com/flow"}]
    email_configs: [{to: b@example.com}]
    pagerduty_configs: [{routing_key: "0123456789abcdef0123456789abcdef"}]
    webhook_configs: [{url: "https://hooks.example.com/x"}]
    console_configs: [{}]
"""


def rules_by_kind(section: str = "") -> dict[str, StormRule | None]:
    loaded = load_text(FILE + section, "alertsvc.yaml", CHANNELS)
    return {each.kind: each.storm for each in loaded.rules.receivers["a"]}


def test_people_get_few_messages_one_by_one_programs_more_and_the_console_all():
    few, more = StormRule(5, MINUTE), StormRule(50, MINUTE, ends_singly=True)
    assert rules_by_kind() == {
        "slack": few,
        "msteamsv2": few,
        "email": few,
        "pagerduty": more,
        "webhook": more,
        "console": None,
    }


def test_the_section_says_how_many_and_zero_switches_it_off():
    found = rules_by_kind("storm: {messages: 2, pages: 0, within: 5m}\n")
    assert found["slack"] == StormRule(2, 5 * MINUTE)
    assert found["pagerduty"] is None


def test_fewer_than_none_is_a_mistake():
    with pytest.raises(ConfigError, match=r"storm\.messages"):
        rules_by_kind("storm: {messages: -1}\n")
