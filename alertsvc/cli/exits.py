"""What the exit codes are, and how trouble becomes one."""

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from collections.abc import Generator

EXIT_NO = 1
EXIT_CONFIG = 3
EXIT_UNREACHABLE = 4
EXIT_UNKNOWN = 5


@contextmanager
def exit_on_database_trouble() -> "Generator[None]":
    """Whatever is wrong with the database becomes one line on standard error and an exit code."""
    from sqlalchemy.exc import SQLAlchemyError

    from alertsvc.serve import RoleNotPossibleError, SchemaNotFittingError
    from alertsvc.store.connect import DatabaseInUseError
    from alertsvc.store.database import StoreUnavailableError, describe
    from alertsvc.store.dsn import DatabaseUrlError

    try:
        yield
    except (DatabaseUrlError, RoleNotPossibleError) as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)
    except (SchemaNotFittingError, DatabaseInUseError) as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_NO)
    except (OSError, StoreUnavailableError, SQLAlchemyError) as fault:
        click.echo(f"the database cannot be used: {describe(fault)}", err=True)
        sys.exit(EXIT_UNREACHABLE)
