"""Asks a running service. It follows no redirect, which would take the token elsewhere, and uses no proxy."""

import json
import ssl
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, cast
from urllib.parse import urlsplit

SECONDS = 30.0
MOST_BYTES = 64 * 1024 * 1024
DEFAULT_URL = "http://127.0.0.1:8080"


class UnreachableError(Exception):
    """Nobody answered, or nobody who speaks as this service does."""


class RefusedError(Exception):
    """The service said no. The text is its own, `status` the HTTP status."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is, and the token that opens it.

    Raises:
        ValueError: `url` is no address of a web server.
    """

    url: str = DEFAULT_URL
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address such as https://alerts.example.com is needed")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a token goes into --token-file, not into the address")
        _ = parts.port  # raises for one that is no number

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that is answered.

        Raises:
            UnreachableError: There is no answer, or it is none of this service.
            RefusedError: The service said no.
        """
        try:
            status, raw = self._exchange(method, path, None if body is None else json.dumps(body).encode())
        except (OSError, HTTPException) as fault:
            raise UnreachableError(f"{self.url} does not answer: {fault or type(fault).__name__}") from fault
        try:
            document: Any = json.loads(raw)
        except ValueError:
            raise UnreachableError(f"{self.url} answered {status}, and not with JSON: is alertsvc there?") from None
        if not 200 <= status < 300:
            raise RefusedError(status, _detail(status, document))
        return document

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            connection = HTTPSConnection(host, parts.port, timeout=SECONDS, context=ssl.create_default_context())
        else:
            connection = HTTPConnection(host, parts.port, timeout=SECONDS)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(MOST_BYTES)
        finally:
            connection.close()


def _detail(status: int, document: object) -> str:
    known = cast(dict[str, object], document) if isinstance(document, dict) else {}
    return str(known.get("detail") or f"it answered {status}")
