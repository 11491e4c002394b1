"""The mail itself: headers nobody can forge, a thread that holds, and two parts that say the same."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.channels.email import EmailConfig, EmailGlobals
from alertsvc.channels.email.letter import letter
from alertsvc.channels.email.settings import settings_of
from alertsvc.channels.message import AlertLine
from alertsvc.channels.render import TemplateRenderer
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.channels.tidy import ROOMS, tidy
from alertsvc.channels.view import facts
from alertsvc.core.model import AlertState, IncidentStatus, Link, Reason, Severity
from tests.channels.email.conftest import DELIVERY, envelope
from tests.channels.email.golden import FOLDER, REVIEWED, golden_mail
from tests.channels.email.pages import HARMLESS_ATTRIBUTES, HARMLESS_TAGS, Page, flat
from tests.channels.hostile import HOSTILE, digest_of, everywhere

RENDER = TemplateRenderer()
GLOBALS = EmailGlobals.model_validate({"smtp_smarthost": "m.example.com:587", "smtp_from": "Alerts <a@example.com>"})
INCIDENT_HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "X-Alertsvc-Incident", "X-Alertsvc-Status"),
    *("X-Alertsvc-Severity", "X-Alertsvc-Reason", "Auto-Submitted", "X-Auto-Response-Suppress"),
    *("MIME-Version", "Content-Type"),
}

DIGEST_HEADERS = {
    *("From", "To", "Subject", "Date", "Message-ID", "List-Id", "X-Alertsvc-Digest", "X-Alertsvc-Severity"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type"),
}


def written(message, around=None, render=RENDER, **config):
    """The mail as bytes, and what it leaves for the next one."""
    told = settings_of(EmailConfig.model_validate({"to": "ana@example.org", **config}), GLOBALS)
    laid_out = letter(message, around or envelope(), render, told)
    return laid_out.to(told.recipients), laid_out.place.anchor


def read(raw):
    return message_from_bytes(raw, policy=policy.default)


def parts(mail):
    return mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()


def test_a_mail_says_who_what_when_and_that_a_machine_wrote_it():
    mail = read(written(INCIDENT, headers={"Reply-To": "ops@example.org"})[0])
    assert set(mail.keys()) == INCIDENT_HEADERS | {"Reply-To"}
    assert mail["From"] == "Alerts <a@example.com>"
    assert mail["Subject"] == "[CRITICAL] churn-xgb production: DataDriftDetected 0.414 (> 0.25) · INC-12"
    assert mail["Date"] == "Tue, 24 Nov 2026 12:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply, RN, NRN"
    assert (mail["X-Alertsvc-Status"], mail["X-Alertsvc-Severity"]) == ("firing", "critical")
    assert (mail["X-Alertsvc-Incident"], mail["X-Alertsvc-Reason"]) == ("INC-12", "opened")
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]


def test_a_digest_is_a_list_of_its_own():
    mail = read(written(DIGEST)[0])
    assert mail["Subject"] == "Hourly digest: 1 incident open, 1 resolved"
    assert mail["List-Id"] == "<hourly.digest.example.com>"
    assert mail["X-Alertsvc-Severity"] == "warning"
    assert mail["In-Reply-To"] is None


def test_every_line_is_seven_bits_and_short_enough_for_any_server():
    raw, _ = written(replace(INCIDENT, title="é" * 500, description="x" * 5000))
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 200
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_message_id_is_the_same_on_every_try_and_another_for_every_delivery():
    first, again = written(INCIDENT)[0], written(INCIDENT, envelope(attempt=5))[0]
    other = written(INCIDENT, envelope(delivery_id=UUID(int=7)))[0]
    own = f"<{INCIDENT.incident_id.hex}.{DELIVERY.hex}@example.com>"
    assert read(first)["Message-ID"] == read(again)["Message-ID"] == own
    assert read(other)["Message-ID"] != own


def story():
    """The mails of one incident: opened, updated, raised, resolved; each after the one before."""
    later = INCIDENT.opened_at + timedelta(hours=1)
    calm = replace(INCIDENT, severity=Severity.WARNING)
    told = [
        calm,
        replace(calm, reason=Reason.UPDATED, firing_count=3, happened_at=later),
        replace(INCIDENT, reason=Reason.RAISED, previous_severity=Severity.WARNING, happened_at=later),
        RESOLVED,
    ]
    anchor, mails = None, []
    for number, message in enumerate(told):
        raw, anchor = written(message, envelope(delivery_id=UUID(int=number + 1), anchor=anchor))
        mails.append((raw, read(raw)))
    return mails


def test_the_mails_of_an_incident_hang_together_by_their_references():
    ids = [mail["Message-ID"] for _, mail in story()]
    assert len(set(ids)) == 4
    assert [mail["In-Reply-To"] for _, mail in story()] == [None, ids[0], ids[0], ids[0]]
    references = [(mail["References"] or "").split() for _, mail in story()]
    assert references == [[], [ids[0]], [ids[0], ids[1]], [ids[0], ids[2]]]
    for raw, _ in story():  # no mail program threads by an id that was broken into encoded words
        assert not re.search(rb"^(Message-ID|In-Reply-To|References):[^\r]*=\?", raw, re.MULTILINE)


def test_a_subject_stays_so_that_the_thread_does_and_only_a_raise_begins_anew():
    assert [mail["Subject"] for _, mail in story()] == [
        "[WARNING] churn-xgb production: DataDriftDetected 0.414 (> 0.25) · INC-12",
        "Re: [WARNING] churn-xgb production: DataDriftDetected 0.414 (> 0.25) · INC-12",
        "[CRITICAL] churn-xgb production: DataDriftDetected 0.414 (> 0.25) · INC-12",
        "Re: [CRITICAL] churn-xgb production: DataDriftDetected 0.414 (> 0.25) · INC-12",
    ]
    assert [mail["X-Alertsvc-Status"] for _, mail in story()] == ["firing", "firing", "firing", "resolved"]


@pytest.mark.parametrize(
    ("message", "start"),
    [
        pytest.param(INCIDENT, "[CRITICAL] ", id="firing-shows-the-severity"),
        pytest.param(RESOLVED, "[RESOLVED] ", id="resolved"),
        pytest.param(replace(INCIDENT, status=IncidentStatus.ACKNOWLEDGED), "[ACKNOWLEDGED] ", id="acknowledged"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST), "[TEST] ", id="test"),
    ],
)
def test_a_stateful_subject_shows_the_state_for_those_who_filter_by_it(message, start):
    anchor = {"root": "<a@b>", "last": "<c@d>", "subject": "[CRITICAL] something"}
    mail = read(written(message, envelope(anchor=anchor), subject_style="stateful")[0])
    assert mail["Subject"].startswith(start)
    assert mail["References"] == "<a@b> <c@d>"


@pytest.mark.parametrize("stored", ["<a@b>\r\nBcc: <c@d>", "no id", "<a b@c>", "<é@b>", "<" + "a" * 600 + ">", ""])
def test_a_stored_reference_that_is_none_is_left_out(stored):
    mail = read(written(INCIDENT, envelope(anchor={"root": stored, "last": stored, "subject": "x\r\nBcc: y"}))[0])
    assert set(mail.keys()) == INCIDENT_HEADERS
    assert mail["Subject"] == "x Bcc: y"


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("style", ["stable", "stateful"])
def test_no_text_forges_a_header(text, style):
    raw, anchor = written(everywhere(text), subject_style=style)
    mail = read(raw)
    assert set(mail.keys()) == INCIDENT_HEADERS
    assert set(message_from_bytes(raw).keys()) == INCIDENT_HEADERS
    assert mail["Subject"].startswith("[CRITICAL] ")
    assert mail["Subject"].endswith(" · INC-12")
    assert len(mail["Subject"]) <= 150
    assert mail["Subject"].replace("\u200b", "").isprintable()
    assert "eve" not in str(mail["To"])
    again = read(written(everywhere(text), envelope(anchor=anchor), subject_style=style)[0])
    assert set(again.keys()) == INCIDENT_HEADERS | {"In-Reply-To", "References"}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_of_a_digest_forges_a_header(text):
    raw, _ = written(digest_of(text))
    for mail in (read(raw), message_from_bytes(raw)):
        assert set(mail.keys()) == DIGEST_HEADERS
    assert read(raw)["Subject"].replace("\u200b", "").isprintable()
    assert len(read(raw)["Subject"]) <= 150


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_part_of_a_page(text):
    for message in (everywhere(text), digest_of(text)):
        mail = read(written(message)[0])
        plain, html = parts(mail)
        page = Page(html)
        assert page.tags <= HARMLESS_TAGS
        assert page.attributes <= HARMLESS_ATTRIBUTES
        assert all(link.startswith("https://") for link in page.links)
        assert not any("expression" in style or "url(" in style for style in page.styles)
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", plain + html)


@pytest.mark.parametrize(
    "message", [INCIDENT, RESOLVED, everywhere("<b>&amp;</b>")], ids=["opened", "resolved", "markup"]
)
def test_the_text_and_the_page_say_the_same(message):
    plain, html = parts(read(written(message)[0]))
    page, text = Page(html), flat(plain)
    for fact in facts(message):
        assert f"{fact.name} {flat(fact.value)}" in page.text
        assert f"{fact.name}: {flat(fact.value)}" in text
    said = [message.title, message.summary, message.alerts[0].name, message.receiver]
    said += [message.description] if message.status is IncidentStatus.FIRING else []
    for each in map(flat, (*said, *message.labels, *message.labels.values(), *message.alerts[0].labels.values())):
        assert each in page.text
        assert each in text
    assert page.links == [link for link in page.links if link in text]
    assert set(re.findall(r"https://\S+", text)) <= set(page.links)


def test_the_digest_says_the_same_in_text_and_page():
    plain, html = parts(read(written(DIGEST)[0]))
    page, text = Page(html), flat(plain)
    for item in DIGEST.items:
        for each in (item.title, f"INC-{item.number}", item.summary):
            assert each in page.text
            assert each in text
    assert set(re.findall(r"https://\S+", text)) == set(page.links)


def test_a_page_loads_nothing_and_says_its_state_in_words():
    for message, word in ((INCIDENT, "Firing"), (RESOLVED, "Resolved")):
        _, html = parts(read(written(message)[0]))
        page = Page(html)
        assert not page.tags & {"img", "link", "script", "iframe", "form", "input", "video", "svg"}
        assert f"Critical {word} " in page.text
        assert len(html.encode()) < 20_000


def test_a_resolved_mail_has_nothing_left_to_acknowledge():
    assert "acknowledge" in parts(read(written(INCIDENT)[0]))[1]
    assert "acknowledge" not in parts(read(written(RESOLVED)[0]))[1]


def test_a_critical_incident_without_a_runbook_says_so():
    plain, html = parts(read(written(replace(INCIDENT, runbook_url=None))[0]))
    assert "No runbook is known for this." in plain
    assert "No runbook is known for this." in html


texts = st.text(max_size=60) | st.sampled_from(
    ["<!channel>", "=?utf-8?q?=0A?=", "](http", "{{DATE(", "\r\nBcc: x", "\u202e"]
)
pairs = st.dictionaries(texts, texts, max_size=6)
alerts = st.builds(
    AlertLine,
    fingerprint=st.just("0"),
    name=texts,
    state=st.sampled_from(AlertState),
    severity=st.sampled_from(Severity),
    labels=pairs,
    annotations=pairs,
    starts_at=st.just(INCIDENT.opened_at),
    value=st.none() | st.floats(),
    threshold=st.none() | st.floats(),
    links=st.lists(st.builds(Link, title=texts, url=texts), max_size=2).map(tuple),
)
incidents = st.builds(
    replace,
    st.sampled_from([INCIDENT, RESOLVED]),
    title=texts,
    summary=texts,
    description=texts,
    labels=pairs,
    alerts=st.lists(alerts, max_size=4).map(tuple),
    comment=st.none() | texts,
    owner=st.none() | texts,
    acknowledged_by=st.none() | texts,
    reason=st.sampled_from(Reason),
    number=st.integers(1, 10**9),
)


@settings(max_examples=150, deadline=None)
@given(message=incidents)
def test_whatever_arrives_the_mail_reads_back_and_both_parts_agree(message):
    raw, _ = written(message)
    mail = read(raw)
    assert set(mail.keys()) == INCIDENT_HEADERS
    assert mail["Subject"].endswith(f"INC-{message.number}")
    assert not mail.defects
    plain, html = parts(mail)
    page, text = Page(html), flat(plain)
    assert page.tags <= HARMLESS_TAGS
    assert page.attributes <= HARMLESS_ATTRIBUTES
    for fact in facts(tidy(message, ROOMS[0])):
        assert f"{fact.name} {flat(fact.value)}".strip() in page.text
        assert f"{fact.name}: {flat(fact.value)}".strip() in text
    assert RENDER("email.html", message).flaw is None
    assert RENDER("email.txt", message).flaw is None


@pytest.mark.parametrize("name", REVIEWED)
def test_a_mail_is_byte_for_byte_the_one_people_reviewed(name):
    assert golden_mail(REVIEWED[name]) == (FOLDER / f"{name}.eml").read_bytes()
