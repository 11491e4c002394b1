"""Loads a configuration: all of it, or all of its mistakes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from alertsvc.core.rules import Rules
from alertsvc.settings.build import build_rules
from alertsvc.settings.check import validate
from alertsvc.settings.compose import compose
from alertsvc.settings.document import Document
from alertsvc.settings.doubts import channel_doubts, doubts_in
from alertsvc.settings.errors import ConfigError, Fault, Problem
from alertsvc.settings.excerpt import problem_of_unreadable, problems_of
from alertsvc.settings.file import ConfigFile, Kind, file_model
from alertsvc.settings.inline import inline_secrets
from alertsvc.settings.names import check_names
from alertsvc.settings.nodes import UnreadableError
from alertsvc.settings.process import (
    AuthSection,
    DatabaseSection,
    DeadmanSection,
    DeliverySection,
    LoggingSection,
    RetentionSection,
    SelfAlertsSection,
    ServerSection,
    SilencesSection,
)
from alertsvc.settings.quieting import StormSection
from alertsvc.settings.receivers import ConfiguredChannel, anchored, build_receivers
from alertsvc.settings.rehearse import rehearse
from alertsvc.settings.shape import Shape
from alertsvc.settings.sources import SourcesSection
from alertsvc.settings.templates import Wording, flaws_of, read_wording
from alertsvc.settings.text_file import read_text
from alertsvc.settings.thresholds_file import Found, find_thresholds


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process is run with. `resolve_timeout` is Alertmanager's, of `global`."""

    server: ServerSection
    database: DatabaseSection
    auth: AuthSection
    retention: RetentionSection
    logging: LoggingSection
    delivery: DeliverySection
    silences: SilencesSection
    storm: StormSection
    self_alerts: SelfAlertsSection
    deadman: DeadmanSection
    sources: SourcesSection
    resolve_timeout: timedelta


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that holds together.

    `channels` has what the channel of each destination is opened with, by the destination's id; `templates` the
    operator's own templates by file name; `warnings` what is taken and may not mean what its author thinks. `text` is
    the file's, `thresholds` that of the file of thresholds, `inline_secrets` the paths of the secrets in it. `flaws`
    are the mistakes in the templates: messages go out all the same, with the built-in wording.
    """

    settings: Settings
    rules: Rules
    channels: Mapping[str, ConfiguredChannel]
    templates: Mapping[str, str]
    text: str = field(repr=False)
    inline_secrets: tuple[str, ...] = ()
    thresholds: str | None = field(default=None, repr=False)
    flaws: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def strictly(self) -> "Loaded":
        """The same, when nothing at all is wrong with it.

        Raises:
            ConfigError: The templates have flaws.
        """
        if self.flaws:
            raise ConfigError(self.flaws)
        return self


def load_config(path: Path, kinds: Mapping[str, Kind]) -> Loaded:
    """The configuration in the file `path`, whose receivers may have channels of `kinds`.

    Raises:
        ConfigError: The file cannot be read, or has mistakes. It names them all.
    """
    return load_text(read_text(path), str(path), kinds)


def load_text(
    text: str,
    file: str,
    kinds: Mapping[str, Kind],
    kept_templates: Mapping[str, str] | None = None,
    kept_thresholds: str | None = None,
) -> Loaded:
    """The configuration that `text` is. `file` is what mistakes name; relative paths are taken from its folder.

    `kept_templates` stand in for the files under `templates:`, `kept_thresholds` for the `thresholds_file`, which are
    not read then.

    Raises:
        ConfigError: `text` has mistakes. It names them all.
    """
    shape = Shape(file_model(kinds))
    folder = Path(file).parent
    try:
        document, faults = compose(text)
    except UnreadableError as error:
        raise ConfigError([problem_of_unreadable(file, text, error.fault, shape)]) from None
    wording = read_wording(document, folder) if kept_templates is None else Wording(kept_templates)
    limits = find_thresholds(document, folder, kept_thresholds)
    found = examine(document, kinds, folder)
    checked, faults = found.file, _most_precise([*faults, *found.faults, *wording.faults, *limits.faults])
    if checked is None or faults or limits.problems:
        raise ConfigError([*problems_of(file, text, document, shape, faults), *limits.problems])
    made = _Made(text, wording.templates, limits)
    loaded = _loaded(checked, kinds, folder, made)
    flaws = problems_of(file, text, document, shape, flaws_of(wording))
    doubtful = problems_of(file, text, document, shape, (*doubts_in(document), *channel_doubts(checked, kinds)))
    return replace(
        loaded,
        inline_secrets=tuple(inline_secrets(document, shape)),
        flaws=tuple(flaws),
        warnings=tuple(replace(problem, is_warning=True) for problem in doubtful),
    )


@dataclass(frozen=True, slots=True)
class Examined:
    """A document as a checked file, or None with the faults that keep it from being one."""

    file: ConfigFile | None
    faults: tuple[Fault, ...]


def examine(document: Document, kinds: Mapping[str, Kind], folder: Path) -> Examined:
    """Check everything but the templates. Relative paths are taken from `folder`."""
    checked, wrong = validate(document, file_model(kinds))
    rehearsed = rehearse(checked, kinds, folder) if checked else ()
    return Examined(checked, (*wrong, *check_names(document), *rehearsed))


@dataclass(frozen=True, slots=True)
class _Made:
    """What stands in a file, and in those that it names."""

    text: str
    templates: Mapping[str, str]
    limits: Found


def _loaded(file: ConfigFile, kinds: Mapping[str, Kind], folder: Path, made: _Made) -> Loaded:
    receivers = build_receivers(file, kinds, folder)
    settings = Settings(
        server=file.server,
        database=anchored(file.database, folder),
        auth=file.auth,
        retention=file.retention,
        logging=file.logging,
        delivery=file.delivery,
        silences=file.silences,
        storm=file.storm,
        self_alerts=file.self_alerts,
        deadman=anchored(file.deadman, folder),
        sources=anchored(file.sources, folder),
        resolve_timeout=file.global_.resolve_timeout,
    )
    rules = build_rules(file, receivers.destinations, _fingerprint(made))
    rules = replace(rules, thresholds=made.limits.thresholds)
    return Loaded(settings, rules, receivers.channels, made.templates, made.text, thresholds=made.limits.text)


def _fingerprint(made: _Made) -> str:
    """64 hexadecimal digits, the same for the same file with the same templates and thresholds."""
    digest = hashlib.sha256(made.text.encode())
    parts = [part for name in sorted(made.templates) for part in (name, made.templates[name])]
    for part in (*parts, *(() if made.limits.text is None else (made.limits.text,))):
        digest.update(len(part.encode()).to_bytes(4, "big") + part.encode())
    return digest.hexdigest()


def _most_precise(faults: list[Fault]) -> list[Fault]:
    """`faults` without those that another says at a place further inside."""
    inner = {(fault.message, fault.loc[:depth]) for fault in faults for depth in range(len(fault.loc))}
    return [fault for fault in faults if (fault.message, fault.loc) not in inner]
