"""What goes wrong between us and a mail server, and what each of it means for the message."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from alertsvc.channels.email import Patience
from alertsvc.channels.outcome import Accepted, Fault, Interrupted, Retry, Unknown
from alertsvc.channels.samples import INCIDENT
from tests.channels.email.conftest import BOTH_LOOPS, envelope, mailing
from tests.programs import eventually
from tests.smtp_server import Trap

SHORT = Patience(stage=0.8, end=0.8, whole=8)
SHORT_AT_THE_END = Patience(stage=8, end=0.8, whole=20)
LOGIN = {"auth_username": "alerts", "auth_password": "correct horse"}
USERS = {"alerts": "correct horse"}


def tls(certificates, mode="starttls", ca="ca_file", **more):
    return {"tls": mode, "tls_config": {"ca_file": getattr(certificates, ca), **more}}


@BOTH_LOOPS
@pytest.mark.parametrize("mode", ["starttls", "implicit"])
async def test_mail_travels_encrypted_and_the_server_is_who_it_says(start, certificates, mode):
    server = start(tls=mode, cert_file=str(certificates.server_file))
    async with mailing(server, **tls(certificates, mode)) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert server.received()[0].encrypted


@BOTH_LOOPS
@pytest.mark.parametrize("mode", ["starttls", "implicit"])
@pytest.mark.parametrize(
    ("served", "trusted", "more", "ok"),
    [
        pytest.param("server_file", "other_ca_file", {}, False, id="signed-by-a-stranger"),
        pytest.param("wrong_name_file", "ca_file", {}, False, id="for-another-name"),
        pytest.param("wrong_name_file", "ca_file", {"server_name": "mail.example"}, True, id="for-the-name-expected"),
        pytest.param("server_file", "other_ca_file", {"insecure_skip_verify": True}, True, id="not-verified-as-asked"),
        pytest.param("server_file", "ca_file", {"min_version": "TLS13"}, True, id="tls-1.3-alone"),
    ],
)
async def test_a_certificate_counts_only_when_it_can_be_verified(start, certificates, mode, served, trusted, more, ok):
    server = start(tls=mode, cert_file=str(getattr(certificates, served)))
    async with mailing(server, **tls(certificates, mode, trusted, **more)) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    if ok:
        assert isinstance(outcome, Accepted)
        return
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (Fault.CONFIGURATION, True)
    assert "the certificate cannot be verified: " in outcome.detail
    assert server.received() == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("where", ["auth_password", "auth_password_file", "auth_password_env"])
async def test_it_logs_in_with_a_password_from_wherever_it_is(start, tmp_path, monkeypatch, mechanism, where):
    server = start(users=USERS, auth_mechanisms=[mechanism])
    (tmp_path / "password").write_text("correct horse\n")
    monkeypatch.setenv("SMTP_PASSWORD", "correct horse")
    given = {"auth_password": "correct horse", "auth_password_file": tmp_path / "password"}
    password = {where: given.get(where, "SMTP_PASSWORD")}
    async with mailing(server, auth_username="alerts", **password) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert server.received()[0].user == "alerts"


@pytest.mark.parametrize(
    ("offered", "given"),
    [
        pytest.param(["CRAM-MD5"], {"auth_secret": "correct horse"}, id="cram-md5-by-its-secret"),
        pytest.param(["CRAM-MD5", "PLAIN"], {"auth_password": "correct horse"}, id="cram-md5-left-out-without-one"),
        pytest.param(
            ["PLAIN"], {"auth_password": "correct horse", "auth_identity": "boss"}, id="plain-for-somebody-else"
        ),
        pytest.param(
            ["LOGIN"], {"auth_password": "correct horse", "auth_secret": "other"}, id="login-when-nothing-else"
        ),
    ],
)
async def test_the_way_to_log_in_is_the_best_that_both_sides_know(start, offered, given):
    server = start(users=USERS, auth_mechanisms=offered)
    async with mailing(server, auth_username="alerts", **given) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)
    assert server.received()[0].user == "alerts"


async def test_a_rotated_password_needs_no_restart(start, tmp_path):
    server = start(users=USERS)
    path = tmp_path / "password"
    path.write_text("stale")
    async with mailing(server, auth_username="alerts", auth_password_file=path) as channel:
        first = await channel.send(INCIDENT, envelope())
        path.write_text("correct horse")
        assert isinstance(first, Retry)
        assert isinstance(await channel.send(INCIDENT, envelope(attempt=2)), Accepted)


OPERATORS = [
    pytest.param(
        {"users": USERS},
        {"auth_username": "alerts", "auth_password": "wrong"},
        Fault.AUTH_ERROR,
        "AUTH: 535 5.7.8",
        id="wrong-password",
    ),
    pytest.param({"users": USERS}, {}, Fault.AUTH_ERROR, "MAIL FROM: 530 5.7.0", id="no-password"),
    pytest.param({}, LOGIN, Fault.CONFIGURATION, "AUTH: the server offers no way to log in that fits", id="no-login"),
    pytest.param(
        {"users": USERS},
        {"auth_username": "alerts", "auth_password_file": Path("/nowhere/password")},
        Fault.CONFIGURATION,
        "AUTH: auth_password_file: cannot read /nowhere/password: FileNotFoundError",
        id="password-file-missing",
    ),
    pytest.param({}, {"tls": "starttls"}, Fault.CONFIGURATION, "STARTTLS: SMTP STARTTLS extension", id="no-starttls"),
    pytest.param(
        {},
        {"tls": "starttls", "tls_config": {"ca_file": Path("/nowhere/ca.pem")}},
        Fault.CONFIGURATION,
        "connect: cannot use /nowhere/ca.pem: ",
        id="ca-file-missing",
    ),
    pytest.param(
        {"traps": {"banner": Trap(say="554 5.7.1 no service for you")}},
        {},
        Fault.CONFIGURATION,
        "greeting: 554 5.7.1 no service for you",
        id="not-served",
    ),
]


@pytest.mark.parametrize(("behaviour", "config", "fault", "detail"), OPERATORS)
async def test_what_an_operator_can_mend_holds_the_destination_and_rejects_nothing(
    start, behaviour, config, fault, detail
):
    server = start(**behaviour)
    async with mailing(server, **config) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (fault, True)
    assert outcome.detail.startswith(detail)
    assert "correct horse" not in repr(outcome)


PASSING = [
    pytest.param(
        {"banner": Trap(say="421 4.3.2 too busy")}, Fault.SERVER_ERROR, True, "greeting: 421", id="421-banner"
    ),
    pytest.param({"EHLO": Trap(say="421 4.3.2 going down")}, Fault.SERVER_ERROR, True, "EHLO: 421", id="421-ehlo"),
    pytest.param({"MAIL": Trap(say="421 4.3.2 going down")}, Fault.SERVER_ERROR, True, "MAIL FROM: 421", id="421-mail"),
    pytest.param({"RCPT": Trap(say="421 4.7.0 slow down")}, Fault.SERVER_ERROR, True, "RCPT TO: 421", id="421-rcpt"),
    pytest.param({"DATA": Trap(say="421 4.3.2 going down")}, Fault.SERVER_ERROR, True, "DATA: 421", id="421-data"),
    pytest.param(
        {"dot": Trap(say="421 4.3.2 closing")}, Fault.SERVER_ERROR, True, "end of the message: 421", id="421-end"
    ),
    pytest.param({"MAIL": Trap(say="452 4.3.1 disk full")}, Fault.SERVER_ERROR, False, "not yet taken", id="452-mail"),
    pytest.param({"DATA": Trap(say="451 4.3.0 try later")}, Fault.SERVER_ERROR, False, "not yet taken", id="451-data"),
    pytest.param({"dot": Trap(say="451 4.3.0 queue full")}, Fault.SERVER_ERROR, False, "not yet taken", id="451-end"),
    pytest.param({"banner": Trap(drop=True)}, Fault.NETWORK, False, "greeting: ", id="dropped-banner"),
    pytest.param({"EHLO": Trap(drop=True)}, Fault.NETWORK, False, "EHLO: ", id="dropped-ehlo"),
    pytest.param({"RCPT": Trap(drop=True)}, Fault.NETWORK, False, "RCPT TO: ", id="dropped-rcpt"),
    pytest.param({"DATA": Trap(drop=True)}, Fault.NETWORK, False, "DATA: ", id="dropped-before-the-content"),
    pytest.param({"banner": Trap(say="hello there")}, Fault.SERVER_ERROR, False, "greeting: ", id="not-a-mail-server"),
]


@pytest.mark.parametrize(("traps", "fault", "everyone", "detail"), PASSING)
async def test_what_passes_is_tried_again(start, traps, fault, everyone, detail):
    server = start(traps=traps)
    async with mailing(server) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (fault, everyone)
    assert outcome.detail.startswith(detail)


async def test_a_login_server_that_is_away_for_a_moment_is_no_wrong_password(start):
    server = start(users=USERS, traps={"AUTH": Trap(say="454 4.7.0 temporary authentication failure")})
    async with mailing(server, **LOGIN) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert outcome.fault is Fault.SERVER_ERROR


@BOTH_LOOPS
@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        pytest.param("banner", Retry, id="banner"),
        pytest.param("EHLO", Retry, id="ehlo"),
        pytest.param("STARTTLS", Retry, id="starttls"),
        pytest.param("AUTH", Retry, id="auth"),
        pytest.param("MAIL", Retry, id="mail"),
        pytest.param("RCPT", Retry, id="rcpt"),
        pytest.param("DATA", Retry, id="data"),
        pytest.param("dot", Unknown, id="only-after-the-end-it-is-unknown"),
    ],
)
async def test_a_tarpit_ends_within_the_budget(start, certificates, stage, kind):
    encrypted = {"tls": "starttls", "cert_file": str(certificates.server_file)}
    server = start(**encrypted, users=USERS, traps={stage: Trap(seconds=600)})
    patience = SHORT if kind is Retry else SHORT_AT_THE_END
    async with mailing(server, patience=patience, **tls(certificates), **LOGIN) as channel:
        began = time.monotonic()
        outcome = await channel.send(INCIDENT, envelope())
        assert time.monotonic() - began < channel.budget.total_seconds()
    assert isinstance(outcome, kind)
    assert outcome.fault is Fault.TIMEOUT


async def test_a_server_slow_at_every_stage_ends_within_the_budget_too(start):
    slow = Trap(seconds=0.5)
    server = start(traps=dict.fromkeys(("banner", "EHLO", "MAIL", "RCPT", "DATA"), slow))
    async with mailing(server, patience=Patience(stage=5, end=1, whole=2.2)) as channel:
        began = time.monotonic()
        outcome = await channel.send(INCIDENT, envelope())
        assert time.monotonic() - began < 2.2
    assert isinstance(outcome, Retry)
    assert outcome.fault is Fault.TIMEOUT
    assert server.received() == []


async def test_a_slow_end_is_waited_for_longer_than_a_slow_step(start):
    server = start(traps={"dot": Trap(seconds=1.4)})
    async with mailing(server, patience=Patience(stage=1, end=10, whole=20)) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Accepted)


async def test_those_there_was_no_time_for_wait_for_the_next_try(start):
    server = start(traps={"dot": Trap(seconds=0.8)})
    to = "ana@example.org, ben@example.org, eva@example.org"
    async with mailing(server, to=to, patience=Patience(stage=1, end=1.5, whole=2.4)) as channel:
        outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert outcome.fault is Fault.TIMEOUT
    assert "ana@example.org" in outcome.progress
    assert "eva@example.org" not in outcome.progress


async def test_nobody_listening_is_a_matter_of_the_network(start):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = start()
        async with mailing(server, smarthost=f"127.0.0.1:{taken.getsockname()[1]}") as channel:
            outcome = await channel.send(INCIDENT, envelope())
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (Fault.NETWORK, False)
    assert outcome.detail.startswith("connect: ")


async def test_after_a_failure_the_next_mail_goes_over_a_new_connection(start):
    server = start(traps={"dot": Trap(seconds=600, times=1)})
    async with mailing(server, patience=SHORT_AT_THE_END) as channel:
        assert isinstance(await channel.send(INCIDENT, envelope()), Unknown)
        assert isinstance(await channel.send(INCIDENT, envelope(attempt=2)), Accepted)
    first, second = server.received()
    assert (first.connection, second.connection) == (1, 2)
    assert first.parsed()["Message-ID"] == second.parsed()["Message-ID"]


async def test_a_send_that_is_called_off_leaves_no_half_mail_behind(start):
    server = start(traps={"DATA": Trap(seconds=600, times=1)})
    async with mailing(server) as channel:
        sending = asyncio.create_task(channel.send(INCIDENT, envelope()))
        await asyncio.sleep(1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert isinstance(await channel.send(INCIDENT, envelope(attempt=2)), Accepted)
    assert [mail.connection for mail in server.received()] == [2]


@pytest.mark.parametrize(
    ("trap", "kind"),
    [
        pytest.param({"dot": Trap(seconds=600, spare=1)}, Unknown, id="at-the-end-of-the-mail"),
        pytest.param({"RCPT": Trap(seconds=600, spare=1)}, Retry, id="before-anything-was-said"),
    ],
)
async def test_a_send_that_is_cancelled_says_who_has_the_mail_already(start, trap, kind):
    server = start(traps=trap)
    async with mailing(server, to="ana@example.com, bob@example.com") as channel:
        sending = asyncio.create_task(channel.send(INCIDENT, envelope()))
        await eventually(server.received)
        await asyncio.sleep(0.5)
        sending.cancel()
        with pytest.raises(Interrupted) as interrupted:
            await sending
    outcome = interrupted.value.outcome
    assert isinstance(outcome, kind)
    assert list(outcome.progress) == ["ana@example.com"]
    assert "the service ended" in outcome.detail


async def test_two_sends_at_once_take_turns(start):
    server = start(traps={"dot": Trap(seconds=0.2)})
    async with mailing(server) as channel:
        outcomes = await asyncio.gather(*(channel.send(INCIDENT, envelope()) for _ in range(3)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert {mail.connection for mail in server.received()} == {1}


async def test_who_gets_no_turn_within_the_budget_tries_again_later(start):
    server = start(traps={"dot": Trap(seconds=600)})
    async with mailing(server, patience=Patience(stage=1.5, end=2, whole=3.5)) as channel:
        first = asyncio.create_task(channel.send(INCIDENT, envelope()))
        second = asyncio.create_task(channel.send(INCIDENT, envelope()))
        assert isinstance(await first, Unknown)
        assert isinstance(await second, Retry)
