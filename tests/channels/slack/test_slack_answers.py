"""What Slack's answers mean, word by word."""

import json
from datetime import timedelta

import pytest

from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry, Unknown
from alertsvc.channels.slack.answers import Lost, method_outcome, webhook_outcome
from tests.channels.scripted import SENT_AT as NOW
from tests.channels.scripted import reply

LATER = ["internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"]
CREDENTIAL = [
    *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"),
    *("no_permission", "ekm_access_denied", "access_denied", "not_allowed_token_type", "team_access_not_granted"),
]
PLACE = [
    *("not_in_channel", "channel_not_found", "is_archived", "restricted_action", "messages_tab_disabled"),
    *("restricted_action_read_only_channel", "restricted_action_thread_only_channel"),
]
TOO_LARGE = ["msg_too_long", "msg_blocks_too_long", "too_many_attachments", "metadata_too_large"]
LAYOUT = ["invalid_blocks", "invalid_blocks_format", "invalid_attachments", "invalid_arguments", "no_text"]
LOST = [
    *("message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "cannot_reply_to_message"),
    *("cant_broadcast_message", "restricted_action_thread_locked", "restricted_action_non_threadable_channel"),
]


def said(status, body="", **headers):
    """An answer. What is no text goes out as JSON."""
    return reply(status, body if isinstance(body, str) else json.dumps(body), **headers)


def refused(word, **more):
    return said(200, {"ok": False, "error": word, **more})


@pytest.mark.parametrize(
    ("words", "fault", "for_all"),
    [
        pytest.param(LATER, Fault.SERVER_ERROR, False, id="slacks-own-trouble-is-tried-again"),
        pytest.param(CREDENTIAL, Fault.AUTH_ERROR, True, id="a-bad-credential-holds-the-destination"),
        pytest.param(PLACE, Fault.CONFIGURATION, True, id="a-bad-channel-holds-the-destination"),
        pytest.param(["ratelimited", "rate_limited"], Fault.RATE_LIMITED, True, id="a-rate-holds-the-destination"),
    ],
)
def test_what_can_pass_or_be_mended_is_tried_again(words, fault, for_all):
    for word in words:
        outcome = method_outcome(refused(word), NOW)
        assert outcome == Retry(fault, word, None, 200, whole_destination=for_all)


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        pytest.param(TOO_LARGE, Fault.TOO_LARGE, id="too-large"),
        pytest.param(LAYOUT, Fault.CLIENT_ERROR, id="layout"),
        pytest.param(["a_word_of_tomorrow"], Fault.OTHER, id="unknown-word"),
    ],
)
def test_what_this_message_did_wrong_is_rejected(words, fault):
    for word in words:
        assert method_outcome(refused(word), NOW) == Rejected(fault, word, 200)


@pytest.mark.parametrize("word", LOST)
def test_what_cannot_be_changed_or_answered_is_lost(word):
    assert method_outcome(refused(word), NOW) == Lost(word)


def test_a_posted_message_leaves_its_place():
    taken = {"ok": True, "channel": "C1", "ts": "1700000000.000100", "warning": "missing_charset"}
    anchor = {"channel": "C1", "ts": "1700000000.000100"}
    assert method_outcome(said(200, taken), NOW) == Accepted("ok", anchor, 200)


@pytest.mark.parametrize(
    "place",
    [
        pytest.param({}, id="none"),
        pytest.param({"channel": "C1"}, id="half"),
        pytest.param({"channel": "C1", "ts": 1700000000.0001}, id="a-number-has-lost-digits"),
    ],
)
def test_a_place_that_is_none_is_not_kept(place):
    assert method_outcome(said(200, {"ok": True, **place}), NOW) == Accepted("ok", None, 200)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(said(500, "<html>oops</html>"), Retry(Fault.SERVER_ERROR, "HTTP 500", None, 500), id="500"),
        pytest.param(
            said(503, "", retry_after="7"),
            Retry(Fault.SERVER_ERROR, "HTTP 503", timedelta(seconds=7), 503, whole_destination=True),
            id="503-with-a-wait",
        ),
        pytest.param(
            said(429, {"ok": False, "error": "ratelimited"}, retry_after="30"),
            Retry(Fault.RATE_LIMITED, "ratelimited", timedelta(seconds=30), 429, whole_destination=True),
            id="limited",
        ),
        pytest.param(
            said(302, "", location="https://evil.example"),
            Retry(
                Fault.CONFIGURATION,
                "HTTP 302: a redirect, and redirects are not followed",
                None,
                302,
                whole_destination=True,
            ),
            id="redirect",
        ),
        pytest.param(said(200, "ok"), Unknown("HTTP 200, but not Slack's ok: ok", Fault.OTHER), id="not-slack"),
        pytest.param(said(200, "<html>"), Unknown("HTTP 200, but not Slack's ok", Fault.OTHER), id="a-page"),
        pytest.param(said(200, "[1]"), Unknown("HTTP 200, but not Slack's ok: [1]", Fault.OTHER), id="a-list"),
        pytest.param(
            said(200, "[" * 9_000), Unknown(f"HTTP 200, but not Slack's ok: {'[' * 199}…", Fault.OTHER), id="deep"
        ),
        pytest.param(
            said(200, {"ok": "yes"}), Unknown('HTTP 200, but not Slack\'s ok: {"ok": "yes"}', Fault.OTHER), id="yes"
        ),
    ],
)
def test_an_answer_without_a_word_counts_by_its_status(answer, outcome):
    assert method_outcome(answer, NOW) == outcome


def test_a_detail_says_what_is_missing_or_wrong_on_one_short_line():
    wanted = refused("missing_scope", needed="chat:write", provided="identify")
    assert method_outcome(wanted, NOW).detail == "missing_scope; chat:write"
    pointed = refused("invalid_blocks", errors=["no more than 25 items\nallowed [json-pointer:/blocks/1/elements]"])
    assert "no more than 25 items" in method_outcome(pointed, NOW).detail
    assert len(method_outcome(refused("invalid_blocks", errors=["x" * 10_000]), NOW).detail) == 200


@pytest.mark.parametrize(
    ("status", "word", "fault"),
    [
        pytest.param(400, "user_not_found", Fault.CONFIGURATION, id="400-user"),
        pytest.param(400, "invalid_token", Fault.AUTH_ERROR, id="400-token"),
        pytest.param(403, "invalid_token", Fault.AUTH_ERROR, id="403-token"),
        pytest.param(403, "action_prohibited", Fault.CONFIGURATION, id="403-prohibited"),
        pytest.param(403, "posting_to_general_channel_denied", Fault.CONFIGURATION, id="403-general"),
        pytest.param(403, "team_disabled", Fault.CONFIGURATION, id="403-team"),
        pytest.param(404, "channel_not_found", Fault.CONFIGURATION, id="404-channel"),
        pytest.param(404, "no_service", Fault.CONFIGURATION, id="404-service"),
        pytest.param(404, "no_service_id", Fault.CONFIGURATION, id="404-service-id"),
        pytest.param(404, "no_active_hooks", Fault.CONFIGURATION, id="404-hooks"),
        pytest.param(404, "no_team", Fault.CONFIGURATION, id="404-team"),
        pytest.param(410, "channel_is_archived", Fault.CONFIGURATION, id="410-archived"),
        pytest.param(200, "no_service", Fault.CONFIGURATION, id="the-word-comes-before-the-status"),
    ],
)
def test_a_webhook_that_people_must_mend_is_tried_again_slowly(status, word, fault):
    assert webhook_outcome(said(status, word), NOW) == Retry(fault, word, None, status, whole_destination=True)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        pytest.param(said(200, "ok"), Accepted("ok", status_code=200), id="ok"),
        pytest.param(said(200, "ok\n"), Accepted("ok", status_code=200), id="ok-with-a-line-end"),
        pytest.param(said(400, "invalid_payload"), Rejected(Fault.CLIENT_ERROR, "invalid_payload", 400), id="payload"),
        pytest.param(said(400, "invalid_blocks"), Rejected(Fault.CLIENT_ERROR, "invalid_blocks", 400), id="blocks"),
        pytest.param(said(400, "no_text"), Rejected(Fault.CLIENT_ERROR, "no_text", 400), id="no-text"),
        pytest.param(
            said(400, "too_many_attachments"), Rejected(Fault.TOO_LARGE, "too_many_attachments", 400), id="attachments"
        ),
        pytest.param(said(500, "rollup_error"), Retry(Fault.SERVER_ERROR, "rollup_error", None, 500), id="rollup"),
        pytest.param(said(502, "bad gateway"), Retry(Fault.SERVER_ERROR, "HTTP 502: bad gateway", None, 502), id="502"),
        pytest.param(
            said(429, {"retry_after": 3, "ok": False, "error": "rate_limited"}),
            Retry(Fault.RATE_LIMITED, "rate_limited", timedelta(seconds=3), 429, whole_destination=True),
            id="limited-in-the-body",
        ),
        pytest.param(
            said(429, {"retry_after": 3, "error": "rate_limited"}, retry_after="9"),
            Retry(Fault.RATE_LIMITED, "rate_limited", timedelta(seconds=9), 429, whole_destination=True),
            id="the-header-comes-before-the-body",
        ),
        pytest.param(
            said(429, {"retry_after": "soon"}, retry_after="soon"),
            Retry(Fault.RATE_LIMITED, '{"retry_after": "soon"}', None, 429, whole_destination=True),
            id="a-wait-that-is-none",
        ),
        pytest.param(
            said(429, '{"retry_after": 1e300}'),
            Retry(Fault.RATE_LIMITED, '{"retry_after": 1e300}', None, 429, whole_destination=True),
            id="a-wait-for-ever",
        ),
        pytest.param(
            said(404, "<html>"), Retry(Fault.CONFIGURATION, "HTTP 404", None, 404, whole_destination=True), id="404"
        ),
        pytest.param(said(200, ""), Unknown("HTTP 200, but not Slack's ok", Fault.OTHER), id="says-nothing"),
        pytest.param(said(400, "ok"), Rejected(Fault.CLIENT_ERROR, "HTTP 400: ok", 400), id="ok-with-400-is-not-ok"),
    ],
)
def test_what_a_webhook_says(answer, outcome):
    assert webhook_outcome(answer, NOW) == outcome
