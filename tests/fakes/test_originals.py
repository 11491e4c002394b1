"""The providers of the tests remember and refuse as the originals do, whether or not there is a network before them."""

import json

import pytest

from alertsvc.channels.msteams.answers import teams_outcome
from alertsvc.channels.outcome import Accepted, Fault, Rejected, Retry
from tests.channels.scripted import reply
from tests.core.builders import NOW
from tests.fakes.mail import Mail, MailServer
from tests.fakes.pagerduty import EVENTS_PER_MINUTE, PagerDutyBooks
from tests.fakes.provider import Answer, Asked, Mood, Original
from tests.fakes.slack import TOKEN, UPDATES_PER_MINUTE, SlackWorkspace
from tests.fakes.teams import CARD, PATH, TeamsFlow

KEY, OTHER_KEY = "k" * 32, "o" * 32
PAYLOAD = {"summary": "churn drifts", "source": "churn", "severity": "critical"}


def ask(original: Original, path: str, content: object, *, at: float = 0.0, mood: Mood = Mood.NORMAL) -> Answer | None:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return original.treat(Asked("POST", path, headers, json.dumps(content).encode(), at), mood)


def page(books: PagerDutyBooks, action: str, name: str = "a", key: str = KEY, **about: float) -> int:
    event = {"routing_key": key, "event_action": action, "dedup_key": name, "payload": PAYLOAD}
    answer = ask(books, "/v2/enqueue", event, **about)
    assert answer is not None
    return answer.status


@pytest.mark.parametrize(
    ("actions", "pages", "states", "dropped"),
    [
        pytest.param(["trigger", "trigger"], 1, ["triggered"], 0, id="a-repeated-trigger-does-not-page"),
        pytest.param(["trigger", "acknowledge", "trigger"], 1, ["acknowledged"], 0, id="nor-takes-it-from-who-has-it"),
        pytest.param(["trigger", "resolve"], 1, ["resolved"], 0, id="a-resolve-ends-it"),
        pytest.param(
            ["trigger", "resolve", "trigger"], 2, ["resolved", "triggered"], 0, id="a-late-trigger-pages-again"
        ),
        pytest.param(["resolve"], 0, [], 1, id="an-unknown-resolve-is-dropped"),
        pytest.param(["trigger", "resolve", "acknowledge"], 1, ["resolved"], 1, id="an-ack-of-what-ended-is-dropped"),
    ],
)
def test_pagerduty_keeps_books_of_open_alerts(actions, pages, states, dropped):
    books = PagerDutyBooks()
    assert [page(books, each) for each in actions] == [202] * len(actions)
    assert (books.pages, [each.state for each in books.alerts], len(books.dropped)) == (pages, states, dropped)


def test_pagerduty_drops_what_comes_under_another_routing_key():
    books = PagerDutyBooks()
    page(books, "trigger")
    page(books, "resolve", key=OTHER_KEY)
    assert books.open_alert(KEY, "a") is not None
    assert books.dropped == ["resolve a"]


def test_pagerduty_limits_each_routing_key_by_the_minute_and_forgets_what_it_refused():
    books = PagerDutyBooks(strict_rate=True)
    answers = [page(books, "trigger", f"n{number}", at=number / 10) for number in range(EVENTS_PER_MINUTE + 2)]
    assert answers == [202] * EVENTS_PER_MINUTE + [429] * 2
    assert len(books.alerts) == EVENTS_PER_MINUTE
    assert page(books, "trigger", "other", OTHER_KEY, at=12.0) == 202
    assert page(books, "trigger", "later", at=60.05) == 202


def said(answer: Answer | None) -> dict[str, object]:
    assert answer is not None
    return json.loads(answer.body)


def test_slack_takes_a_message_a_second_in_a_channel_and_says_how_long_to_wait():
    slack = SlackWorkspace(strict_rate=True)

    def post(channel: str, at: float) -> Answer:
        answer = ask(slack, "/api/chat.postMessage", {"channel": channel, "text": "t"}, at=at)
        assert answer is not None
        return answer

    assert post("#ml", 10.0).status == 200
    refused = post("#ml", 10.9)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert post("#other", 10.9).status == 200
    assert post("#ml", 11.0).status == 200
    assert [each.channel for each in slack.messages] == ["#ml", "#other", "#ml"]


def test_slack_takes_fifty_changes_a_minute():
    slack = SlackWorkspace(strict_rate=True)
    ts = said(ask(slack, "/api/chat.postMessage", {"channel": "#ml", "text": "t"}))["ts"]
    change = {"channel": "C0ml", "ts": ts, "text": "other"}
    answers = [
        ask(slack, "/api/chat.update", change, at=1.0 + number / 100) for number in range(UPDATES_PER_MINUTE + 1)
    ]
    assert [each.status for each in answers if each] == [200] * UPDATES_PER_MINUTE + [429]


def test_slack_lets_only_its_author_change_a_message_and_only_by_the_channels_id():
    slack = SlackWorkspace()
    ts = said(ask(slack, "/api/chat.postMessage", {"channel": "#ml", "text": "first"}))["ts"]
    theirs = slack.write("#ml", "what a day")

    def change(**about: object) -> object:
        return said(ask(slack, "/api/chat.update", {"channel": "C0ml", "ts": ts, "text": "second", **about})).get(
            "error"
        )

    assert change(channel="#ml") == "channel_not_found"
    assert change(channel="C0other") == "message_not_found"
    assert change(ts="1.0") == "message_not_found"
    assert change(ts=theirs.ts) == "cant_update_message"
    assert change(text="ü" * 2001) == "msg_too_long"
    mine = slack.messages[0]
    assert (mine.content["text"], mine.edits) == ("first", 0)
    assert change() is None
    assert change() is None
    assert (mine.content["text"], mine.edits) == ("second", 1), "what is the same does not show as edited"
    slack.delete(mine.ts)
    assert change() == "message_not_found"


def test_slack_keeps_attachments_that_a_change_does_not_mention_and_takes_its_blocks():
    slack = SlackWorkspace()
    block = {"type": "section", "text": {"type": "mrkdwn", "text": "t"}}
    content = {"channel": "#ml", "text": "t", "blocks": [block], "attachments": [{"color": "good", "blocks": [block]}]}
    ts = said(ask(slack, "/api/chat.postMessage", content))["ts"]
    ask(slack, "/api/chat.update", {"channel": "C0ml", "ts": ts, "text": "t"})
    assert "blocks" not in slack.messages[0].content
    assert slack.messages[0].content["attachments"] == content["attachments"]


def card(text: str = "t") -> dict[str, object]:
    content = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": text}]}
    return {"type": "message", "attachments": [{"contentType": CARD, "content": content}]}


def test_teams_accepts_what_it_never_posts():
    flow = TeamsFlow()
    answers = [ask(flow, PATH, each) for each in (card(), card("x" * 29_000), {"type": "message"})]
    assert [each.status for each in answers if each] == [202, 202, 202]
    assert len(flow.cards) == 1
    assert flow.faults == ["MessageSizeExceeded", "Property 'type' must be 'AdaptiveCard'"]


@pytest.mark.parametrize(
    ("message", "outcome", "fault"),
    [
        pytest.param(card(), Accepted, None, id="posted"),
        pytest.param(card("x" * 29_000), Rejected, Fault.TOO_LARGE, id="too-large"),
        pytest.param({"type": "message"}, Rejected, Fault.CLIENT_ERROR, id="no-card"),
    ],
)
def test_teams_says_200_and_in_the_text_that_it_failed(message, outcome, fault):
    answer = ask(TeamsFlow(tells=True), PATH, message)
    assert answer is not None
    assert answer.status == 200
    found = teams_outcome(reply(200, answer.body.decode()), NOW)
    assert isinstance(found, outcome)
    assert getattr(found, "fault", None) is fault


@pytest.mark.parametrize(("tells", "status"), [(True, 200), (False, 429)])
def test_teams_limits_a_flow_by_the_second(tells, status):
    flow = TeamsFlow(tells=tells, strict_rate=True)
    answers = [ask(flow, PATH, card(), at=number / 10) for number in range(5)]
    assert len(flow.cards) == 4
    last = answers[-1]
    assert last is not None
    assert last.status == status
    assert isinstance(teams_outcome(reply(last.status, last.body.decode()), NOW), Retry)


def test_a_mail_server_keeps_a_mail_whose_sender_lost_the_line_and_so_has_it_twice():
    server = MailServer({"gone@x": ["550 5.1.1 unknown"], "grey@x": ["451 4.7.1 later", "250 fine"]})
    assert [server.answer_for(each) for each in ("gone@x", "grey@x", "grey@x", "ann@x")] == [
        "550 5.1.1 unknown",
        "451 4.7.1 later",
        "250 fine",
        "250 2.1.5 fine",
    ]
    mail = Mail(b"Subject: s\r\nMessage-ID: <1@x>\r\n\r\nMessage-ID: <2@x>\r\n", ("ann@x", "grey@x"))
    server.keep(mail)  # and the line drops here: nobody hears its answer
    assert server.keep(mail) == "250 2.0.0 kept as 00002"
    assert server.copies() == {("ann@x", "<1@x>"): 2, ("grey@x", "<1@x>"): 2}


@pytest.mark.parametrize(
    ("mood", "status", "is_taken"),
    [
        (Mood.NORMAL, 202, True),
        (Mood.SLOW, 202, True),
        (Mood.DROP_ANSWER, None, True),
        (Mood.HANG, None, False),
        (Mood.RESET, None, False),
        (Mood.ERROR, 500, False),
        (Mood.RATE_LIMITED, 429, False),
    ],
)
def test_a_mood_says_whether_it_was_taken_and_whether_its_sender_hears(mood, status, is_taken):
    books = PagerDutyBooks()
    event = {"routing_key": KEY, "event_action": "trigger", "dedup_key": "a", "payload": PAYLOAD}
    answer = ask(books, "/v2/enqueue", event, mood=mood)
    assert (answer and answer.status) == status
    assert bool(books.alerts) is is_taken
