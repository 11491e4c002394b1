"""Turns receivers into destinations, and keeps for each what its channel is opened with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from alertsvc.channels.base import ChannelConfig
from alertsvc.core.route import Destination
from alertsvc.settings.file import ConfigFile, Kind, ReceiverEntry

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ConfiguredChannel:
    """What a channel is opened with. `globals` is an instance of the kind's own model, None when it has none."""

    kind: str
    config: ChannelConfig
    globals: BaseModel | None


@dataclass(frozen=True, slots=True)
class Receivers:
    """The destinations of each receiver by its name, and the channel of each destination by its id."""

    destinations: Mapping[str, tuple[Destination, ...]]
    channels: Mapping[str, ConfiguredChannel]


def build_receivers(file: ConfigFile, kinds: Mapping[str, Kind], folder: Path) -> Receivers:
    """The receivers of a checked file. Relative paths in it are taken from `folder`."""
    destinations: dict[str, tuple[Destination, ...]] = {}
    channels: dict[str, ConfiguredChannel] = {}
    shared = anchored(file.global_, folder)
    names = _Names()
    for receiver in file.receivers:
        found: list[Destination] = []
        for kind, config in _entries(receiver, kinds):
            # The id is made of what is written: moving the whole folder leaves it as it is.
            name = names.new(f"{receiver.name}/{kind}:{config.name or config.label()}")
            found.append(Destination(name, receiver.name, kind, config.hears(), file.storm.rule(config.crowd)))
            channels[name] = ConfiguredChannel(kind, anchored(config, folder), _own(kinds[kind].globals, shared))
        destinations[receiver.name] = tuple(found)
    return Receivers(destinations, channels)


def anchored(model: ModelT, folder: Path) -> ModelT:
    """`model` with its relative paths taken from `folder`."""
    changed: dict[str, object] = {name: folder / value for name, value in model if isinstance(value, Path)}
    changed |= {name: anchored(value, folder) for name, value in model if isinstance(value, BaseModel)}
    return model.model_copy(update=changed) if changed else model


def _own(model: type[BaseModel] | None, shared: BaseModel) -> BaseModel | None:
    """What a kind of channels has of the globals: a change of another kind's is none of these channels."""
    if model is None:
        return None
    return model.model_construct(**{name: getattr(shared, name) for name in model.model_fields})


def _entries(receiver: ReceiverEntry, kinds: Mapping[str, Kind]) -> list[tuple[str, ChannelConfig]]:
    return [(kind, config) for kind in kinds for config in receiver.configs(kind)]


class _Names:
    """Gives every name once: the second of its kind ends in `-2`, the third in `-3`."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def new(self, name: str) -> str:
        found, count = name, self._counts.get(name, 0)
        while found in self._counts:
            count += 1
            found = f"{name}-{count}"
        self._counts[name] = max(count, 1)
        self._counts.setdefault(found, 1)
        return found
