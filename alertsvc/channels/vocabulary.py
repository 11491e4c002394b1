"""The words a template may use: what it finds beside the message, and the filters for what people read."""

from collections.abc import Callable, Mapping

from alertsvc.channels import view
from alertsvc.channels.clean import clean_line, cut, web_link
from alertsvc.channels.message import DigestItem, DigestMessage, Message
from alertsvc.channels.tidy import Room
from alertsvc.channels.wording import counted, duration, moment, number, time_of_day
from alertsvc.core.model import IncidentStatus


def _line(text: object, limit: int = 200) -> str:
    return clean_line(str(text), limit)


def _cut(text: object, limit: int) -> str:
    return cut(str(text), limit)


def _link(url: object) -> str:
    return web_link(str(url)) or ""


FILTERS: Mapping[str, Callable[..., object]] = {
    "counted": counted,
    "cut": _cut,
    "duration": duration,
    "item_status": view.item_status,
    "line": _line,
    "link": _link,
    "moment": moment,
    "named": view.named,
    "number": number,
    "own_labels": view.own_labels,
    "reading": view.reading,
    "remark": view.remark,
    "severity_word": view.severity_word,
    "status_word": view.status_word,
    "time_of_day": time_of_day,
}
"""Filters on top of Jinja's: spans, numbers, instants, and texts that are cut to a length or to one line."""


def words_for(message: Message, room: Room) -> dict[str, object]:
    """What a template finds beside `title` and `summary`: the message itself, and what follows from it."""
    if isinstance(message, DigestMessage):
        shown = sorted(message.items, key=_is_over)[: room.items]
        return {
            "message": message,
            "digest_title": view.digest_title(message),
            "verdict": view.verdict(message),
            "window": view.window(message),
            "open_items": [item for item in shown if not _is_over(item)],
            "ended_items": [item for item in shown if _is_over(item)],
            "hidden_count": message.incident_count - len(shown),
            "digest_door": view.digest_door(message),
            "storm_lines": view.storm_lines(message),
        }
    return {
        "message": message,
        "headline": view.headline(message),
        "what_is_wrong": view.what_is_wrong(message),
        "breach": view.breach(message),
        "full_title": view.title(message),
        "facts": view.facts(message),
        "buttons": view.buttons(message),
    }


def _is_over(item: DigestItem) -> bool:
    return item.status is IncidentStatus.RESOLVED
