"""A Go string in double quotes, as the UTF-8 grammar has them.

Source: https://pkg.go.dev/strconv#Unquote
"""

import re

from alertsvc.matchers.faults import MatcherError
from alertsvc.quoting import quoted

_ESCAPE = re.compile(
    r"\\(?:x(?P<byte>[0-9a-fA-F]{2})|(?:u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8}))|(?P<octal>[0-7]{3})"
    r'|(?P<sign>[abfnrtv\\"]))'
)
_SIGNS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_PLAIN = re.compile(r"[^\\\n]+")


def unquoted(text: str, at: int) -> str:
    """The text that `text`, with its quotes, stands for. It begins at character `at`, of which the offsets are.

    Raises:
        MatcherError: An escape is none of Go's, or its bytes are no UTF-8.
    """
    found = bytearray()
    index, end = 1, len(text) - 1
    while index < end:
        plain = _PLAIN.match(text, index, end)
        escape = _ESCAPE.match(text, index, end)
        if plain is not None:
            found += plain.group().encode()
            index = plain.end()
        elif escape is not None:
            found += _meant(escape, at + index)
            index = escape.end()
        elif text[index] == "\n":
            raise MatcherError(r"a line break inside quotes is written \n", at + index)
        else:
            raise MatcherError(rf"{text[index : index + 2]} is no escape here; a backslash is written \\", at + index)
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise MatcherError("the escapes in these quotes give no UTF-8", at) from None


def _meant(escape: re.Match[str], at: int) -> bytes:
    kind, digits = escape.lastgroup, escape[escape.lastgroup or 0]
    if kind == "sign":
        return _SIGNS[digits].encode()
    code = int(digits, 8 if kind == "octal" else 16)
    if kind == "byte" or (kind == "octal" and code <= 0xFF):
        return bytes([code])
    if kind == "octal" or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise MatcherError(f"{quoted(escape.group())[1:-1]} is no character", at)
    return chr(code).encode()
