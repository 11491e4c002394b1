"""Commands about the configuration file: its schema, and taking over what Alertmanager was told."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
import sys
from pathlib import Path

import rich_click as click

from alertsvc.cli.exits import EXIT_CONFIG, EXIT_NO


@click.group()
def config() -> None:
    """Work with configuration files."""


@config.command("schema")
@click.option("--thresholds", "of_thresholds", is_flag=True, help="That of the file of thresholds instead.")
def schema(*, of_thresholds: bool) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    from alertsvc.channels import CHANNELS
    from alertsvc.settings.schema import config_schema, thresholds_schema

    click.echo(json.dumps(thresholds_schema() if of_thresholds else config_schema(CHANNELS), indent=2))


@config.command("import")
@click.argument("file", type=click.Path(path_type=Path))
def import_(file: Path) -> None:
    """Print a configuration that decides as Alertmanager does with FILE.

    What is not carried over is named on standard error, and the exit code is 1 then.
    """
    from alertsvc.channels import CHANNELS
    from alertsvc.settings.alertmanager import import_file
    from alertsvc.settings.errors import ConfigError

    try:
        imported = import_file(file, CHANNELS)
    except ConfigError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)
    click.echo(imported.text, nl=False)
    for note in imported.notes:
        click.echo(str(note), err=True)
    sys.exit(EXIT_NO if imported.notes else 0)
