"""The kinds of text a configuration holds, each with what makes it right."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, PlainValidator, WithJsonSchema

from alertsvc.quoting import quoted
from alertsvc.settings.errors import SlipError

ItemT = TypeVar("ItemT")

_NAME = re.compile(r"[\w.:-](?:[\w .:-]{0,98}[\w.:-])?")
_LABEL_MAX_CHARS = 256
_HOST = re.compile(r"[A-Za-z0-9_.:-]*")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `word` is probably a slip for. Costs some microseconds for each of them."""
    return next(iter(difflib.get_close_matches(word[:100], sorted(known), n=1)), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` when one of `known` is near, else nothing."""
    near = nearest(word, known)
    return f"; did you mean {quoted(near)}?" if near else ""


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError("a name has 1 to 100 letters, digits, spaces, or the signs . : _ -")
    return text


def _receiver_name(text: str) -> str:
    if not _is_title(text):
        raise ValueError("a receiver's name has 1 to 200 printable characters")
    return text


def _interval_name(text: str) -> str:
    if not _is_title(text):
        raise ValueError("the name of a time interval has 1 to 200 printable characters")
    return text


def _is_title(text: str) -> bool:
    return bool(text.strip()) and len(text) <= 200 and text.isprintable()


def _label_name(text: str) -> str:
    if not text or len(text) > _LABEL_MAX_CHARS:
        raise ValueError(f"a label name has 1 to {_LABEL_MAX_CHARS} characters")
    return text


def check_timezone(text: str, *others: str) -> str:
    """`text`, when it is an IANA name. `others` are words that may have been meant.

    Raises:
        SlipError: It is none.
    """
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        known = _timezones().union(others)
        raise SlipError(f"{quoted(text)} is no time zone such as Europe/Lisbon", text, known) from None
    return text


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def _web_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises on a port that is none
    except ValueError:
        usable = False
    if not usable or any(char.isspace() for char in text):
        raise ValueError("an address that begins with https:// or http:// is needed")
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(_web_url(text))
    if parts.query or parts.fragment:
        raise ValueError("an address without ? and # is needed")
    return text.rstrip("/")


def _not_empty(items: tuple[ItemT, ...]) -> tuple[ItemT, ...]:
    if not items:
        raise ValueError("must have at least 1 item")
    return items


NotEmpty = AfterValidator(_not_empty)
"""For lists. pydantic's own `min_length` also complains when the items are there and wrong."""

Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 100})]
"""What people call a route, a digest or a rule."""

ReceiverName = Annotated[
    str, AfterValidator(_receiver_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200})
]
IntervalName = Annotated[str, AfterValidator(_interval_name)]
LabelName = Annotated[
    str, AfterValidator(_label_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": _LABEL_MAX_CHARS})
]
TimeZone = Annotated[str, AfterValidator(check_timezone)]
"""An IANA name."""

_WEB_ADDRESS = WithJsonSchema({"type": "string", "format": "uri", "pattern": r"^https?://[^\s]+$"})
WebUrl = Annotated[str, AfterValidator(_web_url), _WEB_ADDRESS]
BaseUrl = Annotated[str, AfterValidator(_base_url), _WEB_ADDRESS]
"""Where something is reached; without a trailing slash."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Where the server listens. An empty host means every interface; port 0 a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_listen(text: str) -> Listen:
    """Where to listen: `127.0.0.1:8080`, `[::1]:8080`, or `:8080` for every interface.

    Raises:
        ValueError: `text` is not of that form.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    plain = bool(colon) and bool(_HOST.fullmatch(bare)) and (":" in bare) == bracketed
    if not plain or not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("an address and a port are needed, such as 127.0.0.1:8080 or :8080")
    return Listen(bare, int(port))


def _listen(value: object) -> Listen:
    if isinstance(value, Listen):
        return value
    return parse_listen(value if isinstance(value, str) else "")


ListenAddress = Annotated[
    Listen,
    PlainValidator(_listen),
    WithJsonSchema({"type": "string", "pattern": r"^(\[[0-9A-Za-z_.:-]*\]|[0-9A-Za-z_.-]*):\d{1,5}$"}),
]


NOT_YET = "this version does not support it yet"


def _not_yet(_value: object) -> None:
    raise ValueError(NOT_YET)


NotYet = Annotated[None, PlainValidator(_not_yet), WithJsonSchema({"not": {}})]
"""A key of Alertmanager's, or a planned one, that has its place and no meaning yet: to use it is a mistake."""
