"""Where a credential may stand, that it may change there, and that nothing shows it: the same for every channel."""

import pytest
from pydantic import ValidationError

from alertsvc.channels import CHANNELS
from alertsvc.channels.outcome import Accepted, Fault, Retry
from alertsvc.channels.samples import INCIDENT
from tests.channels.scenes import envelope
from tests.channels.scripted import Scripted, reply

CANARY = "CANARYc4n4ryCANARYc4n4ryCANARY99"
POSTED = reply(200, '{"ok":true,"channel":"C0ML","ts":"1700000000.000100"}')
PLACES = [
    pytest.param(
        "slack", "api_url", f"https://hooks.slack.com/services/T0/B0/{CANARY}", {}, reply(200, "ok"), id="slack"
    ),
    pytest.param("slack", "app_token", f"xoxb-{CANARY}", {"channel": "#ml"}, POSTED, id="slack-app"),
    pytest.param("msteamsv2", "webhook_url", f"https://x.example/flow?sig={CANARY}", {}, reply(202), id="msteams"),
    pytest.param("pagerduty", "routing_key", CANARY, {}, reply(202), id="pagerduty"),
    pytest.param("webhook", "url", f"https://x.example/in/{CANARY}", {}, reply(204), id="webhook"),
    pytest.param("webhook", "hmac_secret", CANARY, {"url": "https://x.example"}, reply(204), id="webhook-signature"),
]
EVERY_PLACE = pytest.mark.parametrize(("kind", "key", "secret", "rest", "fine"), PLACES)


def configured(kind, **given):
    return CHANNELS[kind].config.model_validate(given)


def opened(kind, config, http):
    shared = CHANNELS[kind].globals
    return CHANNELS[kind].open(config, shared and shared(), http.tools())


@EVERY_PLACE
@pytest.mark.parametrize("way", ["_file", "_env"])
async def test_it_is_read_again_for_each_message(kind, key, secret, rest, fine, way, tmp_path, monkeypatch):
    place = tmp_path / "secret" if way == "_file" else "ALERTSVC_TEST_CREDENTIAL"
    http = Scripted(fine)
    channel = opened(kind, configured(kind, **rest, **{key + way: str(place)}), http)
    missing = await channel.send(INCIDENT, envelope())
    assert (type(missing), missing.fault, missing.whole_destination) == (Retry, Fault.CONFIGURATION, True)
    assert key + way in missing.detail
    assert http.asked == []
    if way == "_file":
        place.write_text(f"  {secret}\n")
    else:
        monkeypatch.setenv(place, f"{secret}\n")
    assert isinstance(await channel.send(INCIDENT, envelope(attempt=2)), Accepted)
    (asked,) = http.asked
    if key != "hmac_secret":
        assert secret.encode() in asked.url.encode() + asked.content + str(asked.headers).encode()


@EVERY_PLACE
def test_it_is_given_in_one_place_only(kind, key, secret, rest, fine):
    with pytest.raises(ValidationError, match=f"give only one of {key}, {key}_file and {key}_env"):
        configured(kind, **rest, **{key: secret, f"{key}_env": "X"})


@EVERY_PLACE
def test_neither_the_name_nor_the_look_of_an_entry_shows_it(kind, key, secret, rest, fine):
    config = configured(kind, **rest, **{key: secret})
    for shown in (
        config.label(),
        repr(config),
        str(config),
        config.model_dump_json(),
        repr(opened(kind, config, Scripted(fine))),
    ):
        assert CANARY not in shown


@pytest.mark.parametrize(
    ("kind", "key"),
    [("slack", "api_url"), ("msteamsv2", "webhook_url"), ("pagerduty", "routing_key"), ("webhook", "url")],
)
def test_a_name_follows_the_place_and_not_what_stands_there(kind, key):
    first, again, other = (configured(kind, **{f"{key}_file": file}).label() for file in ("/a", "/a", "/b"))
    assert first == again != other
    assert configured(kind, **{f"{key}_env": "A"}).label() != first


@pytest.mark.parametrize(
    ("kind", "key"),
    [("slack", "api_url"), ("msteamsv2", "webhook_url"), ("pagerduty", "routing_key"), ("webhook", "url")],
)
@pytest.mark.parametrize("text", ["{{ .CommonLabels.url }}", '{{ template "x" . }}'])
def test_a_template_of_alertmanagers_is_no_credential(kind, key, text):
    with pytest.raises(ValidationError):
        configured(kind, **{key: text})
