"""Signs what a webhook carries, so that its receiver knows who sent it, and that it is whole and fresh.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

PREFIX = "whsec_"
KEY_BYTES = range(24, 65)
MIN_PLAIN_CHARS = 16


def signing_key(secret: str) -> bytes:
    """The key that `secret` stands for: `whsec_` and base64 of 24 to 64 bytes, or a plain text used as it is.

    Raises:
        ValueError: It is neither. The text does not repeat it.
    """
    if not secret.startswith(PREFIX):
        if len(secret) < MIN_PLAIN_CHARS:
            raise ValueError(f"a signing secret needs at least {MIN_PLAIN_CHARS} characters")
        return secret.encode("utf-8", "surrogatepass")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"what follows {PREFIX} must be base64") from None
    if len(key) not in KEY_BYTES:
        raise ValueError(f"what follows {PREFIX} must stand for 24 to 64 bytes")
    return key


def signed_headers(delivery_id: UUID, sent_at: datetime, body: bytes, keys: Iterable[bytes]) -> dict[str, str]:
    """The headers that go with `body`.

    `webhook-id` is the same on every try, `webhook-timestamp` belongs to this one. Each key adds a signature: while a
    secret is rotated the old one and the new one both fit. Without a key nothing is signed.
    """
    identity, timestamp = str(delivery_id), str(int(sent_at.timestamp()))
    signed = f"{identity}.{timestamp}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    headers = {"webhook-id": identity, "webhook-timestamp": timestamp}
    if signatures:
        headers["webhook-signature"] = " ".join(f"v1,{signature}" for signature in signatures)
    return headers
