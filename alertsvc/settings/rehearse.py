"""Opens each channel once with tools that reach nobody: some mistakes lie between an entry and `global`."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from alertsvc.channels.base import Tools
from alertsvc.channels.http import HttpClient, Patience, Reply
from alertsvc.channels.message import Message
from alertsvc.channels.outcome import Fault as Trouble
from alertsvc.channels.outcome import Retry, Unknown
from alertsvc.channels.render import Rendering
from alertsvc.settings.errors import Fault
from alertsvc.settings.file import CONFIGS, ConfigFile, Kind
from alertsvc.settings.receivers import anchored


class _NoHttp:
    """A client that connects to nobody."""

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Reply | Retry | Unknown:
        """See `HttpClient`."""
        del url, content, headers
        return Retry(Trouble.CONFIGURATION, "this is a rehearsal")

    async def close(self) -> None:
        """See `HttpClient`."""


def _no_http(*, concurrency: int, patience: Patience | None = None) -> HttpClient:
    del concurrency, patience
    return _NoHttp()


def _no_text(template: str, message: Message) -> Rendering:
    del template, message
    return Rendering("")


def rehearse(file: ConfigFile, kinds: Mapping[str, Kind], folder: Path) -> Iterator[Fault]:
    """What the channels say against their configuration. Nothing is sent, and no secret is read."""
    tools = Tools(render=_no_text, http=_no_http, external_url=file.server.external_url)
    shared = anchored(file.global_, folder)
    for index, receiver in enumerate(file.receivers):
        for name, kind in kinds.items():
            for place, config in enumerate(receiver.configs(name)):
                try:
                    kind.open(anchored(config, folder), None if kind.globals is None else shared, tools)
                except ValueError as fault:
                    yield Fault(str(fault), ("receivers", index, name + CONFIGS, place))
