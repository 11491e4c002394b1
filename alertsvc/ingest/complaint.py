"""A decoder's complaint, as a field and a sentence for whoever sent the body."""

import re
from dataclasses import dataclass

import msgspec

from alertsvc.ingest.clean import BadFieldError, clean_text

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises because of what was sent. msgspec leaves bytes that are not UTF-8 to Python's own error."""
MAX_REASON_BYTES = 500
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_PLACE = re.compile(r" - at `\$\.?(.*)`\Z", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `([^`]+)`\Z")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with `field` (a path such as `links[0].url`; empty for the whole)."""

    field: str
    what: str

    def __str__(self) -> str:
        text = f"{self.field}: {self.what[:1].lower()}{self.what[1:]}" if self.field else self.what
        return clean_text(text, MAX_REASON_BYTES)


def complaint(fault: Exception) -> Complaint:
    """What `fault` says, for one of `UNREADABLE` or a `BadFieldError`."""
    if isinstance(fault, RecursionError):
        return Complaint("", "the JSON is nested too deeply")
    if isinstance(fault, UnicodeDecodeError):
        return Complaint("", "the text is not UTF-8")
    if isinstance(fault, BadFieldError):
        return Complaint(fault.field, fault.what)
    text = str(fault)
    place = _PLACE.search(text)
    field = place[1].replace("[...]", "") if place else ""  # msgspec does not say which name of an object
    what = text[: place.start()] if place else text
    missing = _MISSING.match(what)
    if missing:
        return Complaint(f"{field}.{missing[1]}" if field else missing[1], "missing")
    return Complaint(field, what)
