"""What Slack's answers mean. Its words come before the status: the same word is seen with different ones.

Source: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors,
https://docs.slack.dev/reference/methods/chat.postMessage#errors
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.channels.answers import body_text, failure, retry_after
from alertsvc.channels.clean import clean_line
from alertsvc.channels.http import Reply
from alertsvc.channels.json_body import decoded
from alertsvc.channels.outcome import Accepted, Fault, Outcome, Rejected, Retry, Unknown

MAX_DETAIL_CHARS = 200

LATER = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error", "team_added_to_org"}
    | {"org_login_required"}
)
LIMITED = frozenset({"ratelimited", "rate_limited"})
CREDENTIAL = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
    | {"no_permission", "ekm_access_denied", "access_denied", "not_allowed_token_type", "team_access_not_granted"}
    | {"invalid_token"}
)
PLACE = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "restricted_action", "channel_is_archived", "user_not_found"}
    | {"no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "action_prohibited"}
    | {"posting_to_general_channel_denied", "restricted_action_read_only_channel", "messages_tab_disabled"}
    | {"restricted_action_thread_only_channel"}
)
TOO_LARGE = frozenset({"msg_too_long", "msg_blocks_too_long", "too_many_attachments", "metadata_too_large"})
LAYOUT = TOO_LARGE | {
    "invalid_payload",
    "invalid_blocks",
    "invalid_blocks_format",
    "invalid_attachments",
    "invalid_arguments",
    "no_text",
}
"""Slack found a fault in what we made of the message."""
LOST = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "cannot_reply_to_message"}
    | {"cant_broadcast_message", "restricted_action_thread_locked", "restricted_action_non_threadable_channel"}
)


@dataclass(frozen=True, slots=True)
class Lost:
    """The message that was to be changed or answered is gone, not ours, too old, or closed to answers."""

    word: str


def webhook_outcome(reply: Reply, now: datetime) -> Outcome:
    """What an incoming webhook's answer means: `ok` with 200, else a bare word, or JSON when it is limited."""
    if reply.status_code == 200 and reply.body.strip() == "ok":
        return Accepted("ok", status_code=200)
    known = _by_word(error_word(reply), reply, now)
    if known is not None:
        return known
    return _unclear(reply) if 200 <= reply.status_code < 300 else failure(reply, now)


def method_outcome(reply: Reply, now: datetime) -> Outcome | Lost:
    """What a method of the Web API answers: `ok` and the place of the message, or an error, with 200 as well."""
    said, word = decoded(reply.body), error_word(reply)
    if word in LOST:
        return Lost(word)
    if 200 <= reply.status_code < 300 and said.get("ok") is True:
        channel, ts = said.get("channel"), said.get("ts")
        anchored = isinstance(channel, str) and isinstance(ts, str)
        anchor = {"channel": str(channel), "ts": str(ts)} if anchored else None
        return Accepted("ok", anchor, reply.status_code)
    known = _by_word(word, reply, now)
    if known is not None:
        return known
    if not 200 <= reply.status_code < 300:
        return failure(reply, now)
    if said.get("ok") is False:
        return Rejected(Fault.OTHER, _detail(reply), reply.status_code)
    return _unclear(reply)


def error_word(reply: Reply) -> str:
    """The word with which Slack says what is wrong; empty when it says none."""
    error = decoded(reply.body).get("error")
    if isinstance(error, str):
        return error
    text = reply.body.strip()
    return text if len(text) <= 64 and text.replace("_", "").isalnum() else ""


def _by_word(word: str, reply: Reply, now: datetime) -> Outcome | None:
    status, detail = reply.status_code, _detail(reply)
    if word in LIMITED or status == 429:
        after = retry_after(reply.headers, now) or _asked(reply)
        return Retry(Fault.RATE_LIMITED, detail, after, status, whole_destination=True)
    for words, fault in _MENDABLE.items():
        if word in words:
            return Retry(fault, detail, status_code=status, whole_destination=True)
    if word in LATER:
        return Retry(Fault.SERVER_ERROR, detail, status_code=status)
    if word in LAYOUT:
        return Rejected(Fault.TOO_LARGE if word in TOO_LARGE else Fault.CLIENT_ERROR, detail, status)
    return None


_MENDABLE: Mapping[frozenset[str], Fault] = {CREDENTIAL: Fault.AUTH_ERROR, PLACE: Fault.CONFIGURATION}


def _asked(reply: Reply) -> timedelta | None:
    """A webhook's wait, in the body."""
    seconds = decoded(reply.body).get("retry_after")
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) and 0 < seconds < 1e8 else None


def _detail(reply: Reply) -> str:
    """The word, and what Slack adds to it: the scope that is missing, the block that is wrong."""
    said = decoded(reply.body)
    more = [str(said[name]) for name in ("needed", "errors") if said.get(name)]
    return clean_line("; ".join([error_word(reply) or body_text(reply), *more]), MAX_DETAIL_CHARS)


def _unclear(reply: Reply) -> Unknown:
    return Unknown(f"HTTP {reply.status_code}, but not Slack's ok: {body_text(reply)}".rstrip(": "), Fault.OTHER)
