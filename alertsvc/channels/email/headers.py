"""Writes the header of a mail as bytes.

Python's own writer is not used for it: it breaks long message ids into encoded words that no mail program threads by,
and before 3.11.10 turned a crafted subject into a second header.
"""

from collections.abc import Iterable
from email.header import Header

CRLF = "\r\n"
MAX_LINE = 76


def header_lines(fields: Iterable[tuple[str, str]]) -> bytes:
    """The fields as header lines, each ended by CRLF. Values are already encoded and folded.

    Raises:
        ValueError: A value would end its own header. It never comes from a message: those go through `encoded`.
    """
    lines: list[str] = []
    for name, value in fields:
        unfolded = value.replace(f"{CRLF} ", " ")
        if not name.isascii() or any(char < " " or char == "\x7f" for char in unfolded):
            raise ValueError(f"the value of header {name} does not stay in its line")
        lines.append(f"{name}: {value}{CRLF}")
    return "".join(lines).encode()


def encoded(name: str, text: str) -> str:
    """`text`, one line already, as the value of header `name`: in ASCII, folded, as encoded words where needed."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, MAX_LINE, header_name=name).encode(linesep=CRLF)


def folded(parts: Iterable[str]) -> str:
    """Parts that must stay whole (message ids, addresses), one on each line."""
    return f"{CRLF} ".join(parts)
