"""The ways out: one module or package each, with its configuration, its payload and its sending."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import TypeVar

from pydantic import BaseModel

from alertsvc.channels.base import Channel, ChannelConfig, Tools
from alertsvc.channels.console import ConsoleConfig, open_console
from alertsvc.channels.email import EmailConfig, EmailGlobals, open_email
from alertsvc.channels.msteams import TeamsConfig, open_msteams
from alertsvc.channels.pagerduty import PagerDutyConfig, PagerDutyGlobals, open_pagerduty
from alertsvc.channels.slack import SlackConfig, SlackGlobals, open_slack
from alertsvc.channels.webhook import WebhookConfig, open_webhook

ConfigT = TypeVar("ConfigT", bound=ChannelConfig)
DefaultsT = TypeVar("DefaultsT", bound=BaseModel | None)


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A kind of channel: the model of an entry of `<kind>_configs`, that of its keys under `global`, how to open one.

    `open` takes an entry, the globals (None for a kind without any) and what the service lends. It raises ValueError
    when they do not make a channel together.
    """

    config: type[ChannelConfig]
    globals: type[BaseModel] | None
    open: Callable[[ChannelConfig, BaseModel | None, Tools], Channel]


def _kind(
    config: type[ConfigT], defaults: type[DefaultsT], open_: Callable[[ConfigT, DefaultsT, Tools], Channel]
) -> ChannelKind:
    def opened(entry: ChannelConfig, shared: BaseModel | None, tools: Tools) -> Channel:
        if not isinstance(entry, config) or not isinstance(shared, defaults):
            raise TypeError(f"{config.kind} is opened with {config.__name__} and {defaults.__name__}")
        return open_(entry, shared, tools)

    shared_model = defaults if issubclass(defaults, BaseModel) else None
    return ChannelKind(config, shared_model, opened)


CHANNELS: Mapping[str, ChannelKind] = {
    "email": _kind(EmailConfig, EmailGlobals, open_email),
    "slack": _kind(SlackConfig, SlackGlobals, open_slack),
    "msteamsv2": _kind(TeamsConfig, NoneType, open_msteams),
    "pagerduty": _kind(PagerDutyConfig, PagerDutyGlobals, open_pagerduty),
    "webhook": _kind(WebhookConfig, NoneType, open_webhook),
    "console": _kind(ConsoleConfig, NoneType, open_console),
}
"""By the name that stands before `_configs` in a receiver."""
