"""Models as text for people: the worst first."""

from collections.abc import Iterator, Sequence

from alertsvc.cli.explanation_text import instant_text
from alertsvc.core.numbers import short
from alertsvc.quoting import printable
from alertsvc.web.model_views import LimitView, ModelDetailView, ModelPageView, SeriesView

MOST_SERIES = 50
_WORST_FIRST = ("firing", "no_value", "no_rows", "pending", "ok", "recorded")


def shown_models(page: ModelPageView) -> list[str]:
    """A line for each model."""
    if not page.items:
        return ["no model is known: nothing was observed, and none stands in the configuration"]
    head = ("MODEL", "WHERE", "OPEN", "WORST", "SERIES", "LATE", "LAST HEARD OF")
    rows = [
        (
            each.model,
            ", ".join(each.environments) or "-",
            str(each.open_incident_count),
            each.worst_severity or "-",
            str(each.series_count),
            str(each.late_count),
            instant_text(each.last_received_at) if each.last_received_at else "never",
        )
        for each in page.items
    ]
    lines = _columns([head, *rows])
    return [*lines, "and more: ask for one by its name"] if page.next_cursor else lines


def shown_model(model: ModelDetailView) -> list[str]:
    """What is wrong with a model, what is measured of it against which limits, and what was deployed."""
    return [printable(line) for line in _lines(model)]


def _lines(model: ModelDetailView) -> Iterator[str]:
    where = f" in {', '.join(model.environments)}" if model.environments else ""
    yield f"{model.model}{where}{f', owner {model.owner}' if model.owner else ''}"
    if model.runbook_url:
        yield f"runbook: {model.runbook_url}"
    yield ""
    yield "nothing is wrong" if not model.incidents else "open incidents:"
    for each in model.incidents:
        yield f"  #{each.number} {each.severity}, {each.status}, since {instant_text(each.opened_at)}: {each.title}"
    yield from _series_lines(model)
    if model.deployments:
        yield ""
        yield "deployments:"
    for made in model.deployments:
        yield f"  {instant_text(made.happened_at)}  {made.said}"


def _series_lines(model: ModelDetailView) -> Iterator[str]:
    if not model.series:
        return
    yield ""
    yield "series:"
    ranked = sorted(model.series, key=_rank)
    yield from (f"  {line}" for line in _columns([_row(each) for each in ranked[:MOST_SERIES]]))
    more = max(model.series_count, len(ranked)) - min(MOST_SERIES, len(ranked))
    if more > 0:
        yield f"  and {more:,} more; --json shows them"


def _rank(series: SeriesView) -> tuple[int, bool, str, str]:
    known = _WORST_FIRST.index(series.state) if series.state in _WORST_FIRST else len(_WORST_FIRST)
    return (known, not series.is_late, series.metric, series.feature or "")


def _row(series: SeriesView) -> tuple[str, ...]:
    name = f"{series.metric} of {series.feature}" if series.feature else series.metric
    late = f"late since {instant_text(series.expected_at)}" if series.is_late and series.expected_at else ""
    limits = "; ".join(_limit(each) for each in series.limits)
    value = "-" if series.value is None else short(series.value)
    return (series.state, name, value, instant_text(series.observed_at), late or limits or "no limit")


def _limit(limit: LimitView) -> str:
    """`critical at 0.8 or less (metrics.accuracy.critical)`."""
    sides = [f"{short(limit.lower)} or less"] if limit.lower is not None else []
    sides += [f"{short(limit.upper)} or more"] if limit.upper is not None else []
    where = " and ".join(sides) or ("" if limit.limit is None else f"limit {short(limit.limit)}")
    if not where:
        return f"{limit.by}: {limit.because or 'no limit yet'}"
    return f"{limit.severity or 'bad'} at {where} ({limit.by})" if sides else f"{where} ({limit.by})"


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    shown = [tuple(printable(text) for text in row) for row in rows]
    widths = [max(len(row[place]) for row in shown) for place in range(len(shown[0]))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in shown]
