"""Writes what is sent to Slack: the configured look around the layouts, and a plainer form of each for bad days."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from alertsvc.channels.heading import Heading, heading_of
from alertsvc.channels.json_body import JsonObject
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Accepted, Outcome, Rejected
from alertsvc.channels.render import Renderer
from alertsvc.channels.slack.config import SlackConfig
from alertsvc.channels.slack.layout import plain_payload, reply_payload, slack_payload
from alertsvc.channels.slack.parts import Look
from alertsvc.core.model import Severity

QUIET: JsonObject = {"unfurl_links": False, "unfurl_media": False}
OtherT = TypeVar("OtherT")


@dataclass(frozen=True, slots=True)
class Forms:
    """One message twice: laid out, and as plain text for when Slack finds a fault in the layout."""

    laid_out: JsonObject
    plain: JsonObject

    def each(self, change: Callable[[JsonObject], JsonObject]) -> "Forms":
        """Both, changed likewise."""
        return Forms(change(self.laid_out), change(self.plain))


class Writer:
    """Writes for one entry of `slack_configs`."""

    def __init__(self, config: SlackConfig, render: Renderer) -> None:
        self._render = render
        self._title, self._summary = config.title, config.text
        floor = Severity[config.mention_from.upper()]
        self._look = Look(config.mentions, floor, config.pretext, config.footer)
        said = {"channel": config.channel, "username": config.username}
        said |= {"icon_emoji": config.icon_emoji, "icon_url": config.icon_url}
        self._sender: JsonObject = {**{name: value for name, value in said.items() if value}, **QUIET}

    def heading(self, message: Message) -> Heading:
        """The words that `message` begins with."""
        return heading_of(message, self._render, self._title, self._summary)

    def new(self, message: Message, heading: Heading) -> Forms:
        """`message` as a message of its own, from the configured sender to the configured channel."""
        return self.content(message, heading).each(lambda content: {**self._sender, **content})

    def content(self, message: Message, heading: Heading) -> Forms:
        """`message` in whole, without saying where."""
        return Forms(slack_payload(message, heading, self._look), plain_payload(message, heading, self._look))

    def reply(self, message: Message, heading: Heading) -> JsonObject:
        """What is said below the message of an incident: a sentence."""
        return {**self._sender, **reply_payload(message, heading, self._look)}


async def in_some_form(forms: Forms, post: Callable[[JsonObject], Awaitable[Outcome | OtherT]]) -> Outcome | OtherT:
    """What became of `forms`: the plain one is posted when the one laid out is refused, and so surely was not taken."""
    outcome = await post(forms.laid_out)
    if not isinstance(outcome, Rejected):
        return outcome
    again = await post(forms.plain)
    if not isinstance(again, Accepted):
        return again
    return replace(again, detail=f"{again.detail}, as plain text: the layout was refused with {outcome.detail}")
