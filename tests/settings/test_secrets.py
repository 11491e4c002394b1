"""No secret is shown: not by a mistake about it, beside it, or above it, and not by the values themselves."""

from pathlib import Path

import pytest

from alertsvc.settings import ConfigError, load_text
from tests.settings.kinds import KINDS

TEXT = (Path(__file__).parent / "golden" / "secrets.yaml").read_text()


def told(text):
    with pytest.raises(ConfigError) as caught:
        load_text(text, "alertsvc.yaml", KINDS)
    return f"{caught.value}\n{caught.value!r}\n{caught.value.as_json()}\n{caught.value.problems!r}"


def test_what_is_loaded_shows_no_secret():
    loaded = load_text(TEXT, "alertsvc.yaml", KINDS)
    assert "CANARY" not in f"{loaded} {loaded!r} {loaded.channels}"


@pytest.mark.parametrize(
    ("there", "instead"),
    [
        pytest.param(
            "api_url: https://hooks.example.com/CANARY-block",
            "api_url: [https://hooks.example.com/CANARY-block]",
            id="list",
        ),
        pytest.param(
            "api_url: https://hooks.example.com/CANARY-block", "api_url: {CANARY-block: CANARY}", id="mapping"
        ),
        pytest.param(
            "api_url: https://hooks.example.com/CANARY-block",
            "api_irl: https://hooks.example.com/CANARY-block",
            id="slip-in-the-key",
        ),
        pytest.param(
            "api_url: https://hooks.example.com/CANARY-block",
            "api_url_env: X\n        api_url: CANARY-block",
            id="given-twice",
        ),
        pytest.param(
            "api_url: https://hooks.example.com/CANARY-block",
            "api_url: CANARY-a\n        api_url: CANARY-b",
            id="key-twice",
        ),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "api_url CANARY-block", id="no-colon"),
        pytest.param("api_url: CANARY-anchor}", 'api_url: "CANARY-anchor}', id="open-quote"),
        pytest.param('api_url: "CANARY-flow"', '"CANARY-flow"', id="no-key"),
        pytest.param('api_url: "CANARY-flow"', "api_url, https://CANARY-flow", id="comma-for-colon"),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "api_url: @CANARY-block", id="bad-start"),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "api_url: CANARY: block", id="two-colons"),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "api_url: !CANARY CANARY-block", id="tag"),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "api_url: *CANARY", id="alias"),
        pytest.param("api_url: https://hooks.example.com/CANARY-block", "\tapi_url: CANARY-block", id="tab"),
        pytest.param(
            "        api_url: https://hooks.example.com/CANARY-block",
            "api_url: https://hooks.example.com/CANARY-block",
            id="indentation",
        ),
        pytest.param("    slack_configs:\n      - channel", "  - slack_configs:\n      - channel", id="dash"),
        pytest.param("    slack_configs:", "    slak_configs:", id="slip-in-the-list"),
        pytest.param("receivers:\n", "recvers:\n", id="slip-in-the-section"),
        pytest.param("receivers:\n", "routes:\n", id="other-section"),
        pytest.param("global:\n", "globl:\n", id="slip-in-global"),
        pytest.param("database:\n  url:", "database:\n  uri:", id="slip-in-the-database"),
        pytest.param("database:\n  url: ", "database: ", id="text-for-the-database"),
        pytest.param("postgresql://alertsvc", "mysql://alertsvc", id="other-database"),
        pytest.param("deadman:\n  url:", "deadman:\n  uri:", id="slip-in-the-deadman"),
        pytest.param("deadman:\n  url: ", "deadman: ", id="text-for-the-deadman"),
        pytest.param("url: https://hc.", "url: ftp://hc.", id="no-web-address"),
        pytest.param("url: https://hc.", "interval: 1x\n  url: https://hc.", id="beside-the-deadman"),
        pytest.param('channel: "#ml-alerts"', "channel: bad", id="a-message-that-quotes-it"),
        pytest.param('channel: "#ml-alerts"', "channel: closed", id="a-channel-that-quotes-it"),
        pytest.param('channel: "#flow"', "chl: x", id="beside-it"),
        pytest.param('channel: "#flow"', "channel: 12", id="wrong-kind-beside-it"),
        pytest.param('channel: "#named"', "channel: 12", id="beside-an-anchor"),
        pytest.param('channel: "#merged"', "channel: 12", id="beside-a-merge"),
        pytest.param("retries: 2", "retries: CANARY", id="in-another-place"),
        pytest.param("retries: 2", "old_key: CANARY", id="in-a-place-that-is-no-more"),
        pytest.param(
            "    slack_configs:\n      - channel",
            "    slack_configs:\n      - CANARY-alone\n      - channel",
            id="alone",
        ),
        pytest.param(
            "  receiver: team\n", "  receiver: team\n  slack_configs: [{api_url: CANARY}]\n", id="below-a-route"
        ),
        pytest.param("  receiver: team\n", "  receiver: team\n  api_url: CANARY\n", id="as-key-of-a-route"),
        pytest.param("headers: {X-Token: CANARY-header}", "headers: {X-Token: [CANARY-header]}", id="header"),
        pytest.param("headers: {X-Token: CANARY-header}", "headers: {CANARY-header: }", id="header-without-value"),
        pytest.param("send_resolved: true", "send_resolved: maybe  # CANARY", id="comment"),
        pytest.param("CANARY-folded-two: {", "CANARY-folded-two: {\n         CANARY", id="folded"),
    ],
)
def test_no_mistake_shows_a_secret(there, instead):
    assert there in TEXT
    assert "CANARY" not in told(TEXT.replace(there, instead, 1))


def test_what_is_no_secret_is_shown():
    shown = told(
        TEXT.replace("send_resolved: true", "send_resolved: maybe").replace("receiver: fraud", "receiver: frau")
    )
    assert "        send_resolved: maybe\n                       ^" in shown
    assert "      receiver: frau\n                ^" in shown
