"""Asks a running service why somebody was told, or was not."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

import rich_click as click

from alertsvc.cli.arguments import read_instant, read_labels
from alertsvc.cli.asking import Place
from alertsvc.cli.service_options import JSON_OPTION, TOKEN_OPTION, URL_OPTION, exits_told, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = 500


@click.command()
@click.argument("labels", nargs=-1, callback=read_labels)
@click.option("--incident", help="Tell the story of this incident, by its number or id, instead.")
@click.option("--notification", type=click.UUID, help="Tell the story of this notification, by its id, instead.")
@click.option("--at", callback=read_instant, help="When the alert begins to fire or ends (RFC 3339); now by default.")
@click.option("--severity", type=click.Choice(["info", "warning", "error", "critical"]), help="As its source has it.")
@click.option("--resolved", is_flag=True, help="Ask about its end instead of its beginning.")
@URL_OPTION
@TOKEN_OPTION
@JSON_OPTION
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
    place = place_of(url, token_file)
    with exits_told():
        if notification is not None:
            document, lines = _notification(place, notification)
        elif incident is not None:
            document, lines = _incident(place, incident)
        else:
            asked = {"labels": labels, "severity": severity, "at": at.isoformat() if at else None}
            document, lines = _alert(place, {**asked, "status": "resolved" if resolved else "firing"})
    click.echo(json.dumps(document, indent=2, ensure_ascii=False) if as_json else "\n".join(lines))


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
