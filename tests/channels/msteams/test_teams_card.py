"""What Teams gets: cards that read well and are small enough, in which no text of a stranger's is more than text."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from alertsvc.channels.badge import ACKNOWLEDGED as TAKEN
from alertsvc.channels.badge import DIGEST as DIGEST_BADGE
from alertsvc.channels.badge import RESOLVED as OVER
from alertsvc.channels.badge import STORM, STORM_OVER, TEST
from alertsvc.channels.heading import Heading, heading_of
from alertsvc.channels.msteams.card import MAX_BYTES, TOO_OLD, counted_bytes, teams_payload
from alertsvc.channels.msteams.config import TeamsMention
from alertsvc.channels.msteams.elements import literal
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.channels.view import facts
from alertsvc.core.model import Link, Reason, Severity
from tests.channels.arbitrary import addresses, messages
from tests.channels.hostile import HOSTILE, digest_of, everywhere
from tests.channels.msteams.cards import card_of, literals, markups, shown, strings, urls
from tests.channels.scenes import ACKNOWLEDGED, OPENED, RAISED
from tests.channels.scripted import RENDER
from tests.channels.validators import check_teams
from tests.fakes.teams import failure_of

BADGES = {"🔴 Critical", "🟠 Error", "🟡 Warning", "🔵 Info", str(TAKEN), str(OVER), str(TEST)}
OF_ALL = {*BADGES, str(DIGEST_BADGE), str(STORM), str(STORM_OVER)}
ANA = TeamsMention(id="ana@example.com", name="Ana")
WIDEST = [TeamsMention(id="a" * 200, name="\U0001f525" * 60)] * 5
OWN_WORDS = re.compile(r"[A-Za-z0-9.:/ -]+")


def laid_out(message, mentions=()):
    return teams_payload(message, heading_of(message, RENDER), mentions)


def card(message, mentions=()):
    return card_of(laid_out(message, mentions))


def is_posted(payload):
    """Hold a payload with mentions, which no strict schema knows, to what a flow would post."""
    assert failure_of(json.loads(json.dumps(payload))) is None
    assert counted_bytes(card_of(payload)) <= MAX_BYTES


def nothing_is_forged(payload, message):
    """Hold that what came from outside is literal, leads nowhere by itself, calls nobody and is no date."""
    laid = card_of(payload)
    for text in markups(laid):
        assert text in BADGES or text.removesuffix(f". {TOO_OLD}").split(": INC-")[0] in OF_ALL
    assert urls(laid) <= addresses(message)
    assert laid["msteams"] == {"width": "full"}
    for kind, key, text in strings(laid):
        assert "{{" not in text or key == "url", (kind, key, text)
        if (kind, key) not in {("TextRun", "text"), ("Action.OpenUrl", "title"), ("Action.OpenUrl", "url")}:
            assert text in markups(laid) or OWN_WORDS.fullmatch(text), (kind, key, text)


@settings(max_examples=60, deadline=None)
@given(message=messages)
def test_whatever_arrives_teams_posts_it_and_nothing_in_it_is_forged(message):
    payload = laid_out(message)
    check_teams(payload)
    nothing_is_forged(payload, message)


@pytest.mark.parametrize(
    "text", [*HOSTILE, pytest.param("{{DATE(2026-11-24T12:00:00Z)}}" * 50_000, id="a-million-of-dates")]
)
def test_no_hostile_text_gets_through(text):
    for message in (everywhere(text), digest_of(text)):
        payload = laid_out(message)
        check_teams(payload)
        nothing_is_forged(payload, message)
        is_posted(laid_out(message, WIDEST))


@pytest.mark.parametrize("size", [1_000, 1_000_000])
@pytest.mark.parametrize("char", ["x", '"', "\\", "é", "\U0001f525", "{"])
def test_a_hundred_huge_alerts_fit(char, size):
    alert, far = INCIDENT.alerts[0], "https://x.example/" + ("é" if char == "é" else "a") * 1900
    huge = replace(
        alert, name=char * size, labels={f"{n}": char * size for n in range(9)}, links=(Link(char * size, far),)
    )
    message = replace(INCIDENT, title=char * size, summary=char * size, description=char * size, comment=char * size)
    message = replace(
        message, owner=char * size, receiver=char * size, route=char * size, links=(Link(char * size, far),) * 9
    )
    message = replace(
        message, alerts=(huge,) * 100, firing_count=5_000, labels={f"l{n}": char * size for n in range(50)}
    )
    message = replace(message, incident_url=far, acknowledge_url=far, runbook_url=far)
    for each in (message, replace(message, alerts=(huge,), firing_count=1)):
        check_teams(laid_out(each))
        is_posted(laid_out(each, WIDEST))


def test_a_card_that_is_too_large_loses_alerts_first_then_labels_then_text():
    def kept(size):
        many = tuple(replace(alert, labels={"feature": "\U0001f525" * size}) for alert in OPENED.alerts * 3)
        labels = {f"l{number:02}": "\U0001f525" * size for number in range(12)}
        known = card(replace(OPENED, alerts=many, labels=labels, summary="s" * 10 * size, description="d" * 10 * size))
        text = shown(known)
        return text.count("feature="), text.count("=\U0001f525") - text.count("feature="), text.count("d" * 10)

    steps = [kept(size) for size in (1, 60, 110, 150, 400)]
    assert steps[0][:2] == (8, 12)
    for earlier, later in pairwise(steps):
        assert later[0] <= earlier[0]
        assert later[1] == earlier[1] or later[0] == 2
    assert steps[-1][0] == 2
    assert steps[-1][1] < 12


def test_the_size_is_counted_as_teams_counts_it():
    assert counted_bytes({"a": 'é"'}) == len(json.dumps('{"a": "\\u00e9\\""}'))


@pytest.mark.parametrize(
    ("message", "style", "mark"),
    [
        pytest.param(INCIDENT, "attention", "🔴 Critical", id="firing-shows-how-bad"),
        pytest.param(replace(INCIDENT, severity=Severity.INFO), "attention", "🔵 Info", id="state-colours-the-ground"),
        pytest.param(ACKNOWLEDGED, "warning", "👀 Acknowledged", id="acknowledged"),
        pytest.param(RESOLVED, "good", "✅ Resolved", id="resolved"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST), "accent", "🧪 Test", id="test"),
    ],
)
def test_the_ground_shows_the_state_and_the_mark_says_it_in_a_word(message, style, mark):
    first = card(message)["body"][0]
    assert (first["type"], first["style"], first["bleed"]) == ("Container", style, True)
    assert first["items"][0]["text"] == mark
    assert first["items"][1]["inlines"][0]["text"].startswith("churn-xgb production: DataDriftDetected")


@pytest.mark.parametrize(
    "message", [INCIDENT, RAISED, ACKNOWLEDGED, RESOLVED], ids=lambda message: message.reason.value
)
def test_every_fact_is_shown(message):
    text = shown(card(message))
    for fact in facts(message):
        assert fact.value in text
    for name, value in message.labels.items():
        assert f"{name}={value}" in text
    assert "INC-12 · receiver ml-platform, route root/fraud" in text


def test_buttons_only_lead_somewhere_and_end_with_the_incident():
    assert [each["title"] for each in card(INCIDENT)["actions"]] == [
        "Open incident",
        "Acknowledge",
        "Runbook",
        "Dashboard",
    ]
    assert {each["type"] for each in card(INCIDENT)["actions"]} == {"Action.OpenUrl"}
    assert "Acknowledge" not in [each["title"] for each in card(RESOLVED)["actions"]]
    assert card(RESOLVED)["actions"][0]["title"] == "Open incident"
    bare = replace(INCIDENT, incident_url=None, acknowledge_url=None, runbook_url=None, links=(), alerts=())
    assert "actions" not in card(bare)


def test_what_was_feared_is_not_repeated_when_it_is_over():
    assert "scores may be off" in shown(card(INCIDENT))
    assert "scores may be off" not in shown(card(RESOLVED))


def test_what_stands_in_for_a_card_holds_nothing_from_outside():
    assert card(INCIDENT)["fallbackText"] == f"🔴 Critical: INC-12. {TOO_OLD}"
    assert card(replace(INCIDENT, reason=Reason.TEST))["fallbackText"] == f"🧪 Test. {TOO_OLD}"
    assert card(DIGEST)["fallbackText"] == f"📋 Digest. {TOO_OLD}"


@pytest.mark.parametrize(
    ("message", "called"),
    [
        pytest.param(INCIDENT, True, id="opened"),
        pytest.param(replace(INCIDENT, reason=Reason.RAISED), True, id="raised"),
        pytest.param(replace(INCIDENT, reason=Reason.REPEATED), True, id="repeated"),
        pytest.param(replace(INCIDENT, reason=Reason.UPDATED), False, id="updated"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST), False, id="test"),
        pytest.param(RESOLVED, False, id="resolved"),
        pytest.param(DIGEST, False, id="digest"),
    ],
)
def test_only_what_wants_somebody_to_come_calls_people(message, called):
    entity = {"type": "mention", "text": "<at>Ana</at>", "mentioned": {"id": "ana@example.com", "name": "Ana"}}
    laid = card(message, [ANA])
    assert laid["msteams"].get("entities", []) == ([entity] if called else [])
    assert ("<at>Ana</at>" in markups(laid)) is called


def test_a_mention_written_by_somebody_outside_calls_nobody():
    message = replace(INCIDENT, title="<at>Ana</at>", summary="<at>Ana</at>")
    laid = card(message)
    assert "entities" not in laid["msteams"]
    assert markups(laid) == {"🔴 Critical", f"🔴 Critical: INC-12. {TOO_OLD}"}
    assert any("<at>Ana</at>" in text for text in literals(laid))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("{{DATE(2026-11-24T12:00:00Z, SHORT)}}", "{\u200b{DATE(2026-11-24T12:00:00Z, SHORT)}\u200b}"),
        ("{{{{", "{\u200b{\u200b{\u200b{"),
        ("a {b} c", "a {b} c"),
        ("{ {", "{ {"),
    ],
)
def test_two_braces_never_stand_side_by_side(text, written):
    assert literal(text) == written


def test_a_title_that_was_left_empty_is_named():
    assert "Untitled incident" in shown(card_of(teams_payload(INCIDENT, Heading(" ", ""))))
    assert "📋 Digest" in shown(card_of(teams_payload(DIGEST, Heading("", ""))))


def test_a_digest_says_what_is_open_first():
    text = shown(card(replace(DIGEST, items=DIGEST.items[::-1])))
    assert text.index("Open") < text.index("ranking production") < text.index("Resolved") < text.index("search staging")
    assert "INC-13 · Warning · Firing, 2 alerts · since 2026-11-24 09:12 UTC" in text
    assert "2026-11-24 09:00 to 10:00 UTC" in text
    assert [each["title"] for each in card(DIGEST)["actions"]] == ["Open digest"]
