"""Asks a running service why somebody was told, or was not."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import rich_click as click

from alertsvc.cli.arguments import read_instant, read_labels
from alertsvc.cli.asking import DEFAULT_URL, Place, RefusedError, UnreachableError
from alertsvc.cli.exits import EXIT_NO, EXIT_UNKNOWN, EXIT_UNREACHABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_FOUND = 404
PAGE = 500


@click.command()
@click.argument("labels", nargs=-1, callback=read_labels)
@click.option("--incident", help="Tell the story of this incident, by its number or id, instead.")
@click.option("--notification", type=click.UUID, help="Tell the story of this notification, by its id, instead.")
@click.option("--at", callback=read_instant, help="When the alert begins to fire or ends (RFC 3339); now by default.")
@click.option("--severity", type=click.Choice(["info", "warning", "error", "critical"]), help="As its source has it.")
@click.option("--resolved", is_flag=True, help="Ask about its end instead of its beginning.")
@click.option("--url", envvar="ALERTSVC_URL", default=DEFAULT_URL, show_default=True, help="Where the service is.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file with a token that may read.")
@click.option("--json", "as_json", is_flag=True, help="What the service answered, for machines.")
def explain(
    labels: dict[str, str],
    *,
    incident: str | None,
    notification: UUID | None,
    at: datetime | None,
    severity: str | None,
    resolved: bool,
    url: str,
    token_file: Path | None,
    as_json: bool,
) -> None:
    """Ask a running service why somebody is told of an alert with LABELS (team=fraud ...), or is not.

    With --incident or --notification: who was told what, what kept the rest back, and what comes next.
    """
    stories = [each for each in (incident, notification) if each is not None]
    if len(stories) > 1 or (stories and (labels or at or severity or resolved)):
        raise click.UsageError("give LABELS with their options, or --incident, or --notification")
    place = _place(url, token_file)
    try:
        if notification is not None:
            document, lines = _notification(place, notification)
        elif incident is not None:
            document, lines = _incident(place, incident)
        else:
            asked = {"labels": labels, "severity": severity, "at": at.isoformat() if at else None}
            document, lines = _alert(place, {**asked, "status": "resolved" if resolved else "firing"})
    except UnreachableError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_UNREACHABLE)
    except RefusedError as fault:
        click.echo(str(fault), err=True)
        sys.exit(EXIT_UNKNOWN if fault.status == NOT_FOUND else EXIT_NO)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


def _place(url: str, token_file: Path | None) -> Place:
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


def _alert(place: Place, asked: dict[str, object]) -> "tuple[Any, Sequence[str]]":
    from alertsvc.cli.explanation_text import shown_explanation
    from alertsvc.web.explanation_views import ExplanationView

    document = place.ask("POST", "/api/v1/explain", asked)
    return document, shown_explanation(ExplanationView.model_validate(document))


def _notification(place: Place, key: UUID) -> "tuple[Any, Sequence[str]]":
    from alertsvc.cli.story_text import shown_notification
    from alertsvc.web.story_views import NotificationExplanation

    document = place.ask("GET", f"/api/v1/notifications/{key}/explain")
    return document, shown_notification(NotificationExplanation.model_validate(document))


def _incident(place: Place, reference: str) -> "tuple[Any, Sequence[str]]":
    """Every page of its notifications, in one story."""
    from alertsvc.cli.story_text import shown_incident
    from alertsvc.web.story_views import IncidentStory

    path = f"/api/v1/incidents/{quote(reference.removeprefix('#'), safe='')}/explain?limit={PAGE}"
    document = page = place.ask("GET", path)
    while page.get("next_cursor"):
        page = place.ask("GET", f"{path}&cursor={quote(page['next_cursor'])}")
        _add(document, page)
    document["next_cursor"] = None
    return document, shown_incident(IncidentStory.model_validate(document))


def _add(document: Any, page: Any) -> None:
    """Put the notifications of a later page to those of their destinations."""
    known = {each["destination"]: each for each in document["destinations"]}
    for each in page["destinations"]:
        if each["destination"] in known:
            known[each["destination"]]["notifications"] += each["notifications"]
        else:
            document["destinations"].append(each)
