"""Reads a payload as Teams would: what is shown of it, where it leads, and what in it could be markup."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def card_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The card as it arrives."""
    (attachment,) = json.loads(json.dumps(payload))["attachments"]
    return attachment["content"]


def strings(value: object, kind: str = "", key: str = "") -> Iterator[tuple[str, str, str]]:
    """Every string of a card, with the type of the element and the name of the property it stands in."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from strings(each, str(value.get("type", kind)), name)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each, kind, key)
    elif isinstance(value, str):
        yield kind, key, value


def shown(card: Mapping[str, Any]) -> str:
    """What is read on the card, paragraph by paragraph."""
    return "\n".join(_paragraphs(card["body"]))


def urls(card: Mapping[str, Any]) -> set[str]:
    return {text for _, key, text in strings(card) if key == "url"}


def markups(card: Mapping[str, Any]) -> set[str]:
    """The texts that a client may read as markup, or that it may show in place of the card."""
    places = {("TextBlock", "text"), ("AdaptiveCard", "fallbackText"), ("mention", "text"), ("mention", "name")}
    return {text for kind, key, text in strings(card) if (kind, key) in places or kind in {"Fact", "FactSet"}}


def literals(card: Mapping[str, Any]) -> list[str]:
    """The texts that are shown as they stand."""
    places = {("TextRun", "text"), ("Action.OpenUrl", "title")}
    return [text for kind, key, text in strings(card) if (kind, key) in places]


def _paragraphs(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "RichTextBlock":
            yield "".join(each["text"] for each in value["inlines"])
        elif value.get("type") == "TextBlock":
            yield value["text"]
        else:
            yield from _paragraphs(list(value.values()))
    elif isinstance(value, list):
        for each in value:
            yield from _paragraphs(each)
