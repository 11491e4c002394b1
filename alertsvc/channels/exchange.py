"""One request and its answer, from which every secret that the request carried is taken out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, unquote, urlsplit

from alertsvc.channels.http import HttpClient, Reply
from alertsvc.channels.outcome import Fault, Retry, Unknown
from alertsvc.secret import SecretUnavailableError

MASK = "<secret>"
MIN_SECRET_CHARS = 6
"""Shorter ones would blot out ordinary words."""


@dataclass(frozen=True, slots=True)
class Call:
    """One POST. `secrets` are what the answer must not repeat; the URL is always one of them."""

    url: str
    content: bytes
    headers: Mapping[str, str]
    secrets: tuple[str, ...] = ()


async def exchange(http: HttpClient, call: Call) -> Reply | Retry | Unknown:
    """Send `call` and give the answer, in which the provider may have repeated our words but not our secrets."""
    reply = await http.post(call.url, content=call.content, headers=call.headers)
    return replace(reply, body=masked(reply.body, call)) if isinstance(reply, Reply) else reply


def masked(text: str, call: Call) -> str:
    """`text` without the secrets of `call`, whole or in the parts that matter."""
    pieces = {piece for piece in (*call.secrets, *_parts(call.url)) if len(piece) >= MIN_SECRET_CHARS}
    for piece in sorted(pieces, key=len, reverse=True):
        text = text.replace(piece, MASK)
    return text


def without_secret(fault: SecretUnavailableError) -> Retry:
    """What becomes of a message while the secret to send it with cannot be read."""
    return Retry(Fault.CONFIGURATION, str(fault), whole_destination=True)


def _parts(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    yield from (url, parts.query, parts.password or "")
    yield f"{parts.path}?{parts.query}"
    if parts.path.count("/") > 1:
        yield parts.path
    for segment in parts.path.split("/"):
        if len(segment) >= 16:
            yield from (segment, unquote(segment))
    for pair in parts.query.split("&"):
        yield pair.partition("=")[2]
    yield from (value for _, value in parse_qsl(parts.query))
