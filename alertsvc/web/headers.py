"""What every answer carries: the id of its request, and headers that leave a browser nothing to guess."""

import random
import re
from collections.abc import Iterable, Mapping

from litestar.types import HTTPScope

SECURITY_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cache-control": "no-store",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_Raw = tuple[bytes, bytes]


def identity_of(scope: HTTPScope) -> str:
    """The id a request goes by: its own when it brings a decent one, else one that is made now and kept."""
    kept = scope["state"].get("request_id")
    if kept is None:
        brought = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        kept = brought if _REQUEST_ID.match(brought) else f"{random.getrandbits(64):016x}"  # a name, no secret
        scope["state"]["request_id"] = kept
    return kept


def headers_for(identity: str) -> dict[str, str]:
    """The headers of the answer to the request `identity`."""
    return {**SECURITY_HEADERS, "x-request-id": identity}


def completed(headers: Iterable[_Raw], identity: str) -> list[_Raw]:
    """`headers` with those of `headers_for` that are not among them: none stands there twice."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return given + [(name, value) for name, value in _encoded(identity) if name not in names]


def _encoded(identity: str) -> list[_Raw]:
    return [*_SECURITY, (b"x-request-id", identity.encode())]


_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
