"""What people write after a command: labels and instants."""

from datetime import UTC, datetime

import rich_click as click


def read_instant(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """An instant with its zone, in UTC; a mistake of usage when it is none."""
    from alertsvc.core.explain import REACH, is_within_reach

    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise click.BadParameter("an instant with its zone is needed, such as 2026-03-02T09:00:00Z")
    if not is_within_reach(instant):
        raise click.BadParameter(REACH)
    return instant.astimezone(UTC)


def read_labels(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Labels such as `team=fraud`; a mistake of usage when one is none."""
    from alertsvc.settings.label_arguments import parse_label

    try:
        return dict(map(parse_label, texts))
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None
