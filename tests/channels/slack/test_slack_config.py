"""What an operator may say about Slack, and what it comes to."""

import pytest
from pydantic import ValidationError

from alertsvc.channels.slack import SlackConfig, SlackGlobals, open_slack
from alertsvc.channels.slack.app import SlackApp
from alertsvc.channels.slack.webhook import SlackWebhook
from alertsvc.core.model import Reason
from tests.channels.scripted import Scripted, reply

HOOK = "https://hooks.slack.com/services/T0/B0/secretsecretsecret"
TOKEN = "xoxb-secret"
NOTHING = SlackGlobals()
PASTED = {  # what amtool prints for a Slack receiver in which nobody wrote a template
    "send_resolved": False,
    "api_url": HOOK,
    "channel": "#ml",
    "username": '{{ template "slack.default.username" . }}',
    "color": '{{ template "slack.default.color" . }}',
    "title": '{{ template "slack.default.title" . }}',
    "title_link": '{{ template "slack.default.titlelink" . }}',
    "pretext": '{{ template "slack.default.pretext" . }}',
    "text": '{{ template "slack.default.text" . }}',
    "footer": '{{ template "slack.default.footer" . }}',
    "fallback": '{{ template "slack.default.fallback" . }}',
    "callback_id": '{{ template "slack.default.callbackid" . }}',
    "icon_emoji": '{{ template "slack.default.iconemoji" . }}',
    "icon_url": '{{ template "slack.default.iconurl" . }}',
    "short_fields": False,
    "link_names": False,
    "actions": [],
}


def config(**said_of_it):
    return SlackConfig.model_validate(said_of_it)


def opened(entry, shared=NOTHING):
    return open_slack(entry, shared, Scripted(reply(200, "ok")).tools())


def refusal(**said_of_it):
    with pytest.raises(ValidationError) as caught:
        config(**said_of_it)
    return str(caught.value)


def test_a_block_pasted_from_alertmanager_works_as_it_is():
    entry = config(**PASTED)
    assert (entry.label(), entry.title, entry.username) == ("#ml", None, None)
    assert isinstance(opened(entry), SlackWebhook)


@pytest.mark.parametrize("key", ["title", "text", "pretext", "footer", "username", "icon_emoji", "icon_url", "channel"])
def test_a_go_template_is_refused_wherever_a_text_may_stand(key):
    assert "Go templates are not carried over" in refusal(api_url=HOOK, **{key: "{{ .CommonLabels.team }}"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("color", "danger"),
        ("title_link", "https://x.example"),
        ("fallback", "text"),
        ("fields", [{"title": "a", "value": "b"}]),
        ("actions", [{"type": "button", "text": "a", "url": "https://x.example"}]),
        ("link_names", True),
    ],
)
def test_a_part_of_alertmanagers_layout_says_that_it_has_no_counterpart(key, value):
    assert "has no counterpart here" in refusal(api_url=HOOK, **{key: value})


@pytest.mark.parametrize(
    ("entry", "said_why"),
    [
        pytest.param({"api_url": HOOK, "app_token": TOKEN, "channel": "#a"}, "not both", id="two-ways-in"),
        pytest.param({"app_token": TOKEN}, "needs the channel", id="an-app-without-a-channel"),
        pytest.param(
            {"api_url": HOOK, "update_message": True}, "update_message needs an app", id="a-webhook-that-updates"
        ),
        pytest.param({"api_url": "hooks.slack.com/x"}, "begins with https", id="no-address"),
        pytest.param({"api_url": HOOK, "mentions": ["@ana"]}, "mentions.0", id="a-name-is-no-mention"),
        pytest.param({"api_url": HOOK, "mentions": ["U1>|<!channel"]}, "mentions.0", id="a-forged-mention"),
        pytest.param({"api_url": HOOK, "mentions": ["U012AB3CD\n"]}, "mentions.0", id="a-line-end"),
        pytest.param({"api_url": HOOK, "mentions": ["everyone"]}, "mentions.0", id="everyone"),
        pytest.param({"api_url": HOOK, "mentions": ["here"] * 21}, "at most 20", id="too-many-mentions"),
        pytest.param({"api_url": HOOK, "mention_from": "high"}, "mention_from", id="no-severity"),
        pytest.param({"api_url": HOOK, "channels": "#a"}, "channels", id="unknown-key"),
    ],
)
def test_a_mistake_is_refused(entry, said_why):
    assert said_why in refusal(**entry)


@pytest.mark.parametrize("target", ["U012AB3CD", "W012AB3CD", "S012AB3CD", "here", "channel"])
def test_a_mention_is_an_id_or_a_keyword(target):
    assert config(api_url=HOOK, mentions=[target]).mentions == (target,)


@pytest.mark.parametrize(
    ("entry", "shared", "kind"),
    [
        pytest.param({"api_url": HOOK}, {}, SlackWebhook, id="own-webhook"),
        pytest.param({"app_token": TOKEN, "channel": "#a"}, {}, SlackApp, id="own-app"),
        pytest.param({"channel": "#a"}, {"slack_api_url": HOOK}, SlackWebhook, id="shared-webhook"),
        pytest.param({"channel": "#a"}, {"slack_app_token_env": "X"}, SlackApp, id="shared-app"),
        pytest.param({"api_url": HOOK}, {"slack_app_token": TOKEN}, SlackWebhook, id="own-before-shared"),
        pytest.param(
            {"app_token": TOKEN, "channel": "#a"}, {"slack_api_url": HOOK}, SlackApp, id="own-app-before-shared"
        ),
    ],
)
def test_an_entrys_own_way_in_comes_before_the_shared_one(entry, shared, kind):
    assert isinstance(opened(config(**entry), SlackGlobals.model_validate(shared)), kind)


@pytest.mark.parametrize(
    ("entry", "shared", "why"),
    [
        pytest.param({}, {}, "no way into Slack", id="nothing"),
        pytest.param({}, {"slack_app_token": TOKEN}, "needs the channel", id="a-shared-app-without-a-channel"),
        pytest.param(
            {"update_message": True}, {"slack_api_url": HOOK}, "update_message needs an app", id="a-shared-webhook"
        ),
    ],
)
def test_what_makes_no_channel_together_is_refused_when_it_is_opened(entry, shared, why):
    with pytest.raises(ValueError, match=why):
        opened(config(**entry), SlackGlobals.model_validate(shared))


def test_the_globals_give_one_way_in():
    with pytest.raises(ValidationError, match="slack_api_url"):
        SlackGlobals.model_validate({"slack_api_url": HOOK, "slack_app_token": TOKEN})


def test_only_an_app_hears_who_has_it_and_who_has_it_no_longer():
    hands = {Reason.ACKNOWLEDGED, Reason.UNACKNOWLEDGED}
    assert not hands & config(api_url=HOOK).hears()
    assert hands <= config(app_token=TOKEN, channel="#a").hears()
    assert hands <= config(channel="#a", update_message=True).hears()
    assert Reason.RESOLVED in config(api_url=HOOK).hears()
    assert Reason.RESOLVED not in config(api_url=HOOK, send_resolved=False).hears()


def test_a_channel_is_as_fast_as_slack_allows():
    webhook = opened(config(api_url=HOOK))
    posts = opened(config(app_token=TOKEN, channel="#a"))
    updates = opened(config(app_token=TOKEN, channel="#a", update_message=True))
    assert (webhook.rate, posts.rate) == (1.0, 1.0)
    assert updates.rate * 60 <= 40
    assert webhook.budget < posts.budget


def test_a_label_shows_where_it_goes():
    assert config(app_token=TOKEN, channel="#ml-alerts").label() == "#ml-alerts"
    assert config(api_url=HOOK).label().startswith("webhook-")
    assert config().label() == "default"
