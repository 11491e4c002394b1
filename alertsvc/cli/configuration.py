"""Which configuration a command works with, and what it needs of it."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from alertsvc.cli.exits import EXIT_CONFIG

if TYPE_CHECKING:
    from alertsvc.settings.load import Loaded
    from alertsvc.settings.source import ConfigSource

CONFIG_OPTION = click.option(
    "-c",
    "--config",
    "config",
    type=click.Path(path_type=Path),
    envvar="ALERTSVC_CONFIG",
    help="The configuration; alertsvc.yaml here, else the one that comes along.",
)


def config_path(given: Path | None) -> Path:
    """The configuration to use: the given one, the one in the working directory, or the default that comes along."""
    from alertsvc.resources import data_dir

    if given is not None:
        return given
    here = Path("alertsvc.yaml")
    return here if here.is_file() else data_dir("config") / "alertsvc.yaml"


def load_or_exit(given: Path | None) -> "Loaded":
    """The configuration, or its mistakes on standard error and exit code 3."""
    from alertsvc.settings.errors import ConfigError

    try:
        return config_source(given).read()
    except ConfigError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)


def config_source(given: Path | None, listen: str | None = None, role: str | None = None) -> "ConfigSource":
    """Where the configuration is read from. A flag beats a variable beats the file."""
    from alertsvc.channels import CHANNELS
    from alertsvc.settings.environment import Override
    from alertsvc.settings.source import ConfigSource

    said = {"listen": listen, "role": role}
    flags = [Override("server", key, value, f"--{key}") for key, value in said.items() if value]
    return ConfigSource(config_path(given), CHANNELS, tuple(flags))


def set_up_logging(loaded: "Loaded") -> None:
    """Log as the configuration says."""
    from alertsvc.observe.logs import configure

    configure(str(loaded.settings.logging.level), str(loaded.settings.logging.format))
    for warning in loaded.warnings:
        logging.getLogger(__name__).warning("%s", warning.headline)


def database_url_or_exit(loaded: "Loaded") -> str:
    """The database's URL, or why it cannot be had and exit code 3."""
    from alertsvc.secret import SecretUnavailableError

    try:
        return loaded.settings.database.secret.reveal()
    except SecretUnavailableError as fault:
        click.echo(f"database: {fault}", err=True)
        sys.exit(EXIT_CONFIG)
