"""Who has a mail, who was refused, and who still waits: kept over the tries of one delivery."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alertsvc.channels.clean import clean_line
from alertsvc.channels.email.addresses import Mailbox
from alertsvc.channels.outcome import Accepted, Anchor, Fault, Outcome, Rejected, Retry, Unknown

MAX_ANSWER_CHARS = 200
MAX_NAMED = 10
_STORED = re.compile(r"([0-9]{3}) (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a mail server said: its code, and its text with the enhanced code (`5.1.1 no such user`)."""

    code: int
    text: str

    @property
    def taken(self) -> bool:
        return 200 <= self.code < 300

    @property
    def refused(self) -> bool:
        """Whether it says the same however often it is asked."""
        return 500 <= self.code < 600

    @property
    def too_large(self) -> bool:
        """Whether a shorter mail may be taken (552 with 5.2.2 is a full mailbox instead)."""
        return self.code == 552 and not self.text.startswith("5.2.2")

    def __str__(self) -> str:
        return f"{self.code} {clean_line(self.text, MAX_ANSWER_CHARS)}".strip()


class Ledger:
    """The answer for each recipient. What is final is carried from try to try as `progress`, by address."""

    def __init__(self, recipients: Iterable[Mailbox], progress: Mapping[str, str]) -> None:
        self._recipients = tuple(recipients)
        stored = {address: _STORED.fullmatch(said) for address, said in progress.items()}
        self._final = {address: Answer(int(said[1]), said[2]) for address, said in stored.items() if said is not None}
        self._waiting: dict[str, Answer] = {}

    def note(self, recipient: Mailbox, answer: Answer) -> None:
        """Remember what was said about `recipient`."""
        self._waiting.pop(recipient.address, None)
        (self._final if answer.taken or answer.refused else self._waiting)[recipient.address] = answer

    def pending(self) -> tuple[Mailbox, ...]:
        """Who still needs the mail, in the order of the configuration."""
        return tuple(box for box in self._recipients if box.address not in self._final)

    def progress(self) -> Mapping[str, str] | None:
        """What the next try needs to know; None when nothing is final yet."""
        return {address: str(answer) for address, answer in self._final.items()} or None

    def outcome(self, trouble: Retry | Unknown | None, anchor: Anchor | None, notes: Iterable[str]) -> Outcome:
        """How the try ended as a whole. `trouble` is what broke it off; `notes` go into the history."""
        if isinstance(trouble, Unknown):
            return Unknown(trouble.detail, trouble.fault, self.progress())
        if trouble is not None:
            return Retry(
                trouble.fault,
                "; ".join(filter(None, [trouble.detail, self._told()])),
                status_code=trouble.status_code,
                whole_destination=trouble.whole_destination,
                progress=self.progress(),
            )
        if self.pending():
            return self._try_again()
        return self._finished(anchor, notes)

    def _try_again(self) -> Retry:
        last = next(reversed(self._waiting.values()), None)
        detail = "; ".join(filter(None, [_listed("not yet taken for", self._waiting), self._told()]))
        return Retry(Fault.SERVER_ERROR, detail, status_code=last.code if last else None, progress=self.progress())

    def _finished(self, anchor: Anchor | None, notes: Iterable[str]) -> Accepted | Rejected:
        mine = {box.address: self._final[box.address] for box in self._recipients}
        taken = {address: answer for address, answer in mine.items() if answer.taken}
        refused = {address: answer for address, answer in mine.items() if not answer.taken}
        if taken:
            first = next(iter(taken.values()))
            said = str(first) if len(taken) == 1 else f"{first} ({len(taken)} recipients)"
            return Accepted(
                "; ".join(filter(None, [said, _listed("refused for", refused), *notes])), anchor, first.code
            )
        first = next(iter(refused.values()))
        fault = Fault.TOO_LARGE if first.too_large else Fault.CLIENT_ERROR
        return Rejected(fault, _listed("refused for", refused), first.code)

    def _told(self) -> str:
        """Who already has it, for the history."""
        return _listed("already taken for", {key: answer for key, answer in self._final.items() if answer.taken})


def _listed(what: str, answers: Mapping[str, Answer]) -> str:
    """`refused for a@x (550 5.1.1 no such user), b@x (...)`, or nothing for nobody."""
    if not answers:
        return ""
    named = [f"{address} ({answer})" for address, answer in list(answers.items())[:MAX_NAMED]]
    more = f" and {len(answers) - MAX_NAMED} more" if len(answers) > MAX_NAMED else ""
    return f"{what} {', '.join(named)}{more}"
