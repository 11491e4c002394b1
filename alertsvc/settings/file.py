"""The whole file as one model. What its receivers and `global` may hold comes from the channels there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, Protocol, cast

from pydantic import BaseModel, Field, create_model

from alertsvc.channels.base import ChannelConfig, Tools
from alertsvc.settings.durations import Duration
from alertsvc.settings.intervals import IntervalSection
from alertsvc.settings.process import (
    AuthSection,
    DatabaseSection,
    DeadmanSection,
    DeliverySection,
    GlobalSection,
    LoggingSection,
    RetentionSection,
    Section,
    SelfAlertsSection,
    ServerSection,
    SilencesSection,
)
from alertsvc.settings.quieting import FlappingSection, InhibitEntry, StormSection
from alertsvc.settings.routing import (
    CorrelateEntry,
    DigestEntry,
    FreshnessSection,
    ModelEntry,
    RouteNode,
    SeveritiesSection,
    WatchdogEntry,
)
from alertsvc.settings.sources import SourcesSection
from alertsvc.settings.words import NotEmpty, ReceiverName

CONFIGS = "_configs"
FOREIGN_KINDS = frozenset(
    {
        "discord",
        "incidentio",
        "jira",
        "mattermost",
        "msteams",
        "opsgenie",
        "pushover",
        "rocketchat",
        "sns",
        "telegram",
        "victorops",
        "webex",
        "wechat",
    }
)
"""Kinds of receivers that Alertmanager has and this service has not."""
NO_COUNTERPART = {
    "http_config": "channels here have no proxies, client certificates or credentials beside their own keys",
}
"""Keys of Alertmanager's that stand in many places and that this service has nowhere, with the reason."""


class Kind(Protocol):
    """What is used of a kind of channel: the model of one entry, and that of its keys under `global`, if it has any.

    `open` takes an entry, the globals and tools; it raises ValueError when they do not fit together.
    """

    @property
    def config(self) -> type[ChannelConfig]: ...

    @property
    def globals(self) -> type[BaseModel] | None: ...

    @property
    def open(self) -> Callable[[ChannelConfig, BaseModel | None, Tools], object]: ...


class ReceiverEntry(Section):
    """A named list of channels. The lists, `<kind>_configs`, are added for the kinds there are."""

    name: ReceiverName

    def configs(self, kind: str) -> tuple[ChannelConfig, ...]:
        """The entries of one kind, in their order."""
        return cast("tuple[ChannelConfig, ...]", getattr(self, kind + CONFIGS))


class ConfigFile(Section):
    """Everything a file may say."""

    version: Literal[1] = 1
    server: ServerSection = ServerSection()
    database: DatabaseSection = DatabaseSection()
    auth: AuthSection = AuthSection()
    global_: GlobalSection = Field(default=GlobalSection(), alias="global")
    severities: SeveritiesSection = SeveritiesSection()
    correlate: tuple[CorrelateEntry, ...] = ()
    digests: tuple[DigestEntry, ...] = ()
    route: RouteNode
    receivers: Annotated[tuple[ReceiverEntry, ...], NotEmpty]
    models: tuple[ModelEntry, ...] = ()
    freshness: FreshnessSection = FreshnessSection()
    watchdogs: tuple[WatchdogEntry, ...] = ()
    templates: tuple[str, ...] = ()
    retention: RetentionSection = RetentionSection()
    silences: SilencesSection = SilencesSection()
    logging: LoggingSection = LoggingSection()
    delivery: DeliverySection = DeliverySection()
    time_intervals: tuple[IntervalSection, ...] = ()
    mute_time_intervals: tuple[IntervalSection, ...] = ()
    inhibit_rules: tuple[InhibitEntry, ...] = ()
    flapping: FlappingSection = FlappingSection()
    stale_after: Duration = timedelta(hours=8)
    storm: StormSection = StormSection()
    self_alerts: SelfAlertsSection = SelfAlertsSection()
    deadman: DeadmanSection = DeadmanSection()
    sources: SourcesSection = SourcesSection()
    thresholds_file: Annotated[str, Field(min_length=1)] | None = None


def file_model(kinds: Mapping[str, Kind]) -> type[ConfigFile]:
    """The model of a file whose receivers may hold channels of `kinds`."""
    return _model(tuple((name, _Shape(kind.config, kind.globals)) for name, kind in kinds.items()))


@dataclass(frozen=True, slots=True)
class _Shape:
    config: type[ChannelConfig]
    globals: type[BaseModel] | None


@lru_cache(maxsize=8)
def _model(kinds: tuple[tuple[str, _Shape], ...]) -> type[ConfigFile]:
    lists: dict[str, Any] = {f"{name}{CONFIGS}": (tuple[kind.config, ...], ()) for name, kind in kinds}
    receiver = create_model("Receiver", __base__=ReceiverEntry, **lists)
    shared = tuple(kind.globals for _, kind in kinds if kind.globals is not None)
    merged = create_model("Global", __base__=(GlobalSection, *dict.fromkeys(shared)))
    fields: dict[str, Any] = {
        "receivers": (Annotated[tuple[receiver, ...], NotEmpty], ...),
        "global_": (merged, Field(default_factory=merged, alias="global")),
    }
    return create_model("Config", __base__=ConfigFile, **fields)
