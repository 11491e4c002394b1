"""Looks after the database."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from alertsvc.cli.configuration import CONFIG_OPTION, database_url_or_exit, load_or_exit
from alertsvc.cli.exits import EXIT_NO, exit_on_database_trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

T = TypeVar("T")


@click.group()
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@CONFIG_OPTION
@click.argument("revision", default="head")
def db_upgrade(config: Path | None, revision: str) -> None:
    """Bring the database to REVISION (default: what this version needs)."""
    from alertsvc.store import migrate

    url = database_url_or_exit(load_or_exit(config))
    with exit_on_database_trouble():
        state = migrate.upgrade(url, revision)
    click.echo(f"the database is at revision {state.current}")


@db.command("current")
@CONFIG_OPTION
def db_current(config: Path | None) -> None:
    """Show the database's revision. Exit code 1 when it is not what this version needs."""
    from alertsvc.store import migrate

    url = database_url_or_exit(load_or_exit(config))
    with exit_on_database_trouble():
        state = migrate.current(url)
    click.echo(f"{state.current or 'empty'} (this version needs {state.head})")
    sys.exit(0 if state.fits else EXIT_NO)


def on_database(config: Path | None, work: "Callable[[Connection], T]") -> T:
    """Run `work` in a transaction of its own, beside a running service if there is one."""
    from alertsvc.store.migrate import on_connection

    url = database_url_or_exit(load_or_exit(config))
    with exit_on_database_trouble():
        return on_connection(url, work, exclusive=False)
