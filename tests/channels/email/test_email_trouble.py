"""What a broken conversation means, for every way in which it can break."""

import socket
import ssl

import pytest
from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPConnectResponseError,
    SMTPConnectTimeoutError,
    SMTPException,
    SMTPHeloError,
    SMTPReadTimeoutError,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from alertsvc.channels.email.connection import SetupError
from alertsvc.channels.email.steps import Stage
from alertsvc.channels.email.trouble import trouble
from alertsvc.channels.outcome import Fault, Retry, Unknown
from alertsvc.secret import SecretUnavailableError


def caused_by(fault: Exception, cause: Exception) -> Exception:
    fault.__cause__ = cause
    return fault


CERTIFICATE = ssl.SSLCertVerificationError("certificate verify failed")
CERTIFICATE.verify_message = "self-signed certificate"

EVERYONE = [
    pytest.param(SMTPAuthenticationError(535, "5.7.8 no"), Stage.LOGIN, Fault.AUTH_ERROR, id="password-refused"),
    pytest.param(SMTPSenderRefused(530, "5.7.0 log in", "a@x"), Stage.SENDER, Fault.AUTH_ERROR, id="login-needed"),
    pytest.param(SMTPException("no STARTTLS"), Stage.TLS, Fault.CONFIGURATION, id="starttls-not-offered"),
    pytest.param(CERTIFICATE, Stage.TLS, Fault.CONFIGURATION, id="certificate-at-starttls"),
    pytest.param(
        caused_by(SMTPConnectError("handshake"), CERTIFICATE), Stage.GREETING, Fault.CONFIGURATION, id="certificate"
    ),
    pytest.param(SetupError("cannot use ca.pem"), Stage.CONNECT, Fault.CONFIGURATION, id="file-missing"),
    pytest.param(SecretUnavailableError("not set"), Stage.LOGIN, Fault.CONFIGURATION, id="secret-missing"),
    pytest.param(SMTPConnectResponseError(554, "no service"), Stage.GREETING, Fault.CONFIGURATION, id="not-served"),
    pytest.param(SMTPHeloError(550, "who are you"), Stage.EHLO, Fault.CONFIGURATION, id="greeting-refused"),
    pytest.param(SMTPResponseException(421, "closing"), Stage.DATA, Fault.SERVER_ERROR, id="421"),
    pytest.param(
        SMTPResponseException(421, "closing"), Stage.END, Fault.SERVER_ERROR, id="421-is-an-answer-at-the-end"
    ),
]
THIS_ONE = [
    pytest.param(SMTPConnectError("refused"), Stage.CONNECT, Fault.NETWORK, id="refused"),
    pytest.param(ConnectionRefusedError(111, "refused"), Stage.CONNECT, Fault.NETWORK, id="refused-by-the-system"),
    pytest.param(socket.gaierror(-2, "unknown"), Stage.CONNECT, Fault.NETWORK, id="name-unknown"),
    pytest.param(ssl.SSLError(1, "wrong version"), Stage.TLS, Fault.NETWORK, id="handshake"),
    pytest.param(SMTPServerDisconnected("lost"), Stage.RECIPIENT, Fault.NETWORK, id="dropped"),
    pytest.param(SMTPConnectTimeoutError("slow"), Stage.GREETING, Fault.TIMEOUT, id="no-greeting"),
    pytest.param(SMTPReadTimeoutError("slow"), Stage.DATA, Fault.TIMEOUT, id="no-answer"),
    pytest.param(TimeoutError(), Stage.CONNECT, Fault.TIMEOUT, id="no-connection-in-time"),
    pytest.param(SMTPAuthenticationError(454, "4.7.0 later"), Stage.LOGIN, Fault.SERVER_ERROR, id="login-later"),
    pytest.param(SMTPResponseException(-1, "gibberish"), Stage.EHLO, Fault.SERVER_ERROR, id="gibberish"),
]
NOBODY_KNOWS = [
    pytest.param(SMTPServerDisconnected("lost"), Fault.NETWORK, id="dropped"),
    pytest.param(ConnectionResetError(104, "reset"), Fault.NETWORK, id="reset"),
    pytest.param(SMTPReadTimeoutError("slow"), Fault.TIMEOUT, id="no-answer"),
    pytest.param(SMTPResponseException(-1, "gibberish"), Fault.NETWORK, id="gibberish"),
]


@pytest.mark.parametrize(("fault", "stage", "kind"), EVERYONE)
def test_what_holds_for_every_mail_holds_the_destination(fault, stage, kind):
    outcome = trouble(stage, fault)
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (kind, True)
    assert outcome.detail.startswith(f"{stage.value}: ")


@pytest.mark.parametrize(("fault", "stage", "kind"), THIS_ONE)
def test_what_passes_is_tried_again(fault, stage, kind):
    outcome = trouble(stage, fault)
    assert isinstance(outcome, Retry)
    assert (outcome.fault, outcome.whole_destination) == (kind, False)


@pytest.mark.parametrize(("fault", "kind"), NOBODY_KNOWS)
def test_once_the_whole_mail_was_sent_no_answer_means_nobody_knows(fault, kind):
    outcome = trouble(Stage.END, fault)
    assert isinstance(outcome, Unknown)
    assert outcome.fault is kind


def test_a_detail_is_one_short_line_whatever_the_server_says():
    outcome = trouble(Stage.EHLO, SMTPResponseException(500, "a\nb\x00\udcffc" + "d" * 10_000))
    assert outcome.detail.startswith("EHLO: 500 a b \ufffdcd")
    assert len(outcome.detail) == 300
    assert trouble(Stage.TLS, CERTIFICATE).detail == (
        "STARTTLS: the certificate cannot be verified: self-signed certificate"
    )
    assert trouble(Stage.CONNECT, TimeoutError()).detail == "connect: no answer in time"
