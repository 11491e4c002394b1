"""Texts that somebody outside may choose, and messages that say them wherever they can."""

from dataclasses import replace

import pytest

from alertsvc.channels.message import DigestMessage, IncidentMessage, StormClass
from alertsvc.channels.samples import DIGEST, INCIDENT, STORM
from alertsvc.core.model import Link, Severity

HOSTILE = [
    pytest.param("a\nBcc: eve@evil.example", id="line-feed"),
    pytest.param("a\r\nBcc: eve@evil.example\r\n\r\n<b>body", id="header-and-body"),
    pytest.param("=?utf-8?q?=0ABcc:_eve=40evil.example?=", id="encoded-word"),
    pytest.param("=?utf-8?b?CkJjYzogZXZlQGV2aWwuZXhhbXBsZQ==?=", id="encoded-word-base64"),
    pytest.param("=\x00?utf-8?q?=0ABcc:_eve?=", id="encoded-word-around-a-control"),
    pytest.param("=?=?utf-8?q?=0ABcc:_eve?= =?utf-8?q?=0ABcc:_eve?=", id="encoded-word-in-encoded-word"),
    pytest.param("a\u2028Bcc: eve@evil.example\u2029b\x85c\x0bd\x0ce", id="other-line-ends"),
    pytest.param("a\x00b\x1b[31mc\x7f", id="controls"),
    pytest.param("\u202egnp.exe\u2066", id="direction"),
    pytest.param("x" * 100_000, id="100k"),
    pytest.param("é" * 100_000, id="100k-letters"),
    pytest.param("=?" * 50_000, id="100k-encoded-words"),
    pytest.param("\ud800 lone", id="half-a-character"),
    pytest.param("a" + "\u0301" * 10_000, id="accents"),
    pytest.param("", id="nothing"),
    pytest.param("{{ message }} {% raw %} ${x} %s {0}", id="template-words"),
    pytest.param("<script>alert(1)</script><img src=x onerror=alert(1)>", id="script"),
    pytest.param("\"'><a href=javascript:alert(1)>x</a><!--", id="out-of-an-attribute"),
    pytest.param("</td></table></style></title><style>*{display:none}</style>", id="out-of-the-layout"),
    pytest.param("&lt;b&gt; &amp;amp; &#x3c;", id="entities"),
    pytest.param(".\r\n.\r\nMAIL FROM:<eve@evil.example>", id="dots"),
]


def everywhere(text: str) -> IncidentMessage:
    """An incident that says `text` wherever somebody outside could put it."""
    alert = replace(INCIDENT.alerts[0], name=text, labels={"l": text, text: "v"}, annotations={"summary": text})
    return replace(
        INCIDENT,
        title=text,
        summary=text,
        description=text,
        comment=text,
        owner=text,
        receiver=text,
        route=text,
        acknowledged_by=text,
        acknowledged_at=INCIDENT.opened_at,
        labels={"shared": text, text: "v"},
        alerts=(replace(alert, links=(Link(text, text), Link(text, "https://ok.example/" + text))),),
        links=(Link(text, text), Link("x", "javascript:alert(1)")),
        runbook_url=text,
        incident_url="javascript:alert(1)",
        acknowledge_url='https://ok.example/" onclick="x',
    )


def digest_of(text: str) -> DigestMessage:
    """A digest that says `text` likewise."""
    item = replace(DIGEST.items[0], title=text, summary=text, acknowledged_by=text, incident_url=text)
    ended = replace(DIGEST.items[1], title=text, labels={text: text})
    return replace(DIGEST, name=text, receiver=text, timezone=text, digest_url=text, items=(item, ended))


def storm_of(text: str) -> DigestMessage:
    """The summary of a storm that says `text` likewise."""
    kinds = (StormClass(text, Severity.CRITICAL, 9_000), StormClass(text, Severity.WARNING, 10**9))
    return replace(digest_of(text), unlisted_open_count=9_000, storm=replace(STORM.storm, classes=kinds * 4))
