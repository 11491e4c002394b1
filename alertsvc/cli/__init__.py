"""The command line. Heavy modules are imported where they are needed, so that help is quick."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import rich_click as click

from alertsvc import __version__
from alertsvc.cli.checking import check_config
from alertsvc.cli.config import config
from alertsvc.cli.database import db
from alertsvc.cli.explain import explain
from alertsvc.cli.models import models
from alertsvc.cli.routes import routes
from alertsvc.cli.service import demo, send_test, serve
from alertsvc.cli.thresholds import thresholds
from alertsvc.cli.tokens import token


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="alertsvc")
def main() -> None:
    """Alert routing and incidents for teams who run ML models in production."""


for command in (serve, demo, check_config, config, routes, thresholds, models, explain, db, token, send_test):
    main.add_command(command)
