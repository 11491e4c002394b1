"""Opens the channels of a configuration."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from alertsvc.channels import CHANNELS
from alertsvc.channels.ahead import Foreseeing
from alertsvc.channels.base import Tools
from alertsvc.channels.http import open_http
from alertsvc.channels.message import Message
from alertsvc.channels.render import Renderer, Rendering, TemplateRenderer
from alertsvc.channels.samples import samples
from alertsvc.engine.outlets import Outlet, Outlets
from alertsvc.settings.load import Loaded

log = logging.getLogger(__name__)

OnFlaw = Callable[[str], None]
"""Is told the name of a template that failed."""


class FlawNotingRenderer:
    """Renders, and tells of templates that failed: the message went out all the same."""

    def __init__(self, render: Renderer, on_flaw: OnFlaw) -> None:
        self._render = render
        self._on_flaw = on_flaw

    def __call__(self, template: str, message: Message) -> Rendering:
        """See `Renderer`."""
        rendering = self._render(template, message)
        if rendering.flaw:
            log.warning("a template has a flaw: %s", rendering.flaw)
            self._on_flaw(template)
        return rendering


@dataclass(frozen=True, slots=True)
class Current:
    """A configuration, and the channels that were opened for it."""

    loaded: Loaded
    outlets: Outlets

    def outlet_for(self, destination: str, wanted: Loaded) -> Outlet | None:
        """The open channel of `destination` if it may stay as it is under the configuration `wanted`."""
        before, after = self.loaded, wanted
        same_lent = (
            before.templates == after.templates
            and before.settings.server.external_url == after.settings.server.external_url
        )
        same = same_lent and before.channels.get(destination) == after.channels[destination]
        return self.outlets.by_destination.get(destination) if same else None


def open_outlets(loaded: Loaded, on_flaw: OnFlaw = lambda _: None, before: Current | None = None) -> Outlets:
    """Open the channels of a configuration. Nothing is sent yet. What did not change since `before` stays open."""
    external_url = loaded.settings.server.external_url
    renderer = TemplateRenderer(loaded.templates)
    renderer.check(samples())  # so that they are compiled before the first page needs them; flaws show when it is made
    render = FlawNotingRenderer(renderer, on_flaw)
    tools = Tools(render=render, http=open_http, external_url=external_url)
    outlets: dict[str, Outlet] = {}
    for name, configured in loaded.channels.items():
        kept = before.outlet_for(name, loaded) if before is not None else None
        if kept is not None:
            outlets[name] = kept
            continue
        channel = CHANNELS[configured.kind].open(configured.config, configured.globals, tools)
        foresee = channel.foresee if isinstance(channel, Foreseeing) else renderer.foresee
        outlets[name] = Outlet(name, configured.kind, channel, foresee)
    return Outlets(loaded.rules, outlets, external_url)
