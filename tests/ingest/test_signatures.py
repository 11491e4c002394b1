"""Signed requests: what the real senders sign is believed, and nothing else."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from alertsvc.ingest.signatures import (
    GRAFANA_HEADER,
    MLFLOW_DELIVERY,
    MLFLOW_HEADER,
    MLFLOW_TIME,
    BadSignatureError,
    Signing,
    check_grafana,
    check_mlflow,
)
from alertsvc.secret import Secret, SecretUnavailableError
from tests.ingest.ml_captures import mlflow_requests, raw

SECRET = Secret("secret", SecretStr("s3cr3t-for-capture"))
OTHER = Secret("secret", SecretStr("another"))
SIGNED = [
    each
    for file in ("real", "retries", "test_button")
    for each in mlflow_requests(f"webhook_requests_{file}")
    if MLFLOW_HEADER in each["headers"]
]
VECTORS: dict[str, str] = json.loads(raw("grafana/hmac_vectors.json"))
STAMP_HEADER = "x-grafana-alerting-timestamp"


def sent_at(request: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(int(request["headers"][MLFLOW_TIME]), UTC)


def check(request: dict[str, Any], *secrets: Secret, later: timedelta = timedelta(0), **headers: str | None) -> None:
    changed = {**request["headers"], **{name.replace("_", "-"): text for name, text in headers.items()}}
    given = {name: text for name, text in changed.items() if text is not None}
    signing = Signing(secrets or (SECRET,), MLFLOW_HEADER)
    check_mlflow(signing, given, request["body_raw"].encode(), sent_at(request) + later)


@pytest.mark.parametrize("request_", SIGNED)
def test_what_mlflow_signed_is_believed(request_: dict[str, Any]) -> None:
    check(request_)


def test_all_recorded_signatures_were_looked_at() -> None:
    assert len(SIGNED) >= 23
    assert any("\\u00e7" in each["body_raw"] for each in SIGNED)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"x_mlflow_signature": None}, "not signed", id="no-signature"),
        pytest.param({"x_mlflow_timestamp": None}, "not signed", id="no-time"),
        pytest.param({"x_mlflow_delivery_id": None}, "not signed", id="no-delivery"),
        pytest.param({"x_mlflow_signature": "v2,abc"}, "not signed", id="another-version"),
        pytest.param({"x_mlflow_signature": "v1,"}, "does not fit", id="empty"),
        pytest.param({"x_mlflow_signature": "v1,ação\udce9"}, "does not fit", id="not-ascii"),
        pytest.param({"x_mlflow_delivery_id": "another"}, "does not fit", id="another-delivery"),
        pytest.param({"x_mlflow_timestamp": "1795434371"}, "does not fit", id="another-time"),
    ],
)
def test_what_mlflow_did_not_sign_is_refused(changes: dict[str, str | None], complaint: str) -> None:
    with pytest.raises(BadSignatureError, match=complaint):
        check(SIGNED[0], **changes)


def test_another_body_is_refused() -> None:
    with pytest.raises(BadSignatureError, match="does not fit"):
        check({**SIGNED[0], "body_raw": SIGNED[0]["body_raw"] + " "})


def test_another_secret_is_refused_and_the_one_before_is_taken() -> None:
    with pytest.raises(BadSignatureError, match="does not fit"):
        check(SIGNED[0], OTHER)
    check(SIGNED[0], OTHER, SECRET)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_an_old_copy_is_refused(minutes: int) -> None:
    check(SIGNED[0], later=timedelta(minutes=minutes * 4 / 6))
    with pytest.raises(BadSignatureError, match="5 minutes"):
        check(SIGNED[0], later=timedelta(minutes=minutes))


def test_a_secret_that_cannot_be_read_believes_nobody() -> None:
    with pytest.raises(SecretUnavailableError):
        check(SIGNED[0], Secret("secret", env="NO_SUCH_VARIABLE_HERE"))
    with pytest.raises(SecretUnavailableError):
        check(SIGNED[0], OTHER, Secret("secret", env="NO_SUCH_VARIABLE_HERE"))


def test_a_secret_that_is_gone_keeps_nobody_out_who_knows_the_other() -> None:
    gone = Secret("secret", env="NO_SUCH_VARIABLE_HERE")
    check(SIGNED[0], SECRET, gone)
    check(SIGNED[0], gone, SECRET)


GRAFANA_SECRET = Secret("hmac_secret", SecretStr(VECTORS["secret"]))
PLAIN = Signing((GRAFANA_SECRET,), GRAFANA_HEADER)
TIMED = Signing((GRAFANA_SECRET,), GRAFANA_HEADER, STAMP_HEADER)
BODY = VECTORS["body"].encode()
AT = datetime.fromtimestamp(int(VECTORS["timestamp"]), UTC)
PLAIN_HEADERS = {GRAFANA_HEADER: VECTORS["signature_without_timestamp_header"]}
TIMED_HEADERS = {GRAFANA_HEADER: VECTORS["signature_with_timestamp_header"], STAMP_HEADER: VECTORS["timestamp"]}


def test_what_grafana_signed_is_believed() -> None:
    check_grafana(PLAIN, PLAIN_HEADERS, BODY, AT)
    check_grafana(TIMED, TIMED_HEADERS, BODY, AT)


@pytest.mark.parametrize(
    ("signing", "headers", "body", "at"),
    [
        pytest.param(PLAIN, {}, BODY, AT, id="unsigned"),
        pytest.param(PLAIN, PLAIN_HEADERS, BODY + b" ", AT, id="another-body"),
        pytest.param(PLAIN, TIMED_HEADERS, BODY, AT, id="with-a-time-nobody-asked-for"),
        pytest.param(TIMED, PLAIN_HEADERS, BODY, AT, id="without-the-time"),
        pytest.param(TIMED, {**TIMED_HEADERS, STAMP_HEADER: "1782886201"}, BODY, AT, id="another-time"),
        pytest.param(TIMED, TIMED_HEADERS, BODY, AT + timedelta(minutes=6), id="an-old-copy"),
    ],
)
def test_what_grafana_did_not_sign_is_refused(
    signing: Signing, headers: dict[str, str], body: bytes, at: datetime
) -> None:
    with pytest.raises(BadSignatureError):
        check_grafana(signing, headers, body, at)


def test_headers_have_the_names_that_mlflow_gives_them() -> None:
    assert {MLFLOW_HEADER, MLFLOW_TIME, MLFLOW_DELIVERY} <= SIGNED[0]["headers"].keys()
