"""What an operator may say about e-mail, and what is refused when the configuration is loaded."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from alertsvc.channels.base import Tools
from alertsvc.channels.email import EmailConfig, EmailGlobals, open_email
from alertsvc.channels.email.addresses import mailbox, mailboxes
from alertsvc.channels.email.settings import settings_of
from alertsvc.channels.render import TemplateRenderer
from alertsvc.core.model import Reason

GLOBALS = EmailGlobals.model_validate({"smtp_smarthost": "smtp.example.com:587", "smtp_from": "alerts@example.com"})
PASSWORD = {"auth_username": "u", "auth_password": "p"}


def settings(config=None, **shared):
    told = EmailGlobals.model_validate({**GLOBALS.model_dump(exclude_unset=True), **shared})
    return settings_of(EmailConfig.model_validate({"to": "ana@example.org", **(config or {})}), told)


def test_a_pasted_alertmanager_entry_means_what_it_meant():
    pasted = {
        "to": "Ops Team <ops@example.org>, ana@example.org",
        "from": "alertmanager@example.org",
        "smarthost": "mail.example.org:25",
        "hello": "alerts.example.org",
        "auth_username": "am",
        "auth_password_file": "/run/secrets/smtp",
        "auth_secret": "cram",
        "auth_identity": "boss",
        "require_tls": True,
        "tls_config": {"ca_file": "/etc/ca.pem", "server_name": "mail"},
        "headers": {"Reply-To": "ops@example.org"},
        "html": '{{ template "email.default.html" . }}',
        "threading": {"enabled": True, "thread_by_date": "daily"},
        "send_resolved": True,
    }
    found = settings(pasted)
    assert [box.address for box in found.recipients] == ["ops@example.org", "ana@example.org"]
    assert found.sender.address == "alertmanager@example.org"
    assert (found.relay.host, found.relay.port, found.relay.tls) == ("mail.example.org", 25, "starttls")
    assert found.relay.hello == "alerts.example.org"
    login = found.relay.login
    assert (login.username, login.identity, login.secret.reveal()) == ("am", "boss", "cram")
    assert login.password.place == "file /run/secrets/smtp"
    assert found.relay.tls_config.server_name == "mail"
    assert found.headers == (("Reply-To", "ops@example.org"),)


def test_what_an_entry_leaves_out_comes_from_the_globals():
    found = settings(
        smtp_hello="me.example.com",
        smtp_auth_username="u",
        smtp_auth_password="p",
        smtp_auth_identity="i",
        smtp_tls_config={"ca_file": "/etc/ca.pem"},
    )
    assert (str(found.relay), found.relay.hello) == ("smtp.example.com:587", "me.example.com")
    assert found.relay.login.password.reveal() == "p"
    assert found.relay.tls_config.ca_file == Path("/etc/ca.pem")
    assert settings().relay.hello == "localhost"


@pytest.mark.parametrize(
    ("config", "shared", "mode"),
    [
        pytest.param({}, {}, "starttls", id="encrypted-unless-told-otherwise"),
        pytest.param({"smarthost": "m.example.com:465"}, {}, "implicit", id="port-465"),
        pytest.param(
            {"smarthost": "m.example.com:465", "force_implicit_tls": False}, {}, "starttls", id="465-forced-off"
        ),
        pytest.param({"force_implicit_tls": True}, {}, "implicit", id="forced-on"),
        pytest.param({}, {"smtp_force_implicit_tls": True}, "implicit", id="forced-on-for-all"),
        pytest.param({"require_tls": False}, {}, "none", id="alertmanagers-way-to-say-no"),
        pytest.param({}, {"smtp_require_tls": False}, "none", id="said-for-all"),
        pytest.param({"require_tls": True}, {"smtp_require_tls": False}, "starttls", id="the-entry-has-the-last-word"),
        pytest.param({"tls": "implicit"}, {}, "implicit", id="our-word-implicit"),
        pytest.param(
            {"tls": "starttls", "smarthost": "m.example.com:465"}, {}, "starttls", id="our-word-beats-the-port"
        ),
        pytest.param({"tls": "none", "smarthost": "127.0.0.1:25"}, {}, "none", id="clear-to-ourselves"),
        pytest.param({"tls": "none", "smarthost": "[::1]:25"}, {}, "none", id="clear-to-ourselves-v6"),
        pytest.param({"tls": "none", "smarthost": "localhost:25", **PASSWORD}, {}, "none", id="password-to-ourselves"),
        pytest.param({"tls": "none", "require_tls": False}, {}, "none", id="clear-as-asked"),
    ],
)
def test_encryption_is_chosen_as_alertmanager_does_or_in_one_word(config, shared, mode):
    assert settings(config, **shared).relay.tls == mode


@pytest.mark.parametrize(
    ("config", "shared", "reason"),
    [
        pytest.param({}, {"smtp_smarthost": None}, "no mail server", id="no-server"),
        pytest.param({}, {"smtp_from": None}, "no sender", id="no-sender"),
        pytest.param({"tls": "none"}, {}, "in the clear: say require_tls: false too", id="clear-unasked"),
        pytest.param({"tls": "none", "require_tls": True}, {}, "contradict each other", id="clear-and-required"),
        pytest.param({"require_tls": False, **PASSWORD}, {}, "password would travel", id="password-in-the-clear"),
        pytest.param({"auth_username": "u"}, {}, "auth_username needs auth_password", id="user-without-password"),
    ],
)
def test_what_cannot_work_is_refused_when_the_channel_is_opened(config, shared, reason):
    with pytest.raises(ValueError, match=reason):
        settings(config, **shared)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param({"to": ""}, "at least one mail address", id="nobody"),
        pytest.param({"to": "ana"}, "'ana' is not a mail address", id="no-at"),
        pytest.param({"to": "ana@example.org ben@example.org"}, "is not a mail address", id="no-comma"),
        pytest.param({"to": "ana@example.org\r\nBcc: eve@evil.example"}, "is not a mail", id="line-end"),
        pytest.param({"to": "ana@exa\x00mple.org"}, "is not a mail domain", id="nul"),
        pytest.param({"to": "a..b@example.org"}, "is not a mail address", id="dots"),
        pytest.param({"to": "ana@-example.org"}, "is not a mail domain", id="domain"),
        pytest.param({"to": "=?utf-8?q?eve=40evil?=@example.org"}, "is not a mail address", id="encoded-word"),
        pytest.param({"to": "{{ .CommonLabels.owner }}"}, "templates in addresses are not carried over", id="template"),
        pytest.param({"from": "a@example.org, b@example.org"}, "must be exactly one mail address", id="two-senders"),
        pytest.param(
            {"from": "jürgen@example.org"}, "must be exactly one mail address, of ASCII", id="sender-not-ascii"
        ),
        pytest.param({"smarthost": "mail.example.org"}, "is not a host and a port", id="no-port"),
        pytest.param({"smarthost": "mail.example.org:99999"}, "is not a host and a port", id="no-such-port"),
        pytest.param({"smarthost": "a..b:25"}, "is not a host and a port", id="empty-label"),
        pytest.param({"smarthost": "a" * 64 + ".example:25"}, "is not a host and a port", id="long-label"),
        pytest.param({"smarthost": "::1:25"}, "is not a host and a port", id="ipv6-without-brackets"),
        pytest.param({"hello": "a b"}, "is not a host name", id="hello"),
        pytest.param({"headers": {"Subject": "x"}}, "a Subject is not carried over", id="subject"),
        pytest.param(
            {"headers": {"X-A": "{{ .Status }}"}}, "header X-A: Go templates are not carried over", id="go-header"
        ),
        pytest.param({"headers": {"Bcc": "eve@evil.example"}}, "header Bcc cannot be set here", id="bcc"),
        pytest.param({"headers": {"X-A": "b\r\nBcc: c"}}, "must be one short line of ASCII", id="header-line-end"),
        pytest.param({"headers": {"X:A": "b"}}, "header X:A cannot be set here", id="header-name"),
        pytest.param({"html": "<b>{{ .Status }}</b>"}, "Go templates are not carried over", id="html"),
        pytest.param({"text": "{{ .Status }}"}, "Go templates are not carried over", id="text"),
        pytest.param({**PASSWORD, "auth_password_file": "/x"}, "give only one of auth_password", id="two-passwords"),
        pytest.param({"tls_config": {"cert_file": "/x"}}, "cert_file and key_file go together", id="half-a-key"),
        pytest.param({"tls_config": {"min_version": "TLS10"}}, "TLS12", id="old-tls"),
        pytest.param({"tls_config": {"server_name": ".mail"}}, "is not the name of a server", id="server-name"),
        pytest.param({"subject_style": "loud"}, "subject_style", id="style"),
        pytest.param({"too": "x"}, "too", id="unknown-field"),
    ],
)
def test_a_mistake_is_refused_where_it_stands(config, reason):
    with pytest.raises(ValidationError) as refusal:
        EmailConfig.model_validate({"to": "ana@example.org", **config})
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        pytest.param(
            "a@x.example,b@x.example , ,c@x.example,", ["a@x.example", "b@x.example", "c@x.example"], id="commas"
        ),
        pytest.param('"Doe, Ana" <ana@x.example>, Ben <ben@x.example>', ["ana@x.example", "ben@x.example"], id="names"),
        pytest.param("a@x.example, a@x.example", ["a@x.example"], id="each-once"),
        pytest.param("a@straße.example", ["a@xn--strae-oqa.example"], id="domain-in-ascii"),
        pytest.param("jürgen@x.example", ["jürgen@x.example"], id="letters-before-the-at"),
        pytest.param("a+tag@localhost", ["a+tag@localhost"], id="plus-and-local-names"),
    ],
)
def test_addresses_are_read_as_people_write_them(text, addresses):
    assert [box.address for box in mailboxes(text)] == addresses


def test_a_name_is_encoded_in_its_header_and_the_address_is_not():
    assert mailbox("Ana Müller <ana@example.org>").header() == "=?utf-8?q?Ana_M=C3=BCller?= <ana@example.org>"
    assert mailbox('"Doe, Ana" <ana@example.org>').header() == '"Doe, Ana" <ana@example.org>'
    long = mailbox("Ü" * 140 + " <ana@example.org>").header()
    assert all(len(line) <= 78 + len(" <ana@example.org>") for line in long.split("\r\n"))


def test_secrets_are_masked_wherever_a_configuration_is_shown():
    config = EmailConfig.model_validate({"to": "ana@example.org", **PASSWORD, "auth_password": "canary"})
    shared = EmailGlobals.model_validate({"smtp_auth_password": "canary", "smtp_auth_secret": "canary"})
    shown = repr(config) + str(config) + config.model_dump_json() + repr(shared) + repr(settings_of_canary())
    assert "canary" not in shown


def settings_of_canary():
    return settings({"auth_username": "u", "auth_password": "canary", "auth_secret": "canary"})


def test_a_channel_knows_its_label_what_it_hears_and_its_budget():
    config = EmailConfig.model_validate({"to": "ana@example.org", "send_resolved": False})
    assert config.label() == "ana@example.org"
    assert Reason.RESOLVED not in config.hears()
    channel = open_email(config, GLOBALS, Tools(TemplateRenderer(), None))
    assert channel.budget.total_seconds() == 245
    assert (channel.rate, channel.burst, channel.concurrency) == (5.0, 10, 1)
