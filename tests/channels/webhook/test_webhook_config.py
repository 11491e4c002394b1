"""What an operator may say about a webhook."""

import base64
from datetime import timedelta

import pytest
from pydantic import ValidationError

from alertsvc.channels.webhook import WebhookConfig
from alertsvc.core.model import Reason

URL = "https://hooks.example.com/in/0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def config(**given):
    return WebhookConfig.model_validate(given)


ALERTMANAGERS = [
    pytest.param({"url": URL}, id="url"),
    pytest.param({"url_file": "/run/secrets/hook"}, id="url-file"),
    pytest.param({"url": URL, "send_resolved": False, "max_alerts": 5, "timeout": "10s"}, id="all-that-is-known"),
    pytest.param({"url": URL, "max_alerts": 0}, id="no-bound"),
]


@pytest.mark.parametrize("given", ALERTMANAGERS)
def test_a_block_of_alertmanagers_works(given):
    assert config(**given)


OURS = [
    pytest.param({"url_env": "HOOK_URL"}, id="url-from-the-environment"),
    pytest.param({"url": URL, "hmac_secret": SECRET}, id="signed"),
    pytest.param({"url": URL, "hmac_secret_file": "/s", "previous_hmac_secret_env": "S"}, id="rotated"),
    pytest.param({"url": "http://127.0.0.1:8080/in"}, id="plain-http-on-this-machine"),
]


@pytest.mark.parametrize("given", OURS)
def test_what_alertmanager_lacks_can_be_said(given):
    assert config(**given)


MISTAKES = [
    pytest.param({}, "one of url, url_file and url_env is needed", id="no-url"),
    pytest.param({"url": URL, "url_env": "X"}, "give only one of url, url_file and url_env", id="two-urls"),
    pytest.param({"url": "ftp://hooks.example.com/in"}, "https:// or http://", id="other-scheme"),
    pytest.param({"url": "hooks.example.com/in"}, "https:// or http://", id="no-scheme"),
    pytest.param({"url": "https://{{ .X }}/"}, "Go templates are not carried over", id="template-in-url"),
    pytest.param({"url": URL, "hmac_secret": "short"}, "at least 16 characters", id="short-secret"),
    pytest.param({"url": URL, "hmac_secret": "whsec_x"}, "must be base64", id="broken-secret"),
    pytest.param(
        {"url": URL, "previous_hmac_secret": SECRET}, "needs an hmac_secret that follows it", id="only-a-previous-one"
    ),
    pytest.param({"url": URL, "max_alerts": -1}, "greater than or equal to 0", id="negative-bound"),
    pytest.param({"url": URL, "timeout": "2h"}, "span of time", id="hours"),
    pytest.param({"url": URL, "timeout": "5m"}, "between 100ms and 1m", id="minutes"),
    pytest.param({"url": URL, "payload": {"a": "b"}}, "has no counterpart here", id="own-layout"),
    pytest.param({"url": URL, "secret": "x"}, "Extra inputs are not permitted", id="unknown-key"),
]


@pytest.mark.parametrize(("given", "said"), MISTAKES)
def test_a_mistake_is_told_without_any_secret(given, said):
    with pytest.raises(ValidationError) as refused:
        config(**given)
    told = "; ".join(error["msg"] for error in refused.value.errors())
    assert said in told
    assert "0123456789abcdef" not in told


def test_a_label_tells_hosts_apart_and_shows_no_path():
    first, second = config(url=URL).label(), config(url=URL + "x").label()
    assert first.startswith("hooks.example.com-")
    assert first != second
    assert "0123456789abcdef" not in first


def test_a_label_stays_when_the_file_gets_a_new_content(tmp_path):
    file = tmp_path / "url"
    file.write_text(URL)
    before = config(url_file=str(file)).label()
    file.write_text(URL + "x")
    assert config(url_file=str(file)).label() == before


def test_a_receiver_hears_everything():
    assert config(url=URL).hears() == frozenset(Reason)
    assert config(url=URL, send_resolved=False).hears() == frozenset(Reason) - {Reason.RESOLVED}


def test_a_secret_is_never_shown():
    shown = repr(config(url=URL, hmac_secret=SECRET)) + str(config(url=URL).model_dump())
    assert SECRET not in shown
    assert "0123456789abcdef" not in shown


def test_a_receiver_has_fifteen_seconds_unless_more_is_said():
    assert config(url=URL).timeout == timedelta(seconds=15)
