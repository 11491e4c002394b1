"""What a failed conversation with a mail server means: to try again, or that nobody knows.

Nothing here rejects a message for good: whatever is wrong between us and the server (a password, a certificate, a
server that is away) can be mended, and then the message is still wanted.
"""

import ssl
from collections.abc import Iterator

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPTimeoutError,
)

from alertsvc.channels.clean import clean_line
from alertsvc.channels.email.connection import SetupError
from alertsvc.channels.email.steps import Stage
from alertsvc.channels.outcome import Fault, Retry, Unknown
from alertsvc.secret import SecretUnavailableError

MAX_DETAIL_CHARS = 300
CLOSING = 421
NEEDS_LOGIN = frozenset({530, 534, 535, 538})


def trouble(stage: Stage, fault: Exception) -> Retry | Unknown:
    """What `fault`, raised at `stage`, means for the message."""
    detail = clean_line(f"{stage.value}: {_reason(fault)}", MAX_DETAIL_CHARS)
    answered = isinstance(fault, SMTPResponseException) and fault.code > 0
    if stage is Stage.END and not answered:
        return Unknown(detail, Fault.TIMEOUT if isinstance(fault, TimeoutError) else Fault.NETWORK)
    kind = _kind(fault)
    code = fault.code if isinstance(fault, SMTPResponseException) else None
    everyone = kind in {Fault.AUTH_ERROR, Fault.CONFIGURATION} or code == CLOSING
    return Retry(kind, detail, status_code=code, whole_destination=everyone)


def cut_off(stage: Stage) -> Retry | Unknown:
    """What it means for the message that the service ended at `stage`."""
    detail = f"{stage.value}: the service ended before an answer came"
    return Unknown(detail, Fault.OTHER) if stage is Stage.END else Retry(Fault.OTHER, detail)


def _kind(fault: Exception) -> Fault:
    if isinstance(fault, SMTPResponseException):
        return _kind_of_answer(fault)
    if isinstance(fault, SecretUnavailableError | SetupError):
        return Fault.CONFIGURATION
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(fault)):
        return Fault.CONFIGURATION
    if isinstance(fault, SMTPTimeoutError | TimeoutError):
        return Fault.TIMEOUT
    if isinstance(fault, OSError):  # aiosmtplib's connection errors are OSErrors too
        return Fault.NETWORK
    # A bare SMTPException says that the server offers no STARTTLS or no way to log in.
    return Fault.CONFIGURATION if isinstance(fault, SMTPException) else Fault.OTHER


def _kind_of_answer(fault: SMTPResponseException) -> Fault:
    if fault.code in NEEDS_LOGIN or (isinstance(fault, SMTPAuthenticationError) and fault.code >= 500):
        return Fault.AUTH_ERROR
    return Fault.CONFIGURATION if 500 <= fault.code < 600 else Fault.SERVER_ERROR


def _reason(fault: Exception) -> str:
    if isinstance(fault, SMTPResponseException):
        return f"{fault.code} {fault.message}"
    for cause in _causes(fault):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate cannot be verified: {cause.verify_message}"
    return str(fault) or ("no answer in time" if isinstance(fault, TimeoutError) else type(fault).__name__)


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    while fault is not None:
        yield fault
        fault = fault.__cause__
