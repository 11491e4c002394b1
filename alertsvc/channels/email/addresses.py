"""Mail addresses as people write them in the configuration, checked once and for all when it is loaded."""

import re
from dataclasses import dataclass
from email.header import Header
from email.utils import formataddr

import idna

from alertsvc.channels.clean import header_text

MAX_LOCAL_CHARS = 64
MAX_DOMAIN_CHARS = 253
CRLF = "\r\n"
_COMMA = re.compile(r',(?=(?:[^"]*"[^"]*")*[^"]*$)')  # not between quotation marks
_NAMED = re.compile(r'(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^"<>@,;:()\\]*))\s*<(?P<address>[^<>]*)>')
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u00a1-\ud7ff\U00010000-\U000e0000-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One address, with the name shown beside it. The domain is in ASCII; the part before the @ may not be."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]

    @property
    def needs_utf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.address.isascii()

    def header(self) -> str:
        """As it stands in a header: the name encoded and folded, the address as it is."""
        if self.name.isascii():
            return formataddr((self.name, self.address)) if self.address.isascii() else f"<{self.address}>"
        return f"{Header(self.name, 'utf-8').encode(linesep=CRLF)} <{self.address}>"


def mailboxes(text: str) -> tuple[Mailbox, ...]:
    """The addresses in a list separated by commas, each once, in order: `Ops <ops@example.com>, ana@example.com`.

    Raises:
        ValueError: One of them is not an address, or there is none. The message quotes it.
    """
    if "{{" in text:
        raise ValueError("templates in addresses are not carried over: write the address, or use a route for each")
    entries = [entry.strip() for entry in _COMMA.split(text)]
    found = {box.address: box for box in map(_mailbox, filter(None, entries))}
    if not found:
        raise ValueError("at least one mail address is needed")
    return tuple(found.values())


def mailbox(text: str) -> Mailbox:
    """The one address that `text` is.

    Raises:
        ValueError: It is none, or several, or one that not every server can send from.
    """
    found = mailboxes(text)
    if len(found) != 1 or found[0].needs_utf8:
        raise ValueError(f"{text!r} must be exactly one mail address, of ASCII characters before the @")
    return found[0]


def _mailbox(entry: str) -> Mailbox:
    named = _NAMED.fullmatch(entry)
    address, name = (named["address"], named["quoted"] or named["plain"] or "") if named else (entry, "")
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local) > MAX_LOCAL_CHARS or "=?" in local:
        raise ValueError(f"{entry!r} is not a mail address")
    return Mailbox(f"{local}@{_ascii_domain(domain)}", header_text(name))


def _ascii_domain(domain: str) -> str:
    try:
        ascii_domain = domain if domain.isascii() else idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as fault:
        raise ValueError(f"{domain!r} is not a mail domain: {fault}") from fault
    labels = ascii_domain.split(".")
    if len(ascii_domain) > MAX_DOMAIN_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{domain!r} is not a mail domain")
    return ascii_domain
