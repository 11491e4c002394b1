"""Shows the routes, and where an alert would go."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from alertsvc.cli.arguments import read_instant, read_labels
from alertsvc.cli.configuration import CONFIG_OPTION, load_or_exit
from alertsvc.cli.exits import EXIT_CONFIG, EXIT_NO

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alertsvc.core.rules import Rules
    from alertsvc.web.explanation_views import ExplanationView


@click.group()
def routes() -> None:
    """Show the routing tree and try it."""


@routes.command("show")
@CONFIG_OPTION
def routes_show(config: Path | None) -> None:
    """Draw the routing tree. Each route shows what it says of its own; the rest it inherits."""
    from alertsvc.cli.routes_text import shown_tree

    click.echo("\n".join(shown_tree(load_or_exit(config).rules.root)))


@routes.command("test")
@CONFIG_OPTION
@click.argument("labels", nargs=-1, callback=read_labels)
@click.option("--verify-receivers", "--verify.receivers", "expected", help="Exit code 1 unless it goes to these: a,b.")
@click.option("--cases", type=click.Path(path_type=Path), help="YAML: a list of {labels, receivers, name}.")
@click.option("--explain", "with_reasons", is_flag=True, help="Say of each route why it takes the alert or not.")
@click.option("--json", "as_json", is_flag=True, help="The whole reasoning as JSON.")
@click.option(
    "--at", callback=read_instant, help="The instant to ask about (RFC 3339): what mutes then, and who is told when."
)
def routes_test(
    config: Path | None,
    labels: dict[str, str],
    *,
    expected: str | None,
    cases: Path | None,
    with_reasons: bool,
    as_json: bool,
    at: datetime | None,
) -> None:
    """Print the receivers that a firing alert with LABELS (team=fraud ...) goes to, in the order of the tree.

    With --cases every case of the file is tried instead. Exit code 1 when an alert does not go where it should.
    """
    rules = load_or_exit(config).rules
    if cases is not None:
        if labels or expected is not None or with_reasons or at is not None:
            raise click.UsageError("--cases goes with neither LABELS, --verify-receivers, --explain nor --at")
        sys.exit(_try_cases(rules, cases, as_json=as_json))
    known = _explained(rules, labels, at)
    _print(known, with_reasons=with_reasons, as_json=as_json)
    if expected:
        wanted = [name.strip() for name in expected.split(",")]
        difference = _difference(rules, known.receivers, wanted)
        if difference is not None:
            click.echo(difference, err=True)
            sys.exit(EXIT_NO)


def _explained(rules: "Rules", labels: dict[str, str], at: datetime | None) -> "ExplanationView":
    """The reasoning; with an instant what mutes then by the clock, and what would be told of a first alert."""
    from alertsvc.core.explain import explain
    from alertsvc.engine.expectation import Question, expect_of_rules
    from alertsvc.web.explanation_views import ExplanationView

    if at is None:
        return ExplanationView.of(explain(rules, labels), (), rules)
    return ExplanationView.of(*expect_of_rules(Question(labels, at), rules), rules)


def _print(known: "ExplanationView", *, with_reasons: bool, as_json: bool) -> None:
    from alertsvc.cli.explanation_text import shown_explanation, shown_instant

    if as_json:
        click.echo(json.dumps(known.model_dump(mode="json"), indent=2, ensure_ascii=False))
        return
    click.echo(",".join(known.receivers))
    if with_reasons:
        click.echo("\n".join(["", *shown_explanation(known)]))
    elif known.at is not None:
        click.echo("\n".join(shown_instant(known)))


def _try_cases(rules: "Rules", path: Path, *, as_json: bool) -> int:
    """Try every case; the exit code."""
    from alertsvc.core.explain import explain
    from alertsvc.settings.errors import ConfigError
    from alertsvc.settings.route_cases import load_cases

    try:
        cases = load_cases(path)
    except ConfigError as fault:
        click.echo(str(fault), err=True)
        return EXIT_CONFIG
    results: list[dict[str, object]] = []
    for number, (case, line) in enumerate(cases, 1):
        found = explain(rules, case.labels).receivers
        difference = _difference(rules, found, case.receivers)
        outcome = {"ok": difference is None, "expected": list(case.receivers), "receivers": list(found)}
        results.append({"case": case.name or number, "line": line, **outcome, "difference": difference})
        if difference is not None and not as_json:
            click.echo(f"{path}:{line}: {case.shown(number)}: {difference}", err=True)
    failed_count = sum(not result["ok"] for result in results)
    if as_json:
        click.echo(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{failed_count} of {len(cases)} cases failed" if failed_count else f"{len(cases)} cases: OK")
    return EXIT_NO if failed_count else 0


def _difference(rules: "Rules", found: "Iterable[str]", wanted: "Iterable[str]") -> str | None:
    """How the receivers differ from those that are expected, in order; None when they do not."""
    from alertsvc.settings.words import did_you_mean

    found, wanted = list(found), list(wanted)
    if found == wanted:
        return None
    unknown = [name for name in wanted if name not in rules.receivers]
    hints = [f"; there is no receiver {name!r}{did_you_mean(name, rules.receivers)}" for name in unknown]
    order = "; the order differs" if sorted(found) == sorted(wanted) else ""
    return f"expected {','.join(wanted) or 'nobody'}, got {','.join(found)}{order}{''.join(hints)}"
