"""Sending to Slack: one message for each change through a webhook; as an app, one that changes, or a thread."""

import json
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.channels.slack import SlackConfig, SlackGlobals, open_slack
from alertsvc.core.model import Reason
from tests.channels.scenes import ACKNOWLEDGED, envelope
from tests.channels.scripted import Scripted, reply
from tests.fakes.provider import Asked
from tests.fakes.slack import HOOK as HOOK_PATH
from tests.fakes.slack import TOKEN, Slack

HOOK = "https://hooks.slack.com" + HOOK_PATH
API = "https://slack.com/api"
APP = {"app_token": TOKEN, "channel": "#ml"}
PLACE = {"channel": "C0ml", "ts": "1700000000.000001"}
TAKEN = reply(200, json.dumps({"ok": True, **PLACE}))
UPDATED = replace(INCIDENT, reason=Reason.UPDATED, sequence=2)
RAISED = replace(INCIDENT, reason=Reason.RAISED, sequence=2)
REPEATED = replace(INCIDENT, reason=Reason.REPEATED, sequence=3)
GIVEN_BACK = replace(INCIDENT, reason=Reason.UNACKNOWLEDGED, sequence=3)


def refused(word):
    return reply(200, json.dumps({"ok": False, "error": word}))


def slack(http, templates=None, **entry):
    return open_slack(SlackConfig.model_validate(entry), SlackGlobals(), http.tools(templates))


def methods(http):
    return [asked.url.removeprefix(f"{API}/") for asked in http.asked]


class Wire(Scripted):
    """Leads to a provider without any network."""

    def __init__(self, provider):
        super().__init__()
        self.provider = provider

    async def post(self, url, *, content, headers):
        asked = Asked("POST", url.removeprefix("https://slack.com"), headers, content, time.monotonic())
        answer = self.provider.answer(asked)
        return reply(answer.status, answer.body.decode())


async def test_a_webhook_posts_every_change_as_a_message_of_its_own():
    http = Scripted(reply(200, "ok"))
    channel = slack(http, api_url=HOOK, channel="#ml", username="alerts", icon_emoji=":bell:")
    for message in (INCIDENT, RAISED, RESOLVED, DIGEST):
        assert await channel.send(message, envelope(anchor=PLACE)) == Accepted("ok", status_code=200)
    assert [asked.url for asked in http.asked] == [HOOK] * 4
    for asked in http.asked:
        assert asked.headers == {"content-type": "application/json; charset=utf-8"}
        body = asked.json()
        assert (body["channel"], body["username"], body["icon_emoji"]) == ("#ml", "alerts", ":bell:")
        assert (body["unfurl_links"], body["unfurl_media"]) == (False, False)
        assert {"text", "blocks", "attachments"} <= set(body)
        assert not {"ts", "thread_ts"} & set(body)
    await channel.close()
    assert http.closed


async def test_a_webhook_that_finds_a_fault_in_the_layout_gets_plain_text_at_once():
    http = Scripted(reply(400, "invalid_attachments"), reply(200, "ok"))
    outcome = await slack(http, api_url=HOOK, channel="#ml").send(INCIDENT, envelope())
    detail = "ok, as plain text: the layout was refused with invalid_attachments"
    assert outcome == Accepted(detail, status_code=200)
    laid_out, plain = (asked.json() for asked in http.asked)
    assert set(laid_out) - set(plain) == {"blocks", "attachments"}
    assert plain["text"].startswith("🔴 Critical: churn-xgb production")
    assert (plain["channel"], plain["unfurl_links"]) == ("#ml", False)


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        pytest.param(
            reply(400, "invalid_payload"), Rejected(Fault.CLIENT_ERROR, "invalid_payload", 400), id="refused-again"
        ),
        pytest.param(reply(500, "rollup_error"), Retry(Fault.SERVER_ERROR, "rollup_error", None, 500), id="in-trouble"),
        pytest.param(Unknown("no answer in time"), Unknown("no answer in time"), id="no-answer"),
    ],
)
@pytest.mark.parametrize("first", [reply(400, "no_text"), reply(413, "too big"), reply(400, "a_word_of_tomorrow")])
async def test_plain_text_is_tried_once_and_then_it_ends(first, second, outcome):
    http = Scripted(first, second)
    assert await slack(http, api_url=HOOK).send(INCIDENT, envelope()) == outcome
    assert len(http.asked) == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(429, "", retry_after="3"), id="limited"),
        pytest.param(reply(404, "no_service"), id="to-be-mended"),
        pytest.param(reply(500), id="in-trouble"),
        pytest.param(Retry(Fault.NETWORK, "no connection"), id="not-reached"),
        pytest.param(Unknown("no answer in time"), id="no-answer"),
    ],
)
async def test_what_may_pass_later_is_asked_once(answer):
    http = Scripted(answer)
    assert isinstance(await slack(http, api_url=HOOK).send(INCIDENT, envelope()), Retry | Unknown)
    assert len(http.asked) == 1


async def test_configured_words_stand_in_for_an_incidents_own_but_not_for_a_digests():
    http = Scripted(TAKEN)
    channel = slack(http, **APP, title="Model trouble", text="Have a look.")
    await channel.send(INCIDENT, envelope())
    await channel.send(DIGEST, envelope())
    incident, digest = (post.json()["text"] for post in http.asked)
    assert incident == "🔴 Critical: Model trouble. Have a look."
    assert "Hourly digest" in digest


@pytest.mark.parametrize("url", ["https://slack.proxy.example/api", "https://slack.proxy.example/api/chat.postMessage"])
async def test_an_app_calls_the_web_api_with_its_token(url):
    http = Scripted(TAKEN)
    outcome = await slack(http, **APP, app_url=url).send(INCIDENT, envelope())
    assert outcome == Accepted("ok", PLACE, 200)
    (post,) = http.asked
    assert post.url == "https://slack.proxy.example/api/chat.postMessage"
    assert post.headers["authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in post.content.decode()
    assert (post.json()["channel"], post.json()["unfurl_links"]) == ("#ml", False)


@pytest.mark.parametrize(
    ("message", "asked", "shown"),
    [
        pytest.param(UPDATED, ["chat.update"], None, id="an-update-changes-in-silence"),
        pytest.param(ACKNOWLEDGED, ["chat.update", "chat.postMessage"], False, id="taken-is-said-below"),
        pytest.param(RESOLVED, ["chat.update", "chat.postMessage"], False, id="over-is-said-below"),
        pytest.param(RAISED, ["chat.update", "chat.postMessage"], True, id="raised-shows-in-the-channel"),
        pytest.param(REPEATED, ["chat.update", "chat.postMessage"], True, id="repeated-shows-in-the-channel"),
        pytest.param(GIVEN_BACK, ["chat.update", "chat.postMessage"], True, id="given-back-shows-in-the-channel"),
    ],
)
async def test_an_incidents_message_is_kept_up_to_date(message, asked, shown):
    http = Scripted(TAKEN)
    outcome = await slack(http, **APP, update_message=True).send(message, envelope(anchor=PLACE))
    assert isinstance(outcome, Accepted)
    assert outcome.anchor in (None, PLACE)
    assert methods(http) == asked
    update, *replies = (asked.json() for asked in http.asked)
    assert (update["channel"], update["ts"]) == ("C0ml", PLACE["ts"])
    assert update["blocks"]
    assert update["attachments"]
    for below in replies:
        assert (below["channel"], below["thread_ts"]) == ("C0ml", PLACE["ts"])
        assert below.get("reply_broadcast", False) is shown
        assert (below["unfurl_links"], below["unfurl_media"]) == (False, False)
        assert not {"ts", "blocks", "attachments"} & set(below)


async def test_without_replies_an_update_is_all_that_happens():
    http = Scripted(TAKEN)
    await slack(http, **APP, update_message=True, thread_replies=False).send(RESOLVED, envelope(anchor=PLACE))
    assert methods(http) == ["chat.update"]


@pytest.mark.parametrize(
    ("message", "whole", "shown"),
    [
        pytest.param(UPDATED, True, False, id="updated"),
        pytest.param(ACKNOWLEDGED, False, False, id="taken-is-a-sentence"),
        pytest.param(GIVEN_BACK, False, True, id="given-back-shows-in-the-channel"),
        pytest.param(RAISED, True, True, id="raised-shows-in-the-channel"),
        pytest.param(REPEATED, True, True, id="repeated-shows-in-the-channel"),
        pytest.param(RESOLVED, True, True, id="over-shows-in-the-channel"),
    ],
)
async def test_without_updates_what_happens_later_stands_in_the_thread(message, whole, shown):
    http = Scripted(reply(200, json.dumps({"ok": True, "channel": "C0ml", "ts": "1700000000.000009"})))
    outcome = await slack(http, **APP).send(message, envelope(anchor=PLACE))
    assert outcome == Accepted("ok", None, 200)
    assert methods(http) == ["chat.postMessage"]
    (body,) = (asked.json() for asked in http.asked)
    assert (body["channel"], body["thread_ts"]) == ("C0ml", PLACE["ts"])
    assert body.get("reply_broadcast", False) is shown
    assert ("attachments" in body) is whole


@pytest.mark.parametrize("entry", [{}, {"update_message": True}, {"thread_replies": False}])
@pytest.mark.parametrize(
    ("message", "anchor"),
    [
        pytest.param(INCIDENT, PLACE, id="reopened-does-not-hide-in-an-old-thread"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST), PLACE, id="test"),
        pytest.param(DIGEST, PLACE, id="digest"),
        pytest.param(RAISED, None, id="nothing-posted-before"),
        pytest.param(RAISED, {"channel": "C0ml"}, id="half-a-place"),
        pytest.param(RAISED, {"channel": "C0ml", "ts": ""}, id="an-empty-place"),
        pytest.param(RAISED, {"root": "<a@b>", "last": "<a@b>"}, id="a-place-of-another-channel"),
    ],
)
async def test_what_has_nothing_to_follow_is_posted_anew(message, anchor, entry):
    http = Scripted(TAKEN)
    outcome = await slack(http, **APP, **entry).send(message, envelope(anchor=anchor))
    assert methods(http) == ["chat.postMessage"]
    assert not {"ts", "thread_ts"} & set(http.asked[0].json())
    belongs = message is not DIGEST and message.reason is not Reason.TEST
    assert outcome == Accepted("ok", PLACE if belongs else None, 200)


async def test_without_updates_and_replies_every_change_is_a_message_of_its_own():
    http = Scripted(TAKEN)
    await slack(http, **APP, thread_replies=False).send(RESOLVED, envelope(anchor=PLACE))
    assert methods(http) == ["chat.postMessage"]
    assert "thread_ts" not in http.asked[0].json()


@pytest.mark.parametrize("word", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_a_message_that_is_lost_is_posted_anew_and_remembered_anew(word):
    new = {"channel": "C0ml", "ts": "1700000000.000077"}
    http = Scripted(refused(word), reply(200, json.dumps({"ok": True, **new})))
    outcome = await slack(http, **APP, update_message=True).send(RESOLVED, envelope(anchor=PLACE))
    assert outcome == Accepted(f"ok, posted anew: {word}", new, 200)
    assert methods(http) == ["chat.update", "chat.postMessage"]
    assert not {"ts", "thread_ts"} & set(http.asked[1].json())


@pytest.mark.parametrize("word", ["thread_not_found", "cannot_reply_to_message", "restricted_action_thread_locked"])
@pytest.mark.parametrize("entry", [{}, {"update_message": True}])
async def test_a_thread_that_is_lost_is_left_for_a_new_message(word, entry):
    new = reply(200, json.dumps({"ok": True, "channel": "C0ml", "ts": "1700000000.000078"}))
    http = Scripted(*([TAKEN] if entry else []), refused(word), new)
    outcome = await slack(http, **APP, **entry).send(RAISED, envelope(anchor=PLACE))
    assert isinstance(outcome, Accepted)
    assert outcome.anchor == {"channel": "C0ml", "ts": "1700000000.000078"}
    assert "thread_ts" not in http.asked[-1].json()


async def test_an_update_whose_layout_is_refused_leaves_nothing_of_the_old_one():
    http = Scripted(refused("invalid_blocks"), TAKEN)
    outcome = await slack(http, **APP, update_message=True).send(UPDATED, envelope(anchor=PLACE))
    assert outcome == Accepted("ok, as plain text: the layout was refused with invalid_blocks", PLACE, 200)
    assert methods(http) == ["chat.update", "chat.update"]
    plain = http.asked[1].json()
    assert (plain["blocks"], plain["attachments"], plain["ts"]) == ([], [], PLACE["ts"])


async def test_the_worst_of_all_ways_stays_within_the_budget():
    http = Scripted(refused("invalid_blocks"), refused("message_not_found"), refused("invalid_blocks"), TAKEN)
    channel = slack(http, **APP, update_message=True, timeout="10s")
    assert isinstance(await channel.send(RESOLVED, envelope(anchor=PLACE)), Accepted)
    assert len(http.asked) * timedelta(seconds=10) <= channel.budget


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(reply(429, json.dumps({"error": "ratelimited"}), retry_after="1"), Retry, id="limited"),
        pytest.param(Unknown("no answer in time"), Unknown, id="no-answer"),
    ],
)
async def test_a_word_in_the_thread_that_did_not_leave_is_tried_again_with_the_update(answer, kind):
    http = Scripted(TAKEN, answer)
    outcome = await slack(http, **APP, update_message=True).send(RESOLVED, envelope(anchor=PLACE))
    assert isinstance(outcome, kind)


async def test_a_word_in_the_thread_that_is_refused_does_not_undo_the_update():
    http = Scripted(TAKEN, refused("invalid_arguments"))
    outcome = await slack(http, **APP, update_message=True).send(RESOLVED, envelope(anchor=PLACE))
    assert outcome == Accepted("updated; the word in the thread was refused: invalid_arguments", PLACE, 200)


async def test_a_bad_token_holds_the_destination_whatever_was_to_be_done():
    for message, anchor in ((INCIDENT, None), (RESOLVED, PLACE), (DIGEST, None)):
        http = Scripted(refused("token_revoked"))
        outcome = await slack(http, **APP, update_message=True).send(message, envelope(anchor=anchor))
        assert outcome == Retry(Fault.AUTH_ERROR, "token_revoked", None, 200, whole_destination=True)
        assert len(http.asked) == 1


async def test_an_incident_is_one_message_and_its_thread_from_beginning_to_end():
    provider = Slack()
    channel = slack(Wire(provider), **APP, update_message=True)
    anchor = None
    for message in (INCIDENT, UPDATED, RAISED, ACKNOWLEDGED, RESOLVED):
        outcome = await channel.send(message, envelope(anchor=anchor))
        assert isinstance(outcome, Accepted)
        anchor = outcome.anchor or anchor
    assert provider.faults == []
    (first, *replies) = provider.messages
    assert (first.thread_ts, first.edits) == (None, 4)
    assert [each.thread_ts for each in replies] == [first.ts] * 3
    assert first.content["text"].startswith("✅ Resolved")
    assert first.content["attachments"][0]["color"] == "#2eb886"
    assert [bool(each.content.get("reply_broadcast")) for each in replies] == [True, False, False]
