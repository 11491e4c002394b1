"""What the channels make of messages: reviewed copies, foreign judges, and texts that somebody outside chose."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alertsvc.channels.json_body import encoded
from alertsvc.channels.message import DigestItem
from alertsvc.channels.msteams.card import teams_payload
from alertsvc.channels.msteams.config import TeamsMention
from alertsvc.channels.slack.layout import slack_payload
from alertsvc.core.model import IncidentStatus, Link, Reason, Severity
from tests.channels.golden import golden_files
from tests.channels.hostile import HOSTILE, digest_of, everywhere, storm_of
from tests.channels.payloads import LOOK, PAYLOADS, slack, slack_plain, slack_reply, webhook
from tests.channels.scenes import INCIDENT, OPENED, SCENES, WEEK, heading, reason
from tests.channels.validators import CHECKS, check_markup, check_slack, check_teams, elements, slack_texts

OURS = ("<@U0ANA>", "<!subteam^S0MLOPS>", "<!here>")
CHECKS = {**CHECKS, "slack": lambda payload: check_slack(payload, OURS)}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVERY_CHANNEL = pytest.mark.parametrize("channel", PAYLOADS)


GOLDEN = [pytest.param(path, text, id=f"{path.parent.name}-{path.stem}") for path, text in golden_files()]


@pytest.mark.parametrize(("path", "text"), GOLDEN)
def test_a_payload_is_what_people_reviewed(path, text):
    assert path.read_text() == text


@EVERY_CHANNEL
@pytest.mark.parametrize("scene", SCENES)
def test_a_foreign_judge_accepts_every_payload(channel, scene):
    CHECKS[channel](json.loads(encoded(PAYLOADS[channel](SCENES[scene]))))


@EVERY_CHANNEL
@pytest.mark.parametrize("why", Reason)
def test_every_reason_can_be_told(channel, why):
    CHECKS[channel](json.loads(encoded(PAYLOADS[channel](reason(OPENED, why)))))


ODD = [
    pytest.param("<!channel> <!here> <!everyone> <@U0EVIL> <!subteam^S0EVIL|x> <#C0EVIL>", id="slack-mentions"),
    pytest.param("<https://evil.example|https://bank.example>", id="slack-link"),
    pytest.param("<!date^1^{date}^https://evil.example|x>", id="slack-date"),
    pytest.param("](https://evil.example) [x](javascript:alert(1)) ![x](https://evil.example/x.png)", id="markdown"),
    pytest.param("{{DATE(2026-01-01T00:00:00Z, SHORT)}} {{{{ }}}} {{{", id="card-dates"),
    pytest.param("<at>Everyone</at>", id="teams-mention"),
    pytest.param("&&&&&<<<<>>>>" * 20_000, id="260k-escapes"),
    pytest.param("😀" * 250_000, id="1m-of-faces"),
    pytest.param('"\\' * 100_000, id="200k-quotes"),
    pytest.param("\u0000" * 1000 + "a", id="controls"),
    pytest.param("`*_~:smile:", id="formatting"),
    pytest.param("\u202e\u2066אבג", id="right-to-left"),
    pytest.param("https://ok.example/?" + "&" * 1900, id="address-of-ampersands"),
    *HOSTILE,
]


@EVERY_CHANNEL
@pytest.mark.parametrize("text", ODD)
def test_no_text_breaks_a_payload(channel, text):
    for message in (everywhere(text), digest_of(text), storm_of(text)):
        CHECKS[channel](json.loads(encoded(PAYLOADS[channel](message))))


TRICKS = ["<!channel>", "{{DATE(", "](http", "\x00", "\u202e", "=?utf-8?", "<at>x</at>", "&amp;", "|"]
anything = st.text(st.characters(exclude_categories=())) | st.sampled_from([*TRICKS, "x" * 5000, "&" * 5000])
texts = st.lists(anything, max_size=6).map("".join)
instants = st.integers(-62_135_596_800, 7_258_118_400).map(lambda second: EPOCH + timedelta(seconds=second))
labels = st.dictionaries(texts, texts, max_size=20)


@st.composite
def incidents(draw):
    alert = replace(
        INCIDENT.alerts[0],
        name=draw(texts),
        labels=draw(labels),
        value=draw(st.none() | st.floats()),
        threshold=draw(st.none() | st.floats()),
        links=(Link(draw(texts), draw(texts)),),
    )
    return replace(
        OPENED,
        reason=draw(st.sampled_from(Reason)),
        status=draw(st.sampled_from(IncidentStatus)),
        severity=draw(st.sampled_from(Severity)),
        previous_severity=draw(st.none() | st.sampled_from(Severity)),
        title=draw(texts), summary=draw(texts), description=draw(texts), owner=draw(texts), comment=draw(texts),
        acknowledged_by=draw(texts), acknowledged_at=draw(instants), opened_at=draw(instants),
        resolved_at=draw(st.none() | instants), labels=draw(labels), route=draw(texts), receiver=draw(texts),
        alerts=(alert,) * draw(st.integers(0, 12)), firing_count=draw(st.integers(0, 5000)),
        ended_count=draw(st.integers(0, 5000)),
        incident_url="https://alerts.example.com/" + draw(texts), runbook_url=draw(texts),
    )  # fmt: skip


@st.composite
def digests(draw):
    def item(number):
        return DigestItem(
            WEEK.digest_id, number, draw(texts), draw(st.sampled_from(IncidentStatus)),
            draw(st.sampled_from(Severity)), draw(instants), draw(texts), labels=draw(labels),
            incident_url="https://alerts.example.com/" + draw(texts),
        )  # fmt: skip

    few = [item(number) for number in range(draw(st.integers(1, 4)))]
    return replace(WEEK, name=draw(texts), receiver=draw(texts), items=tuple(few * draw(st.sampled_from([1, 5, 60]))))


@EVERY_CHANNEL
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(message=incidents() | digests())
def test_whatever_a_message_says_the_limits_hold_and_nothing_is_forged(channel, message):
    CHECKS[channel](json.loads(encoded(PAYLOADS[channel](message))))


@pytest.mark.parametrize("text", ODD)
def test_the_plain_forms_for_slack_forge_nothing_either(text):
    for message in (everywhere(text), digest_of(text), storm_of(text)):
        for payload in (slack_plain(message), slack_reply(message)):
            check_markup(payload["text"], OURS)
            assert 0 < len(payload["text"].encode()) <= 4000


CALLING = {Reason.OPENED, Reason.RAISED, Reason.REPEATED, Reason.UNACKNOWLEDGED, Reason.UNMUTED}


@pytest.mark.parametrize(("why", "called"), [pytest.param(why, why in CALLING, id=why) for why in Reason])
def test_slack_calls_people_only_for_news_that_want_somebody(why, called):
    payload = slack(reason(OPENED, why))
    assert ("<@U0ANA> <!subteam^S0MLOPS> <!here>" in payload["blocks"][0]["text"]["text"]) is called
    assert ("<@U0ANA>" in payload["text"]) is called


def test_slack_calls_nobody_below_the_chosen_severity():
    calm = replace(LOOK, mention_from=Severity.CRITICAL)
    message = replace(OPENED, severity=Severity.WARNING)
    assert "<@" not in json.dumps(slack_payload(message, heading(message), calm))


def test_teams_calls_whom_the_configuration_names_and_nobody_else():
    ana = TeamsMention(id="ana@example.org", name="Ana Müller")
    card = teams_payload(OPENED, heading(OPENED), [ana])["attachments"][0]["content"]
    assert card["body"][-1]["text"] == "<at>Ana Müller</at>"
    assert card["msteams"]["entities"] == [
        {"type": "mention", "text": "<at>Ana Müller</at>", "mentioned": {"id": "ana@example.org", "name": "Ana Müller"}}
    ]
    quiet = teams_payload(reason(OPENED, Reason.RESOLVED), heading(OPENED), [ana])["attachments"][0]["content"]
    assert quiet["msteams"] == {"width": "full"}


@pytest.mark.parametrize("channel", PAYLOADS)
def test_a_test_message_looks_like_one(channel):
    text = json.dumps(PAYLOADS[channel](SCENES["test"]), ensure_ascii=False)
    assert re.search(r"\bTest\b|\[TEST\]|incident\.test", text)
    assert "Critical" not in text


def test_the_state_has_a_colour_and_a_word():
    colours = {name: slack(SCENES[name])["attachments"][0]["color"] for name in ("opened", "acknowledged", "resolved")}
    assert colours == {"opened": "#a30200", "acknowledged": "#daa038", "resolved": "#2eb886"}
    words = {name: slack(SCENES[name])["blocks"][0]["text"]["text"].split(" · ")[0] for name in colours}
    assert words == {"opened": "🔴 *Critical*", "acknowledged": "👀 *Acknowledged*", "resolved": "✅ *Resolved*"}


def test_what_is_over_has_no_buttons_in_slack():
    blocks = slack(SCENES["resolved"])["attachments"][0]["blocks"]
    assert "actions" not in [block["type"] for block in blocks]


def test_a_storm_is_one_alert_of_pagerduty_from_its_first_summary_to_its_end():
    begun, ended = (PAYLOADS["pagerduty"](SCENES[name]) for name in ("storm", "storm_over"))
    assert (begun["event_action"], ended["event_action"]) == ("trigger", "resolve")
    assert begun["dedup_key"] == ended["dedup_key"] == "alertsvc:storm:019ab000-0000-7000-8000-0000000000f1"
    assert begun["payload"]["summary"] == "Storm: 9,995 incidents since 09:12 UTC, worst critical"
    assert begun["payload"]["severity"] == "critical"


@pytest.mark.parametrize("channel", ["slack", "msteams", "pagerduty"])
def test_the_summary_of_a_storm_says_what_came_most_and_what_follows(channel):
    text = json.dumps(PAYLOADS[channel](SCENES["storm"]), ensure_ascii=False)
    kinds, rest = "NodeDown (critical): 9,800 incidents", "9,993 more incidents"
    assert all(said in text for said in (kinds, rest, "known kinds wait for the next summary"))


@EVERY_CHANNEL
def test_alerts_beyond_those_shown_are_counted(channel):
    text = json.dumps(PAYLOADS[channel](OPENED), ensure_ascii=False)
    assert re.search(r'and 36 more alerts|"firing_count": 40', text)


def test_a_digest_says_how_many_it_leaves_out():
    many = replace(WEEK, items=WEEK.items * 200)
    for channel, payload in PAYLOADS.items():
        text = json.dumps(payload(many), ensure_ascii=False)
        assert re.search(r'and [\d,]+ more incidents|[\d,]+ more incidents|"incident_count": 600', text), channel


def test_a_card_that_is_too_large_loses_alerts_before_text():
    alerts = tuple(replace(OPENED.alerts[0], name=f"Alert{n}", labels={"x": "😀" * 150}) for n in range(10))
    payload = teams_payload(replace(OPENED, alerts=alerts), heading(OPENED))
    check_teams(payload)
    text = json.dumps(payload, ensure_ascii=False)
    assert "more alerts" in text
    assert OPENED.summary.replace('"', '\\"') in text


def test_everything_untrusted_stands_in_text_runs_of_a_card():
    marker = "zebra"
    card = teams_payload(everywhere(marker), heading(everywhere(marker)))["attachments"][0]["content"]
    holders = {each["type"] for each in elements(card["body"]) if marker in str(each.get("text", ""))}
    assert holders == {"TextRun"}


def test_instants_are_shown_in_each_readers_own_time():
    shown = "\n".join(slack_texts(slack(SCENES["resolved"])))
    assert "*Started*\n<!date^1795511520^{date_short} {time}|2026-11-24 09:12 UTC>" in shown
    assert "*Acknowledged*\n<!date^1795511760^{date_short} {time}|2026-11-24 09:16 UTC> by Ana Müller" in shown


def test_a_webhook_says_when_it_left_something_out():
    assert webhook(INCIDENT)["data"]["shortened"] is False
    assert webhook(OPENED)["data"]["shortened"] is True
    assert len(webhook(replace(OPENED, description="x" * 100_000))["data"]["alerts"]) == 4
