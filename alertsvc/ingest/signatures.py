"""Signed requests: whoever knows the secret made this body, and not long ago."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alertsvc.secret import Secret, SecretUnavailableError

TOLERANCE = timedelta(minutes=5)
"""How far the clock of a sender may be from ours: the bound on how long a copied request is good for."""
MLFLOW_HEADER, MLFLOW_TIME, MLFLOW_DELIVERY = "x-mlflow-signature", "x-mlflow-timestamp", "x-mlflow-delivery-id"
GRAFANA_HEADER = "x-grafana-alerting-signature"
_MLFLOW_VERSION = "v1,"


class BadSignatureError(Exception):
    """A request is not signed, by somebody else, or long ago. The text says what to look at, never the secret."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How the requests of a source are signed. Any one of `secrets` will do: the present one, or the one before it.

    `header` has the signature, `timestamp_header` the time that is signed with the body; None: the body alone is.
    Both in lower case.
    """

    secrets: tuple[Secret, ...]
    header: str
    timestamp_header: str | None = None


def check_mlflow(signing: Signing, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Make sure that MLflow made this request.

    Raises:
        BadSignatureError: It did not, or longer than 5 minutes ago.
        SecretUnavailableError: It fits none of the secrets that can be read, and one cannot.

    Source: `mlflow/webhooks/delivery.py` (3.18.0): "v1," and base64 of HMAC-SHA256 over `id.timestamp.body`
    """
    delivery, stamp, signature = (headers.get(name, "") for name in (MLFLOW_DELIVERY, MLFLOW_TIME, signing.header))
    if not delivery or not stamp or not signature.startswith(_MLFLOW_VERSION):
        raise BadSignatureError(f"{signing.header}: the request is not signed; give MLflow's webhook the secret")
    signed = f"{delivery}.{stamp}.".encode() + body
    presented = signature.removeprefix(_MLFLOW_VERSION)
    _compare(signing.secrets, signed, presented, lambda made: base64.b64encode(made).decode())
    _check_age(MLFLOW_TIME, stamp, now)


def check_grafana(signing: Signing, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Make sure that Grafana made this request. Without a header for the time a copy of it is good for ever.

    Raises:
        BadSignatureError: It did not, or longer than 5 minutes ago.
        SecretUnavailableError: It fits none of the secrets that can be read, and one cannot.

    Source: `http/hmac.go` of grafana/alerting: hexadecimal HMAC-SHA256 over the body, or over `timestamp:body`
    """
    signature = headers.get(signing.header, "")
    stamp = headers.get(signing.timestamp_header, "") if signing.timestamp_header else ""
    if not signature or (signing.timestamp_header and not stamp):
        missing = signing.header if not signature else signing.timestamp_header
        raise BadSignatureError(f"{missing}: the request is not signed; set HMAC in Grafana's contact point")
    signed = stamp.encode() + b":" + body if signing.timestamp_header else body
    _compare(signing.secrets, signed, signature.strip().lower(), bytes.hex)
    if signing.timestamp_header:
        _check_age(signing.timestamp_header, stamp, now)


CHECKS: Mapping[str, Callable[[Signing, Mapping[str, str], bytes, datetime], None]] = {
    "mlflow": check_mlflow,
    "grafana": check_grafana,
}
"""By the name of the source."""


def _compare(secrets: Sequence[Secret], signed: bytes, presented: str, shown: Callable[[bytes], str]) -> None:
    given = presented.encode("utf-8", "surrogatepass")
    unread: SecretUnavailableError | None = None
    for secret in secrets:
        try:
            made = hmac.digest(secret.reveal().encode(), signed, hashlib.sha256)
        except SecretUnavailableError as fault:  # the one before may be gone for good, now that there is another
            unread = unread or fault
            continue
        if hmac.compare_digest(shown(made).encode(), given):
            return
    if unread is not None:
        raise unread
    raise BadSignatureError("the signature does not fit: another secret, or a body that was changed on its way")


def _check_age(name: str, stamp: str, now: datetime) -> None:
    seconds = float(stamp) if stamp.isascii() and stamp.isdigit() and len(stamp) < 16 else None
    if seconds is None or abs(now.timestamp() - seconds) > TOLERANCE.total_seconds():
        raise BadSignatureError(f"{name}: signed more than 5 minutes from now; set the clocks, or it is an old copy")
