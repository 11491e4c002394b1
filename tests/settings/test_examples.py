"""The configurations people copy, with the channels there are."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from alertsvc.channels import CHANNELS
from alertsvc.core.model import Deliver, Severity
from alertsvc.resources import data_dir
from alertsvc.settings import ConfigError, load_config, load_text
from alertsvc.settings.file import file_model
from alertsvc.settings.shape import Shape

CONFIG = data_dir("config")
DESIGN = Path(__file__).parent / "golden" / "design.yaml"


def test_the_default_needs_no_secret_and_prints():
    loaded = load_config(CONFIG / "alertsvc.yaml", CHANNELS)
    assert [channel.kind for channel in loaded.channels.values()] == ["console"]
    assert loaded.settings.database.secret.reveal() == "sqlite:///alertsvc.db"
    assert loaded.settings.server.listen.host == "127.0.0.1"
    assert "_file" not in (CONFIG / "alertsvc.yaml").read_text()


def test_the_full_one_has_every_kind_of_channel():
    loaded = load_config(CONFIG / "alertsvc.full.yaml", CHANNELS)
    assert {channel.kind for channel in loaded.channels.values()} == set(CHANNELS)


def test_the_full_one_names_every_option():
    text = (CONFIG / "alertsvc.full.yaml").read_text()
    named = {word.removesuffix("_file").removesuffix("_env") for word in re.findall(r"[a-z0-9_]+", text)}
    options = {word.removesuffix("_file").removesuffix("_env") for word in Shape(file_model(CHANNELS)).words()}
    assert options - named == set()


def test_the_full_one_says_the_defaults_it_calls_so():
    full = load_config(CONFIG / "alertsvc.full.yaml", CHANNELS)
    small = load_text("route: {receiver: a}\nreceivers: [{name: a}]\n", "a.yaml", CHANNELS)
    assert full.rules.root.timing == small.rules.root.timing
    assert full.rules.root.deliver == small.rules.root.deliver
    assert full.settings.retention == small.settings.retention
    assert full.settings.delivery == small.settings.delivery
    assert full.settings.logging == small.settings.logging
    assert full.settings.auth == small.settings.auth
    assert full.settings.resolve_timeout == small.settings.resolve_timeout
    assert full.settings.server.model_copy(update={"external_url": None}) == small.settings.server


def test_the_block_of_the_readme_loads():
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if "correlate:" in block]
    server = "global: {smtp_smarthost: 'smtp.example.com:587', smtp_from: alerts@example.com}\n"
    assert len(load_text(block + server, "README.md", CHANNELS).channels) == 4


def test_a_file_with_everything_this_version_supports_means_what_it_says():
    rules = load_config(DESIGN, CHANNELS).rules
    assert [route.path for route in rules.routing.routes_for({"team": "fraud"})] == ["root/fraud"]
    assert rules.root.routes[0].deliver[Severity.ERROR] is Deliver.IMMEDIATE
    assert rules.correlate[0].reopen_within == timedelta(minutes=30)
    assert sorted(len(destinations) for destinations in rules.receivers.values()) == [1, 2, 2]


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        pytest.param("smtp_from: alerts@example.com\n", "no mail server", id="no-mail-server"),
        pytest.param("smtp_smarthost: smtp.example.com:587\n", "no sender", id="no-sender"),
    ],
)
def test_an_entry_that_lacks_a_global_is_a_mistake_of_the_entry(instead, message):
    receivers = "receivers:\n  - name: a\n    email_configs: [{to: a@example.com}]\n"
    text = f"route: {{receiver: a}}\n{receivers}global:\n  {instead}"
    with pytest.raises(ConfigError, match=message) as caught:
        load_text(text, "a.yaml", CHANNELS)
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.path) == (4, 21, "receivers[0].email_configs[0]")


def test_no_secret_of_a_real_channel_is_shown():
    text = """
global: {slack_api_url: "https://hooks.slack.com/services/CANARY"}
route: {receiver: a}
receivers:
  - name: a
    slack_configs: [{api_url: "https://hooks.slack.com/services/CANARY", app_token: xoxb-CANARY, channel: "#a"}]
    msteamsv2_configs: [{webhook_url: "CANARY", webhook_url_file: x}]
    pagerduty_configs: [{routing_key: CANARY}, {service_key: CANARY}, {routing_key_file: x, details: {a: [CANARY]}}]
    webhook_configs: [{url: "https://me:CANARY@[/", hmac_secret: CANARY}, {url: ftp://CANARY}]
    email_configs: [{to: a@example.com, auth_password: CANARY, auth_password_file: x, headers: {Subject: CANARY}}]
"""
    with pytest.raises(ConfigError) as caught:
        load_text(text, "a.yaml", CHANNELS)
    assert len(caught.value.problems) >= 8
    assert "CANARY" not in str(caught.value)
