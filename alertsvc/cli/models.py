"""Asks a running service about the models it knows."""

# pyright: reportUnknownMemberType=false
# (the decorators of the command line library are not fully typed)

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import rich_click as click

from alertsvc.cli.asking import Place
from alertsvc.cli.service_options import JSON_OPTION, TOKEN_OPTION, URL_OPTION, exits_told, place_of

PAGE = 500
MOST_PAGES = 20


@click.command()
@click.argument("model", required=False)
@URL_OPTION
@TOKEN_OPTION
@JSON_OPTION
def models(model: str | None, *, url: str, token_file: Path | None, as_json: bool) -> None:
    """List the models that a running service knows; or, of MODEL, what is wrong, what is measured, and its limits."""
    from alertsvc.cli.models_text import shown_model, shown_models
    from alertsvc.web.model_views import ModelDetailView, ModelPageView

    place = place_of(url, token_file)
    with exits_told():
        if model is None:
            document = _whole(place, "/api/v1/models", "items")
        else:
            document = _whole(place, f"/api/v1/models/{quote(model, safe='')}", "series")
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif model is None:
        click.echo("\n".join(shown_models(ModelPageView.model_validate(document))))
    else:
        click.echo("\n".join(shown_model(ModelDetailView.model_validate(document))))


def _whole(place: Place, path: str, listed: str) -> Any:
    """The answer with the pages of what it lists put together; `next_cursor` stays set where there were too many."""
    document = page = place.ask("GET", f"{path}?limit={PAGE}")
    for _ in range(MOST_PAGES - 1):
        if not page.get("next_cursor"):
            break
        page = place.ask("GET", f"{path}?limit={PAGE}&cursor={quote(page['next_cursor'])}")
        document[listed] += page[listed]
    document["next_cursor"] = page.get("next_cursor")
    return document
