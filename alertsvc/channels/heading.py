"""The words a message begins with, the same in every channel: rendered from templates, or fixed by configuration."""

from dataclasses import dataclass, replace

from alertsvc.channels.message import DigestMessage, Message
from alertsvc.channels.outcome import Accepted, Outcome
from alertsvc.channels.render import Renderer


@dataclass(frozen=True, slots=True)
class Heading:
    """One line of title, one or two sentences of summary, and what is wrong with the templates that made them."""

    title: str
    summary: str
    flaws: tuple[str, ...] = ()


def heading_of(message: Message, render: Renderer, title: str | None = None, summary: str | None = None) -> Heading:
    """The heading of `message`. A `title` or `summary` of the configuration stands in for an incident's own."""
    if isinstance(message, DigestMessage):
        first, second = render("digest_title.txt", message), render("summary.txt", message)
        title = summary = None
    else:
        first, second = render("title.txt", message), render("summary.txt", message)
    flaws = dict.fromkeys(flaw for flaw in (first.flaw, second.flaw) if flaw)
    return Heading(title or first.text, summary or second.text, tuple(flaws))


def with_flaws(outcome: Outcome, heading: Heading) -> Outcome:
    """`outcome` with the flaws of the templates, for the history of a message that went out all the same."""
    if not isinstance(outcome, Accepted) or not heading.flaws:
        return outcome
    return replace(outcome, detail="; ".join([outcome.detail, *(f"template {flaw}" for flaw in heading.flaws)]))
