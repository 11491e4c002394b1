"""What Slack gets: how it reads, that all of it fits, and that no text of a stranger's does anything."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from alertsvc.channels.heading import Heading, heading_of
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.channels.slack.layout import plain_payload, reply_payload, slack_payload
from alertsvc.channels.slack.mrkdwn import date, escaped, escaped_line, link, mention
from alertsvc.channels.slack.parts import Look
from alertsvc.channels.view import facts
from alertsvc.core.model import IncidentStatus, Link, Reason, Severity
from tests.channels.arbitrary import addresses, messages
from tests.channels.hostile import HOSTILE, digest_of, everywhere
from tests.channels.scenes import ACKNOWLEDGED, OPENED, RAISED, SCENES
from tests.channels.scripted import RENDER
from tests.channels.slack.markup import blocks, buttons, doors
from tests.channels.validators import check_markup, check_slack, slack_texts

MAX_UPDATE_BYTES = 4000
LAYOUTS = [slack_payload, plain_payload, reply_payload]
LONGEST = Look(
    mentions=("here", "channel", *(f"{kind}{number:020}" for number in range(9) for kind in "SU")),
    pretext="é" * 1000,
    footer="f" * 1000,
)


def laid_out(message, lay_out=slack_payload, look=Look()):  # noqa: B008 - a value
    return lay_out(message, heading_of(message, RENDER), look)


def accept(payload, look=Look()):  # noqa: B008 - a value
    """Hold `payload` against Slack's limits, whichever of the layouts made it, and against forgery."""
    called = tuple(map(mention, look.mentions))
    if "blocks" in payload:
        check_slack(payload, called)
    check_markup(payload["text"], called)
    assert 0 < len(payload["text"].encode("utf-8", "replace")) <= MAX_UPDATE_BYTES


@pytest.mark.parametrize("lay_out", LAYOUTS)
@settings(max_examples=60, deadline=None)
@given(message=messages)
def test_whatever_arrives_a_message_leads_only_where_its_links_do(lay_out, message):
    payload = laid_out(message, lay_out)
    accept(payload)
    assert doors(payload) <= addresses(message)


@pytest.mark.parametrize("lay_out", LAYOUTS)
@pytest.mark.parametrize("text", [*HOSTILE, pytest.param("<!channel>" * 100_000, id="a-million-of-mentions")])
def test_no_hostile_text_leads_anywhere_or_calls_anybody(text, lay_out):
    for message in (everywhere(text), digest_of(text)):
        payload = laid_out(message, lay_out)
        accept(payload)
        assert doors(payload) <= addresses(message)


@pytest.mark.parametrize("lay_out", LAYOUTS)
@settings(max_examples=40, deadline=None)
@given(message=messages)
def test_the_longest_look_leaves_room_for_everything(lay_out, message):
    accept(laid_out(message, lay_out, LONGEST), LONGEST)


@pytest.mark.parametrize("lay_out", LAYOUTS)
@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_a_hundred_huge_alerts_fit(size, lay_out):
    far = (Link("&" * size, "https://x.example/" + "a" * 1900),)
    huge = replace(INCIDENT.alerts[0], name="&" * size, labels={f"l{n}": "<" * size for n in range(9)}, links=far)
    message = replace(INCIDENT, title="&" * size, summary="\U0001f525" * size, description="<" * size, links=far * 9)
    labels = {f"l{number}": "&" * size for number in range(50)}
    message = replace(message, alerts=(huge,) * 100, firing_count=5_000, labels=labels, comment="&" * size)
    accept(laid_out(message, lay_out, LONGEST), LONGEST)


def test_the_sentence_says_what_matters_without_any_layout():
    assert laid_out(INCIDENT)["text"] == (
        "🔴 Critical: churn-xgb production: DataDriftDetected 0.414 (&gt; 0.25)."
        ' New critical incident. The feature "age" has drifted from its reference.'
    )
    assert laid_out(DIGEST)["text"] == ("📋 Hourly digest: 1 incident open, 1 resolved. 2026-11-24 09:00 to 10:00 UTC")


@pytest.mark.parametrize(
    ("message", "color", "mark"),
    [
        pytest.param(INCIDENT, "#a30200", "🔴 *Critical*", id="firing-shows-how-bad"),
        pytest.param(
            replace(INCIDENT, severity=Severity.WARNING), "#a30200", "🟡 *Warning*", id="state-colours-the-bar"
        ),
        pytest.param(ACKNOWLEDGED, "#daa038", "👀 *Acknowledged*", id="acknowledged"),
        pytest.param(RESOLVED, "#2eb886", "✅ *Resolved*", id="resolved"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST), "#1d6fb8", "🧪 *Test*", id="test"),
    ],
)
def test_the_bar_shows_the_state_and_the_mark_says_it_in_a_word(message, color, mark):
    payload = laid_out(message)
    assert [each["color"] for each in payload["attachments"]] == [color]
    title = payload["blocks"][0]["text"]["text"]
    assert title.startswith(f"{mark} · *<https://alerts.example.com/incidents/12|churn-xgb production")


@pytest.mark.parametrize(
    "message", [INCIDENT, RAISED, ACKNOWLEDGED, RESOLVED], ids=lambda message: message.reason.value
)
def test_every_fact_is_shown(message):
    shown = re.sub(r"<!date[^|]*\|([^>]*)>", r"\1", "\n".join(slack_texts(laid_out(message))))
    for fact in facts(message):
        assert fact.value in shown
    for name, value in message.labels.items():
        assert f"`{name}={value}`" in shown


def test_what_is_over_has_no_buttons():
    assert [each["text"]["text"] for each in buttons(laid_out(INCIDENT))] == [
        *("Open incident", "Acknowledge", "Runbook", "Dashboard", "Source")
    ]
    assert len({each["action_id"] for each in buttons(laid_out(INCIDENT))}) == 5
    assert "Acknowledge" not in [each["text"]["text"] for each in buttons(laid_out(ACKNOWLEDGED))]
    assert buttons(laid_out(RESOLVED)) == []


def test_what_was_feared_is_not_repeated_when_it_is_over():
    assert "scores may be off" in json.dumps(laid_out(INCIDENT))
    assert "scores may be off" not in json.dumps(laid_out(RESOLVED))


def test_a_plain_message_says_the_sentence_and_where_to_look():
    payload = laid_out(INCIDENT, plain_payload)
    assert set(payload) == {"text"}
    assert payload["text"].endswith("from its reference.\n<https://alerts.example.com/incidents/12|Open>")


def test_a_title_that_was_left_empty_is_named():
    payload = slack_payload(INCIDENT, Heading(" ", ""), Look())
    assert "Untitled incident" in payload["blocks"][0]["text"]["text"]
    assert "*<https://alerts.example.com/digests/1|Digest>*" in str(slack_payload(DIGEST, Heading("", ""), Look()))


def test_a_digest_turns_green_when_nothing_is_open():
    over = [replace(item, status=IncidentStatus.RESOLVED) for item in DIGEST.items]
    assert laid_out(DIGEST)["attachments"][0]["color"] == "#daa038"
    assert laid_out(replace(DIGEST, items=tuple(over)))["attachments"][0]["color"] == "#2eb886"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        pytest.param("a < b & c > d", 50, "a &lt; b &amp; c &gt; d", id="all-three"),
        pytest.param("&lt;!channel&gt;", 50, "&amp;lt;!channel&amp;gt;", id="already-escaped"),
        pytest.param("&&&&", 14, "&amp;&amp;…", id="never-cut-inside-an-escape"),
        pytest.param("abcdef", 6, "abcdef", id="just-fits"),
        pytest.param("abcdefg", 6, "abcde…", id="one-too-many"),
        pytest.param("ab&", 6, "ab…", id="an-escape-too-many"),
        pytest.param("a\U0001f469\u200d\U0001f52cb", 3, "a…", id="never-inside-a-character"),
    ],
)
def test_a_text_is_escaped_before_it_is_measured(text, limit, shown):
    assert escaped(text, limit) == escaped_line(text, limit) == shown
    assert len(shown) <= limit


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("https://a.example/x?y=1&z=2", "<https://a.example/x?y=1&amp;z=2|t>", id="ampersand"),
        pytest.param("http://a.example", "<http://a.example|t>", id="http"),
        pytest.param("javascript:alert(1)", "t", id="script"),
        pytest.param("https://a.example/|x", "t", id="bar"),
        pytest.param("https://a.example/>", "t", id="bracket"),
        pytest.param("https://a.example/ x", "t", id="blank"),
        pytest.param("https://a.example/" + "a" * 1000, "t", id="too-long"),
        pytest.param(None, "t", id="none"),
    ],
)
def test_only_a_plain_web_address_is_linked(url, shown):
    assert link("t", url) == shown


def test_a_date_is_shown_in_the_readers_own_time():
    assert date(INCIDENT.opened_at) == "<!date^1795511520^{date_short} {time}|2026-11-24 09:12 UTC>"
    assert date(datetime(1926, 12, 18, 9, 12, tzinfo=UTC)) == "1926-12-18 09:12 UTC"


@pytest.mark.parametrize("scene", SCENES)
def test_slack_names_every_block_anew_and_makes_no_name_a_link(scene):
    for block in blocks(laid_out(SCENES[scene])):
        assert "block_id" not in block
        texts = [block.get("text", {}), *block.get("fields", []), *block.get("elements", [])]
        assert all(text["verbatim"] for text in texts if text.get("type") == "mrkdwn")


@pytest.mark.parametrize("lay_out", LAYOUTS)
def test_every_form_of_a_message_calls_the_same_people(lay_out):
    look = Look(mentions=("S012AB3CD", "U012AB3CD", "W012AB3CD", "here", "channel"))
    calls = "<!subteam^S012AB3CD> <@U012AB3CD> <@W012AB3CD> <!here> <!channel>"
    assert laid_out(OPENED, lay_out, look)["text"].endswith(calls)
    assert doors(laid_out(ACKNOWLEDGED, lay_out, look)) <= addresses(ACKNOWLEDGED)
