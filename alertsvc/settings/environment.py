"""What the environment and the command line say above the file: a flag beats a variable, and that beats the file."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import cast

from pydantic import SecretStr, ValidationError

from alertsvc.settings.errors import ConfigError, Problem
from alertsvc.settings.load import Loaded, Settings
from alertsvc.settings.process import DatabaseSection, Section


@dataclass(frozen=True, slots=True)
class Override:
    """One value from outside the file. `given_as` is how people know it: `ALERTSVC_LISTEN`, `--listen`."""

    section: str
    key: str
    value: str
    given_as: str


VARIABLES: Mapping[str, tuple[str, str]] = {
    "ALERTSVC_DATABASE_URL": ("database", "url"),
    "ALERTSVC_LISTEN": ("server", "listen"),
    "ALERTSVC_ROLE": ("server", "role"),
    "ALERTSVC_EXTERNAL_URL": ("server", "external_url"),
    "ALERTSVC_LOG_LEVEL": ("logging", "level"),
    "ALERTSVC_LOG_FORMAT": ("logging", "format"),
}
"""Environment variables, with the section and the key that each replaces."""


def with_environment(loaded: Loaded, environment: Mapping[str, str] = os.environ) -> Loaded:
    """`loaded` with what `environment` says. An empty variable says nothing.

    Raises:
        ConfigError: A variable has a value that its key does not take.
    """
    said = [
        Override(section, key, environment[name], name)
        for name, (section, key) in VARIABLES.items()
        if environment.get(name)
    ]
    return replace(loaded, settings=overridden(loaded.settings, said))


def overridden(settings: Settings, overrides: Iterable[Override]) -> Settings:
    """`settings` with `overrides`, a later one above an earlier one.

    Raises:
        ConfigError: A value is not one that its key takes. The values are not shown.
    """
    problems: list[Problem] = []
    for override in overrides:
        try:
            settings = _with(settings, override)
        except ValidationError as error:
            message = str(error.errors(include_url=False)[0]["msg"]).removeprefix("Value error, ")
            problems.append(Problem(override.given_as, 0, 0, "", message.replace("Input should be", "must be")))
    if problems:
        raise ConfigError(problems)
    return settings


def _with(settings: Settings, override: Override) -> Settings:
    if override.section == "database":  # wherever the file had the URL, only the new one counts
        keeps = settings.database.keep_configuration
        return replace(settings, database=DatabaseSection(url=SecretStr(override.value), keep_configuration=keeps))
    section = cast(Section, getattr(settings, override.section))
    changed = type(section).model_validate({**dict(section), override.key: override.value})
    return replace(settings, **{override.section: changed})
