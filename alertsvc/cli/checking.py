"""Says what is wrong with a configuration."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
import sys
from pathlib import Path

import rich_click as click

from alertsvc.cli.configuration import config_path
from alertsvc.cli.exits import EXIT_CONFIG


@click.command("check-config")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), envvar="ALERTSVC_CONFIG")
@click.option("--json", "as_json", is_flag=True, help="The mistakes and warnings as JSON.")
def check_config(files: tuple[Path, ...], as_json: bool) -> None:
    """Report every mistake of configuration FILES with its place. Exit code 3 when there are any.

    A warning is about what is taken and may not mean what its author thinks; it changes no exit code.
    """
    from alertsvc.channels import CHANNELS
    from alertsvc.settings.errors import ConfigError, Problem
    from alertsvc.settings.load import load_config

    problems: list[Problem] = []
    for path in files or (config_path(None),):
        try:
            found = load_config(path, CHANNELS).strictly().warnings
        except ConfigError as fault:
            found = fault.problems
        problems += found
        if not as_json:
            for problem in found:
                click.echo(str(problem), err=True)
            if all(problem.is_warning for problem in found):
                click.echo(f"{path}: OK")
    if as_json:
        click.echo(json.dumps([problem.as_json() for problem in problems], indent=2))
    sys.exit(0 if all(problem.is_warning for problem in problems) else EXIT_CONFIG)
