"""Signatures, as the receivers' own library checks them."""

import base64
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from alertsvc.channels.webhook.signing import signed_headers, signing_key

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BEFORE = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
DELIVERY = UUID("019ab000-0000-7000-8000-0000000000d1")


def signed(body, *secrets, at=None):
    return signed_headers(DELIVERY, at or datetime.now(UTC), body, [signing_key(secret) for secret in secrets])


@given(st.dictionaries(st.text(), st.text()), st.binary(min_size=24, max_size=64))
def test_a_receiver_finds_the_signature_right(said, key):
    secret, body = "whsec_" + base64.b64encode(key).decode(), json.dumps(said).encode()
    assert Webhook(secret).verify(body, signed(body, secret)) == said


def test_a_receiver_sees_that_something_was_changed():
    headers = signed(b'{"a":1}', SECRET)
    later = str(int(headers["webhook-timestamp"]) + 1)
    for changed in ({"webhook-id": str(UUID(int=1))}, {"webhook-timestamp": later}):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(b'{"a":1}', {**headers, **changed})
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b'{"a":2}', headers)


@pytest.mark.parametrize("known", [pytest.param(SECRET, id="new"), pytest.param(BEFORE, id="old")])
def test_while_a_secret_is_rotated_both_fit(known):
    headers = signed(b"{}", SECRET, BEFORE)
    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(known).verify(b"{}", headers)


def test_the_time_is_that_of_this_try_and_the_id_that_of_all():
    first, second = (signed(b"{}", SECRET, at=datetime(2026, 1, 1, hour, tzinfo=UTC)) for hour in (1, 2))
    assert first["webhook-id"] == second["webhook-id"] == str(DELIVERY)
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 3600


def test_without_a_secret_nothing_is_signed():
    assert "webhook-signature" not in signed(b"{}")


BAD = [
    pytest.param("", id="empty"),
    pytest.param("short", id="short-text"),
    pytest.param("whsec_", id="nothing-after-the-prefix"),
    pytest.param("whsec_%%%", id="not-base64"),
    pytest.param("whsec_" + base64.b64encode(bytes(23)).decode(), id="23-bytes"),
    pytest.param("whsec_" + base64.b64encode(bytes(65)).decode(), id="65-bytes"),
    pytest.param("whsec_é", id="not-ascii"),
]


@pytest.mark.parametrize("secret", BAD)
def test_a_secret_that_is_none_is_refused_without_being_shown(secret):
    with pytest.raises(ValueError, match=r"signing secret|what follows whsec_") as refused:
        signing_key(secret)
    assert len(secret) <= len("whsec_") or secret not in str(refused.value)


def test_a_plain_text_of_some_length_is_a_secret_too():
    assert signing_key("sixteen letters!") == b"sixteen letters!"
