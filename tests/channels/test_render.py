"""Templates: what they show, and that a bad one never silences anyone."""

from dataclasses import replace

import pytest

from alertsvc.channels.message import DigestMessage, IncidentMessage
from alertsvc.channels.plain import plain_text
from alertsvc.channels.render import MAX_HTML_BYTES, MAX_TEXT_BYTES, TemplateRenderer
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED, samples
from alertsvc.core.model import IncidentStatus, Reason, Severity
from tests.channels.hostile import HOSTILE, digest_of, everywhere

SHIPPED = TemplateRenderer()


@pytest.mark.parametrize(
    ("template", "message"), [pytest.param(t, m, id=f"{t}-{i}") for i, (t, m) in enumerate(samples())]
)
def test_every_template_that_comes_along_shows_every_kind_of_message_without_a_flaw(template, message):
    rendering = SHIPPED(template, message)
    assert rendering.flaw is None
    assert rendering.text.strip()


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param(
            {}, "churn-xgb production: DataDriftDetected 0.414 (> 0.25)", id="value-and-threshold-of-the-one-alert"
        ),
        pytest.param({"firing_count": 2}, "churn-xgb production: DataDriftDetected", id="no-single-value-for-many"),
        pytest.param({"alerts": ()}, "churn-xgb production: DataDriftDetected", id="nothing-measured"),
        pytest.param(
            {"title": "a\nb\u202ec\x00" + "d" * 300}, "a b c " + "d" * 113 + "… 0.414 (> 0.25)", id="one-clean-line"
        ),
    ],
)
def test_a_title_says_what_and_how_much(change, line):
    assert SHIPPED("title.txt", replace(INCIDENT, **change)).text == line


@pytest.mark.parametrize(
    ("message", "start"),
    [
        pytest.param(INCIDENT, "New critical incident. The feature", id="opened"),
        pytest.param(
            replace(INCIDENT, reason=Reason.RAISED, previous_severity=Severity.WARNING),
            "Raised from warning to critical. ",
            id="raised-names-both-levels",
        ),
        pytest.param(
            replace(INCIDENT, reason=Reason.ACKNOWLEDGED, status=IncidentStatus.ACKNOWLEDGED, acknowledged_by="ana"),
            "Acknowledged by ana. ",
            id="acknowledged-names-who",
        ),
        pytest.param(RESOLVED, "Resolved after 2 h 14 m.", id="resolved-leads-with-how-long"),
        pytest.param(
            replace(RESOLVED, resolved_how="expired"),
            "Resolved after 2 h 14 m, its source fell silent.",
            id="resolved-by-silence",
        ),
        pytest.param(replace(RESOLVED, resolved_by="ana"), "Resolved after 2 h 14 m by ana.", id="resolved-by-hand"),
        pytest.param(DIGEST, "1 incident open, 1 resolved, 2026-11-24 09:00 to 10:00 UTC.", id="digest"),
    ],
)
def test_a_summary_leads_with_what_happened(message, start):
    assert SHIPPED("summary.txt", message).text.startswith(start)


def test_a_digest_title_counts():
    assert SHIPPED("digest_title.txt", DIGEST).text == "Hourly digest: 1 incident open, 1 resolved"
    over = replace(DIGEST, items=DIGEST.items[1:])
    assert SHIPPED("digest_title.txt", over).text == "Hourly digest: 1 incident came and went, nothing is open"


def test_a_digest_shows_times_in_its_own_zone():
    text = SHIPPED("digest.txt", replace(DIGEST, timezone="Asia/Kathmandu")).text
    assert "2026-11-24 14:45 to 15:45 +0545" in text
    assert "started 2026-11-24 14:57 +0545" in text


def test_a_missing_label_is_empty_and_no_flaw():
    own = TemplateRenderer(
        {"title.txt.j2": "{{ message.labels.model }}{{ message.labels['region'] }}{{ message.labels.zone }}!"}
    )
    assert own("title.txt", INCIDENT).text == "churn-xgb!"
    assert own("title.txt", INCIDENT).flaw is None


@pytest.mark.parametrize(
    ("source", "text", "flaw"),
    [
        pytest.param("a {{ caption }}!", "a !", "title.txt.j2 line 1: nothing is called 'caption'", id="unknown-name"),
        pytest.param(
            "a\n{{ message.caption }}", "a", "title.txt.j2 line 2: nothing is called 'caption'", id="unknown-field"
        ),
        pytest.param(
            "a {% if caption %}b{% endif %}", "a", "title.txt.j2 line 1: nothing is called 'caption'", id="in-a-test"
        ),
        pytest.param("a {{ caption|default('x') }}", "a x", None, id="with-a-default-it-is-meant"),
        pytest.param("a {{ caption is defined }}", "a False", None, id="asked-whether-it-exists"),
    ],
)
def test_an_unknown_name_is_empty_and_told_to_the_operator(source, text, flaw):
    rendering = TemplateRenderer({"title.txt.j2": source})("title.txt", INCIDENT)
    assert (rendering.text, rendering.flaw) == (text, flaw)


BROKEN = [
    pytest.param("{{ message.title", "title.txt.j2 line 1: TemplateSyntaxError", id="syntax"),
    pytest.param("x\n{{ 1 // 0 }}", "title.txt.j2 line 2: ZeroDivisionError", id="arithmetic"),
    pytest.param(
        "{{ message.title|safe }}", "title.txt.j2 line 1: TemplateAssertionError: No filter named 'safe'", id="safe"
    ),
    pytest.param("{% include 'nowhere.j2' %}", "title.txt.j2 line 1: TemplateNotFound", id="include"),
    pytest.param("{{ caption + 1 }}", "title.txt.j2 line 1: UndefinedError", id="arithmetic-with-nothing"),
    pytest.param(
        "{{ ''.__class__.__mro__ }}", "SecurityError: str.__class__ is not for templates", id="sandbox-escape"
    ),
    pytest.param("{{ message.labels.update({}) }}", "SecurityError: dict.update is not for templates", id="mutation"),
    pytest.param("{{ cycler.__init__.__globals__ }}", "title.txt.j2", id="globals"),
    pytest.param("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "title.txt.j2", id="endless-recursion"),
    pytest.param(" \n ", "title.txt.j2 shows nothing", id="empty"),
]


@pytest.mark.parametrize(("source", "flaw"), BROKEN)
def test_a_broken_template_gives_way_to_the_one_it_replaces_and_is_flagged(source, flaw):
    rendering = TemplateRenderer({"title.txt.j2": source})("title.txt", INCIDENT)
    assert rendering.text == "churn-xgb production: DataDriftDetected 0.414 (> 0.25)"
    assert flaw in rendering.flaw


BOMBS = [
    pytest.param("{{ 'a' * 10**8 }}", id="multiplied-text"),
    pytest.param("{{ [1] * 10**8 }}", id="multiplied-list"),
    pytest.param("{{ 10 ** 10 ** 10 }}", id="power"),
    pytest.param(
        "{% set ns = namespace(x=3) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}", id="squares"
    ),
    pytest.param(
        "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}", id="doubled"
    ),
    pytest.param(
        "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", id="added"
    ),
    pytest.param(
        "{% set ns = namespace(x='a') %}"
        "{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
        id="block-set",
    ),
    pytest.param(
        "{% macro d(x) %}{{ x }}{{ x }}{% endmacro %}{% set ns = namespace(x='a') %}"
        "{% for i in range(99) %}{% set ns.x = d(ns.x) %}{% endfor %}",
        id="macro-output",
    ),
    pytest.param("{% for i in range(10**9) %}{% endfor %}", id="range"),
    pytest.param("{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}", id="silent-loops"),
    pytest.param("{% for i in range(1000) %}{% for j in range(1000) %}x{% endfor %}{% endfor %}", id="loud-loops"),
    pytest.param(
        "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}", id="macro-tree"
    ),
    pytest.param("{{ 'a'.center(10**9) }}", id="center"),
    pytest.param("{{ 'a'.join(['b'] * 60000) }}", id="join-method"),
    pytest.param("{{ ('a' * 60000)|list|join('a' * 60000) }}", id="join-filter"),
    pytest.param("{{ '%1000000000d' % 1 }}", id="percent"),
    pytest.param("{{ '{:1000000000}'.format(1) }}", id="format"),
    pytest.param("{{ 'a'|center(10**9) }}", id="center-filter"),
    pytest.param("{{ (1).to_bytes(10**9, 'big') }}", id="to-bytes"),
    pytest.param("{{ lipsum(10000) }}", id="lipsum"),
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("source", BOMBS)
@pytest.mark.parametrize("template", ["title.txt", "email.html"])
def test_a_template_that_builds_too_much_is_stopped(template, source):
    rendering = TemplateRenderer({f"{template}.j2": source})(template, INCIDENT)
    assert rendering.flaw is not None
    assert "churn-xgb production: DataDriftDetected" in rendering.text


def test_when_even_the_shipped_template_fails_the_text_comes_from_code():
    own = TemplateRenderer({"_layout.html.j2": "{{ 1 // 0 }}"})
    rendering = own("email.html", INCIDENT)
    assert rendering.text.startswith("<!doctype html>")
    assert "The feature &quot;age&quot; has drifted" in rendering.text
    assert rendering.flaw == "_layout.html.j2 line 1: ZeroDivisionError: integer division or modulo by zero"


@pytest.mark.parametrize(
    "template", ["title.txt", "summary.txt", "email.html", "email.txt", "digest.html", "digest.txt"]
)
def test_an_unknown_template_still_gives_text(template):
    broken = TemplateRenderer({f"{template}.j2": "{{ 1 // 0 }}", "_layout.html.j2": "{{ 1 // 0 }}"})
    for message in (INCIDENT, DIGEST):
        assert broken(template, message).text.strip()
    assert SHIPPED("nonsense.txt", INCIDENT).flaw == "nonsense.txt.j2: TemplateNotFound: nonsense.txt.j2"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_message_is_too_odd_for_any_template(text):
    for template in ("title.txt", "summary.txt", "email.txt", "email.html"):
        rendering = SHIPPED(template, everywhere(text))
        assert rendering.flaw is None
        assert rendering.text.strip()
        assert plain_text(template, everywhere(text)).strip()
    for template in ("digest_title.txt", "summary.txt", "digest.txt", "digest.html"):
        rendering = SHIPPED(template, digest_of(text))
        assert rendering.flaw is None
        assert rendering.text.strip()
        assert plain_text(template, digest_of(text)).strip()


def test_an_operator_can_change_one_part_of_a_page():
    footer = "{% block footer %}Call {{ message.owner }}.{% endblock %}"
    own = TemplateRenderer({"email.html.j2": '{% extends "builtin/email.html.j2" %}' + footer})
    rendering = own("email.html", INCIDENT)
    assert rendering.flaw is None
    assert "Call growth@example.com." in rendering.text
    assert "The feature &#34;age&#34; has drifted" in rendering.text


def test_a_flaw_in_the_title_is_told_with_the_page_that_shows_it():
    own = TemplateRenderer({"title.txt.j2": "{{ caption }}{{ message.title }}"})
    assert own("email.html", INCIDENT).flaw == "title.txt.j2 line 1: nothing is called 'caption'"


def test_pages_stay_within_their_size_and_say_what_they_leave_out():
    items = tuple(replace(DIGEST.items[0], number=n, title="&" * 200, summary="<" * 200) for n in range(1000))
    alerts = tuple(
        replace(INCIDENT.alerts[0], name="<" * 200, labels={f"{n}{'&' * 200}": '"' * 200 for n in range(60)})
        for _ in range(10)
    )
    digest: DigestMessage = replace(DIGEST, items=items)
    incident: IncidentMessage = replace(INCIDENT, alerts=alerts, firing_count=5000, description="'" * 10**6)
    for template, message in (("digest.html", digest), ("email.html", incident)):
        rendering = SHIPPED(template, message)
        assert rendering.flaw is None
        assert len(rendering.text.encode()) <= MAX_HTML_BYTES
        assert "more " in rendering.text
    for template, message in (("digest.txt", digest), ("email.txt", incident)):
        assert len(SHIPPED(template, message).text.encode()) <= MAX_TEXT_BYTES
    assert "and 920 more incidents" in SHIPPED("digest.txt", digest).text


def test_a_set_of_templates_is_checked_on_samples_before_it_is_used():
    own = TemplateRenderer({"digest.txt.j2": "{{ hidden }}{{ title }}", "summary.txt.j2": "{{ 1 // 0 }}"})
    assert own.check(samples()) == [
        "summary.txt.j2 line 1: ZeroDivisionError: integer division or modulo by zero",
        "summary.txt.j2 line 1: ZeroDivisionError: integer division or modulo by zero; "
        "digest.txt.j2 line 1: nothing is called 'hidden'",
    ]


def test_the_lines_of_a_message_are_made_once_for_whoever_shows_them():
    render = TemplateRenderer()
    message = replace(INCIDENT, title="one")
    render.foresee(message)
    assert render("title.txt", message) is render("title.txt", message)
    assert render("summary.txt", message) is render("summary.txt", message)
    for number in range(100):
        assert render("title.txt", replace(message, title=f"m{number}")).text.startswith(f"m{number} ")
