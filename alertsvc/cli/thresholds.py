"""Tries a file of thresholds on values."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from alertsvc.cli.configuration import CONFIG_OPTION, load_or_exit
from alertsvc.cli.exits import EXIT_CONFIG, EXIT_NO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alertsvc.core.thresholds.policy import Thresholds
    from alertsvc.engine.trying import Tried

STATES = ("ok", "pending", "firing", "resolved", "recorded")


@click.group()
def thresholds() -> None:
    """Try the thresholds of metrics."""


@thresholds.command("test")
@CONFIG_OPTION
@click.option(
    "--file", "file", type=click.Path(path_type=Path), help="The thresholds; else those that the configuration names."
)
@click.option("--history", type=click.Path(path_type=Path), help="CSV of earlier values: value, or observed_at,value.")
@click.option("--feature", help="Of which feature.")
@click.option("--environment", default="production", show_default=True, help="Where the model runs.")
@click.option("--rows", type=click.IntRange(min=0), help="Over how many rows each value was computed.")
@click.option("--score-type", type=click.Choice(["p_value", "distance", "rate", "score"]), help="What the values are.")
@click.option("--expect", type=click.Choice(STATES), help="Exit code 1 unless the last value comes to this.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.argument("model")
@click.argument("metric")
@click.argument("values", nargs=-1, required=True, type=float)
def thresholds_test(
    config: Path | None,
    file: Path | None,
    history: Path | None,
    *,
    feature: str | None,
    environment: str,
    rows: int | None,
    score_type: str | None,
    expect: str | None,
    as_json: bool,
    model: str,
    metric: str,
    values: tuple[float, ...],
) -> None:
    """Say what VALUES of METRIC of MODEL would come to, one a day, and which entry decides. Nothing is sent or stored.

    Where the limit is a stream's, one a minute, and `--history` has 150 before them: until then it only learns.
    A negative value needs `--` before it. Exit code 3: the thresholds or the history have mistakes.
    """
    from alertsvc.engine.trying import Series, try_values

    series = Series(model, metric, environment, feature, rows, score_type)
    earlier, limits = _read(config, file, history)
    found = try_values(series, earlier, values, limits)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
    else:
        click.echo("\n".join(_shown(found)))
    if expect is not None and found[-1].state != expect:
        click.echo(f"expected {expect}, got {found[-1].state}", err=True)
        sys.exit(EXIT_NO)


def _read(
    config: Path | None, file: Path | None, history: Path | None
) -> "tuple[Sequence[tuple[float, datetime | None]], Thresholds]":
    """The earlier values and the thresholds; mistakes on standard error and exit code 3."""
    from alertsvc.settings.errors import ConfigError
    from alertsvc.settings.thresholds_file import load_thresholds
    from alertsvc.settings.value_history import read_values

    try:
        earlier = [] if history is None else read_values(history)
        limits = load_or_exit(config).rules.thresholds if file is None else load_thresholds(file)
    except ConfigError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_CONFIG)
    return earlier, limits


def _shown(found: "Sequence[Tried]") -> "list[str]":
    rows = [(f"{each.value:g}", each.state, each.severity, each.rule or each.decided_by) for each in found]
    widths = [max(len(row[place]) for row in rows) for place in range(3)]
    lines: list[str] = []
    for row, each in zip(rows, found, strict=True):
        columns = "  ".join(text.ljust(width) for text, width in zip(row[:3], widths, strict=True))
        lines.append(f"{columns}  {row[3]}{f': {each.because}' if each.because else ''}")
    return lines
