"""Makes and revokes the tokens that open the API."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from alertsvc.cli.configuration import CONFIG_OPTION
from alertsvc.cli.database import on_database
from alertsvc.cli.exits import EXIT_UNKNOWN

if TYPE_CHECKING:
    from alertsvc.store.tokens import Token


@click.group()
def token() -> None:
    """Make and revoke the tokens that open the API."""


@token.command("create")
@CONFIG_OPTION
@click.option("--name", required=True, help="Who or what will use it.")
@click.option("--scope", "scopes", multiple=True, required=True, help="ingest, read, act or admin; repeatable.")
@click.option("--expires-in", help="Such as 90d; without it the token does not expire.")
def token_create(config: Path | None, name: str, scopes: tuple[str, ...], expires_in: str | None) -> None:
    """Make a token and print it, this once."""
    from alertsvc.clock import utc_now
    from alertsvc.store import tokens

    span = lifetime(expires_in) if expires_in else None
    now = utc_now()
    try:
        _, text = on_database(config, lambda conn: tokens.create(conn, name, scopes, now, now + span if span else None))
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None
    click.echo(text)


def lifetime(text: str) -> timedelta:
    """How long a token is to be good for; a mistake of usage when it is no time at all."""
    from alertsvc.core.durations import parse_duration

    try:
        span = parse_duration(text)
    except ValueError as fault:
        raise click.BadParameter(str(fault), param_hint="--expires-in") from None
    if not span:
        raise click.BadParameter("must not be zero", param_hint="--expires-in")
    return span


@token.command("list")
@CONFIG_OPTION
def token_list(config: Path | None) -> None:
    """List tokens, without their secrets."""
    from alertsvc.clock import utc_now
    from alertsvc.store import tokens

    now = utc_now()
    for each in on_database(config, tokens.listed):
        click.echo(f"{each.id}  {standing(each, now):<20}  {','.join(each.scopes):<24}  {each.name}")


def standing(each: "Token", now: datetime) -> str:
    """Whether a token opens anything, in two words at most."""
    if each.revoked_at:
        return "revoked"
    if each.expires_at is None:
        return "active"
    return f"{'expired' if each.expires_at <= now else 'expires'} {each.expires_at:%Y-%m-%d}"


@token.command("revoke")
@CONFIG_OPTION
@click.argument("token_id")
def token_revoke(config: Path | None, token_id: str) -> None:
    """Revoke the token with this id. A running service notices within five seconds."""
    from alertsvc.clock import utc_now
    from alertsvc.store import tokens

    if not on_database(config, lambda conn: tokens.revoke(conn, token_id, utc_now())):
        click.echo(f"there is no token {token_id}", err=True)
        sys.exit(EXIT_UNKNOWN)
    click.echo(f"revoked {token_id}")
