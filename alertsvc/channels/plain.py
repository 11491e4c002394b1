"""The built-in text of a message, written without any template: what people get when a template is broken."""

from collections.abc import Iterator
from html import escape

from alertsvc.channels.message import AlertLine, DigestItem, DigestMessage, IncidentMessage, Message
from alertsvc.channels.tidy import ROOMS, tidy
from alertsvc.channels.view import (
    buttons,
    detail,
    digest_title,
    facts,
    headline,
    item_status,
    named,
    own_labels,
    reading,
    storm_lines,
    title,
    verdict,
    what_is_wrong,
    window,
)
from alertsvc.channels.wording import counted
from alertsvc.core.model import IncidentStatus


def plain_text(template: str, message: Message) -> str:
    """What stands in for `template` (`title.txt`, `email.html`, ...): one line, one sentence, or everything."""
    known = tidy(message, ROOMS[1])
    if template.endswith("title.txt"):
        return title_line(known)
    if template == "summary.txt":
        return summary_line(known)
    whole = "\n".join(_lines(known)) + "\n"
    if not template.endswith(".html"):
        return whole
    pre = '<pre style="font:14px/20px monospace;white-space:pre-wrap">'
    return f'<!doctype html>\n<html lang="en"><body>{pre}{escape(whole)}</pre></body></html>\n'


def title_line(message: Message) -> str:
    """The title on one line, with the value that crossed its threshold."""
    if isinstance(message, DigestMessage):
        return digest_title(message)
    return title(message)


def summary_line(message: Message) -> str:
    """One or two sentences: what happened, and what the source says about it."""
    if isinstance(message, DigestMessage):
        return f"{verdict(message)}, {window(message)}."
    return ". ".join(part for part in (headline(message), what_is_wrong(message)) if part)


def _lines(message: Message) -> Iterator[str]:
    yield title_line(message)
    yield summary_line(message)
    yield ""
    if isinstance(message, DigestMessage):
        yield from storm_lines(message)
        for item in message.items[: ROOMS[1].items]:
            yield from _item_lines(item)
        hidden = message.incident_count - len(message.items[: ROOMS[1].items])
        if hidden:
            yield f"and {counted(hidden, 'more incident')}"
        if message.digest_url:
            yield f"All of it: {message.digest_url}"
    else:
        yield from _incident_lines(message)


def _incident_lines(message: IncidentMessage) -> Iterator[str]:
    for fact in facts(message):
        yield f"{fact.name}: {fact.value}"
    if message.description and message.status is not IncidentStatus.RESOLVED:
        yield f"\n{message.description}"
    if message.comment:
        yield f"\nComment: {message.comment}"
    yield ""
    for alert in message.alerts:
        yield _alert_line(alert, detail(alert, message))
    more = message.firing_count + message.ended_count - len(message.alerts)
    if more > 0:
        yield f"and {counted(more, 'more alert')}"
    for name, value in message.labels.items():
        yield f"{name} = {value}"
    yield ""
    for link in (*buttons(message), *message.links):
        yield f"{link.title}: {link.url}"


def _alert_line(alert: AlertLine, said: str) -> str:
    own = " ".join(f"{name}={value}" for name, value in own_labels(alert).items())
    return " ".join(part for part in (f"- {named(alert)}", f"[{alert.state.value}]", reading(alert), own, said) if part)


def _item_lines(item: DigestItem) -> Iterator[str]:
    yield f"- [{item.severity.word}] {item.title} (INC-{item.number}): {item_status(item)}"
    if item.summary:
        yield f"  {item.summary}"
    if item.incident_url:
        yield f"  {item.incident_url}"
