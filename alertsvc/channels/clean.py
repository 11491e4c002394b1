"""Makes untrusted text fit to be shown: nothing invisible, nothing that turns the line around, no forged header."""

import re
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit

MAX_HEADER_CHARS = 150
MAX_URL_CHARS = 2000
ELLIPSIS = "…"

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f-\x9f\"'<>\\^`{|}]")
_BLANKS = re.compile(r"\s+")
_MAX_CLUSTER = 32  # a longer run of combining marks is cut in the middle: nobody writes one


def clean_text(text: str, limit: int) -> str:
    """`text` in lines of printable characters, at most `limit` of them; tabs stay."""
    head = text[: limit * 4]
    if not _is_plain(head):
        head = _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", _LINE_ENDS.sub("\n", head)))
    return cut(head.strip("\n "), limit)


def clean_line(text: str, limit: int) -> str:
    """`text` as one line of printable characters, at most `limit` of them, without doubled blanks."""
    head = text[: limit * 4]
    if not _is_plain(head) or "  " in head:
        head = _BLANKS.sub(" ", _SURROGATES.sub("\ufffd", _CONTROLS.sub(" ", head)))
    return cut(head.strip(), limit)


def _is_plain(text: str) -> bool:
    """Whether it is all letters, digits, signs and blanks of ASCII, as most texts are: there is nothing to clean."""
    return text.isascii() and text.isprintable()


def header_text(text: str, limit: int = MAX_HEADER_CHARS) -> str:
    """`text` for a mail header: one line in which nothing can be read as an encoded word.

    The break inside `=?` is needed on every Python: old ones decode `=?utf-8?q?=0ABcc:...?=` into a real line end
    when they write the header (CVE-2024-6923), and mail programs decode it when they show it.
    """
    line = clean_line(unicodedata.normalize("NFC", text[: limit * 4]), limit * 4)
    return cut(line.replace("=?", "=\u200b?"), limit)


def cut(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; what is cut ends with an ellipsis and never inside a visible character."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > max(0, limit - _MAX_CLUSTER) and _joined(text, end):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


@lru_cache(maxsize=1024)
def web_link(url: str | None) -> str | None:
    """`url` when it is a plain http or https address that can stand in a page or a mail, else None."""
    if not url or len(url) > MAX_URL_CHARS or _NOT_IN_URL.search(url) or _CONTROLS.search(url):
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
        _ = parts.port  # raises on a port that is none
    except ValueError:
        return None
    return url if usable and not _SURROGATES.search(url) else None


def _joined(text: str, index: int) -> bool:
    """Whether the characters before and at `index` are seen as one."""
    here, before = text[index], text[index - 1]
    if unicodedata.category(here).startswith("M") or here == "\u200d" or before == "\u200d":
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True
    return _is_flag_half(here) and _flag_halves_before(text, index) % 2 == 1


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flag_halves_before(text: str, index: int) -> int:
    start = index
    while start > 0 and index - start < _MAX_CLUSTER and _is_flag_half(text[start - 1]):
        start -= 1
    return index - start
