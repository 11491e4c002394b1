"""What every command that asks a running service takes, and how it ends where the service does not answer."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import rich_click as click

from alertsvc.cli.asking import DEFAULT_URL, Place, RefusedError, UnreachableError
from alertsvc.cli.exits import EXIT_NO, EXIT_UNKNOWN, EXIT_UNREACHABLE

NOT_FOUND = 404
URL_OPTION = click.option(
    "--url", envvar="ALERTSVC_URL", default=DEFAULT_URL, show_default=True, help="Where the service is."
)
TOKEN_OPTION = click.option("--token-file", type=click.Path(path_type=Path), help="A file with a token that may read.")
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="What the service answered, for machines.")


def place_of(url: str, token_file: Path | None) -> Place:
    """Where to ask, and with which token."""
    try:
        token = token_file.read_text().strip() if token_file is not None else None
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is not text"
        raise click.BadParameter(f"{token_file} cannot be read: {reason}", param_hint="--token-file") from None
    if token is not None and not (token and token.isascii() and token.isprintable()):
        raise click.BadParameter("there must be one token in it, on one line", param_hint="--token-file")
    try:
        return Place(url, token)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--url") from None


@contextmanager
def exits_told() -> Generator[None]:
    """What the service does not answer is said on standard error, and is the exit code."""
    try:
        yield
    except UnreachableError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_UNREACHABLE)
    except RefusedError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_UNKNOWN if fault.status == NOT_FOUND else EXIT_NO)
