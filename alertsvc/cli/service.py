"""Runs the service, shows it, and tries what it sends."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from alertsvc.cli.configuration import (
    CONFIG_OPTION,
    config_source,
    database_url_or_exit,
    load_or_exit,
    set_up_logging,
)
from alertsvc.cli.exits import EXIT_CONFIG, EXIT_NO, EXIT_UNKNOWN, EXIT_UNREACHABLE, exit_on_database_trouble

if TYPE_CHECKING:
    from alertsvc.engine.last_good import Beginning
    from alertsvc.settings.source import ConfigSource


@click.command()
@CONFIG_OPTION
@click.option("--listen", help="host:port to listen on instead of the configured one.")
@click.option(
    "--role",
    type=click.Choice(["all", "api", "worker"]),
    help="What this process does: api takes requests, worker sends, all (the default) does both.",
)
@click.option("--migrate/--no-migrate", default=True, help="Bring the database to this version first (default).")
def serve(config: Path | None, listen: str | None, role: str | None, migrate: bool) -> None:
    """Run the service."""
    import uvloop

    from alertsvc import failpoints
    from alertsvc.hangup import ignore_hangup
    from alertsvc.serve import Listening, NotStartedError, build_reloader, build_service, check_role, prepare_database
    from alertsvc.serve import serve as run

    ignore_hangup()
    source = config_source(config, listen, role)
    beginning = begin_or_exit(source)
    loaded = beginning.loaded
    address = loaded.settings.server.listen
    try:
        failpoints.arm(os.environ.get(failpoints.VARIABLE, ""))
    except failpoints.BadFailpointsError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)
    with exit_on_database_trouble():
        check_role(loaded)
        prepare_database(database_url_or_exit(loaded), may_migrate=migrate)

    async def work() -> None:
        with exit_on_database_trouble():
            service = build_service(loaded)
        await run(service, Listening(address.host, address.port), build_reloader(service, beginning, source))

    try:
        uvloop.run(work())
    except KeyboardInterrupt:  # it was asked for, and by now everything has ended in order
        sys.exit(0)
    except (OSError, NotStartedError) as fault:
        click.echo(f"the service has not started: {fault}", err=True)
        sys.exit(EXIT_UNREACHABLE)


def begin_or_exit(source: "ConfigSource") -> "Beginning":
    """What to serve with, and logging set up for it; or the mistakes on standard error and exit code 3."""
    from alertsvc.engine.last_good import begin, tell
    from alertsvc.settings.errors import ConfigError

    try:
        beginning = begin(source)
    except ConfigError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)
    set_up_logging(beginning.loaded)
    tell(beginning)
    return beginning


@click.command()
@click.option("--once", is_flag=True, help="Check how the story comes out, and exit.")
def demo(once: bool) -> None:
    """Show the whole service on this machine: a story of a drifting model, with local stand-ins for the providers."""
    from alertsvc.demo.play import play

    try:
        sys.exit(asyncio.run(play(once=once)))
    except KeyboardInterrupt:
        sys.exit(0)


@click.command("send-test")
@CONFIG_OPTION
@click.argument("receiver")
def send_test(config: Path | None, receiver: str) -> None:
    """Send one real message to each destination of RECEIVER and print what each provider answered."""
    from alertsvc.clock import new_id, utc_now
    from alertsvc.core.rules import Moment
    from alertsvc.engine.opening import open_outlets
    from alertsvc.engine.probe import Answer, probe

    loaded = load_or_exit(config)
    set_up_logging(loaded)
    destinations = loaded.rules.receivers.get(receiver)
    if destinations is None:
        click.echo(f"there is no receiver {receiver!r}; there are: {', '.join(loaded.rules.receivers)}", err=True)
        sys.exit(EXIT_UNKNOWN)

    async def work() -> list[Answer]:
        outlets = open_outlets(loaded)
        try:
            moment = Moment(loaded.rules, utc_now(), new_id)
            return list(await asyncio.gather(*(probe(outlets, each, moment) for each in destinations)))
        finally:
            await outlets.close()

    answers = asyncio.run(work())
    for each in answers:
        status = f" {each.status_code}" if each.status_code else ""
        click.echo(f"{each.destination}: {each.outcome}{status} in {each.seconds:.2f} s: {each.detail or each.fault}")
    sys.exit(0 if all(each.outcome == "accepted" for each in answers) else EXIT_NO)
