"""A mail server without its network: whom it takes mail for, and what it has kept."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

FINE = "250 2.1.5 fine"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was kept: before its sender hears of it, and also when the line drops before it does (RFC 1047)."""

    content: bytes
    recipients: tuple[str, ...]


@dataclass(slots=True)
class MailServer:
    """`answers` are the replies to RCPT by address, one for each time; the last one stays. Others are taken."""

    answers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: list[Mail] = field(default_factory=list)
    _asked: Counter[str] = field(default_factory=Counter)

    def answer_for(self, address: str) -> str:
        """The reply to one RCPT."""
        replies = self.answers.get(address, [FINE])
        reply = replies[min(self._asked[address], len(replies) - 1)]
        self._asked[address] += 1
        return reply

    def keep(self, mail: Mail) -> str:
        """The whole of a mail has come: it is kept, and this would be the final reply."""
        self.kept.append(mail)
        return f"250 2.0.0 kept as {len(self.kept):05d}"

    def copies(self) -> Counter[tuple[str, str]]:
        """How often each recipient has each mail, by its Message-ID."""
        found: Counter[tuple[str, str]] = Counter()
        for mail in self.kept:
            found.update((address, message_id(mail.content)) for address in mail.recipients)
        return found


def message_id(content: bytes) -> str:
    """The Message-ID of a mail, empty without one."""
    head = content.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    named = (line.partition(b":") for line in head.split(b"\n"))
    return next((value.strip().decode() for name, _, value in named if name.lower() == b"message-id"), "")
