"""The reasoning about an alert as text for people."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from alertsvc.cli.routes_text import drawn
from alertsvc.core.durations import write_duration
from alertsvc.core.foresee import Way
from alertsvc.core.tell import CHANGES_OF_HANDS
from alertsvc.quoting import printable
from alertsvc.web.explanation_views import ExplanationView, FindingView, KnownAlert, OutcomeView, TakingView
from alertsvc.web.mute_views import MuteView


def shown_explanation(known: ExplanationView) -> list[str]:
    """The whole reasoning: what the alert is, who would be told when, what became of each route, what those do."""
    lines = [
        f"labels: {label_text(known.labels)}",
        f"severity: {known.severity}",
        f"incident: {_incident(known)}",
        *_now(known),
        "",
        *drawn(known.tree, _finding_line, lambda finding: finding.routes),
    ]
    for taking in known.taken:
        lines += ["", *_taking_lines(taking, known)]
    return [printable(line) for line in lines]


def shown_instant(known: ExplanationView) -> list[str]:
    """What is so at the instant that was asked about, without the reasoning."""
    return [printable(line) for line in _now(known)]


def label_text(labels: Mapping[str, str]) -> str:
    """Labels on one line."""
    return " ".join(f'{name}="{value}"' for name, value in labels.items()) or "none"


def instant_text(instant: datetime) -> str:
    """An instant to the second, in UTC."""
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _now(known: ExplanationView) -> Iterator[str]:
    """What is so at the instant that was asked about."""
    if known.incident.open is not None:
        found = known.incident.open
        yield f"open now: #{found.number} {found.title} ({found.status}, {found.severity})"
    if known.alert is not None:
        yield f"alert: {_alert(known.alert)}"
    if known.at is not None:
        begins = "ends" if known.status == "resolved" else "begins to fire"
        yield f"if it {begins} at {instant_text(known.at)}:"
        yield from (f"  {outcome_text(each)}" for each in known.outcomes)
    for mute in known.mutes:
        yield from mute_lines(mute)
    yield from (f"note: {note}" for note in known.notes)


def _alert(alert: KnownAlert) -> str:
    flaps = f", flaps until {instant_text(alert.flapping_until)} at least" if alert.flapping_until else ""
    stands_in = f", in incident #{alert.incident.number}" if alert.incident else ""
    return f"{alert.fingerprint} is {alert.state} since {instant_text(alert.starts_at)}{stands_in}{flaps}"


def outcome_text(each: OutcomeView) -> str:
    """What one destination would be told, on one line."""
    reason = f" ({each.reason})" if each.reason else ""
    deaf = "; its channel is not told such news" if each.hears is False else ""
    return f"{each.destination}: {_way(each)}{reason}: {each.why}{deaf}"


def _way(each: OutcomeView) -> str:
    at = f" at {instant_text(each.due_at)}" if each.due_at else ""
    match Way(each.way):
        case Way.NOW:
            return "told at once"
        case Way.LATER:
            return f"told{at}"
        case Way.DIGEST:
            return f"in the digest {each.digest}, due{at}"
        case Way.ALONG:
            return f"in what is on its way{at}"
        case Way.MUTED:
            return "muted"
        case Way.NOT_TOLD:
            return "not told"


def mute_lines(mute: MuteView) -> Iterator[str]:
    """A mute, until when, and who is behind it."""
    until = f", until {instant_text(mute.until)}" if mute.until and mute.silence is None else ""
    yield f"muted: {mute.said}{until}"
    if mute.silence is not None:
        yield f"  silence {mute.silence.id} by {mute.silence.created_by}: {mute.silence.comment}"
        if mute.until is not None:  # it may have been ended, or extended, since it was said until when
            yield f"  as it is by now, it mutes until {instant_text(mute.until)}"
        yield f"  it fits {', '.join(mute.silence.matchers)}"
    if mute.alert is not None:
        stands_in = f", incident #{mute.alert.incident}" if mute.alert.incident is not None else ""
        yield f"  by the alert {label_text(mute.alert.labels)}{stands_in}"


def _incident(known: ExplanationView) -> str:
    made = known.incident
    if not made.by:
        return f"one for all that rule {made.rule} fits"
    return f"{label_text(made.labels)} (rule {made.rule}: by {', '.join(made.by)})"


def _finding_line(finding: FindingView) -> str:
    stops = "; it does not continue, so the search ends here" if finding.stops else ""
    match finding.standing:
        case "takes":
            return f"{finding.route}  takes it, receiver {finding.receiver}{stops}"
        case "leads":
            return f"{finding.route}  fits{stops}"
        case "fails":
            return f"{finding.route}  does not fit: {_misfit(finding)}"
        case _:
            return f"{finding.route}  not looked at: {finding.stopped_by} took it and does not continue"


def _misfit(finding: FindingView) -> str:
    misfit = finding.misfit
    if misfit is None:
        return ""
    if misfit.found is None:
        return f"{misfit.matcher}, and there is no label {misfit.label}"
    return f'{misfit.matcher}, and it is "{misfit.found}"'


def _taking_lines(taking: TakingView, known: ExplanationView) -> Iterator[str]:
    way = f"in the digest {taking.digest}" if taking.digest else _WAYS.get(taking.deliver, taking.deliver)
    yield f"{taking.receiver} ({taking.route})"
    yield f"  {known.severity}: {way}"
    told_by = {each.destination: each.route for each in known.outcomes}
    others = {name: told_by.get(name, taking.route) for name in taking.destinations}
    listed = [name if path == taking.route else f"{name} (told by {path})" for name, path in others.items()]
    yield f"  destinations: {', '.join(listed) or 'none'}"
    for name, reasons in taking.does_not_hear.items():
        unheard = [reason for reason in reasons if reason not in CHANGES_OF_HANDS]  # few channels can show these
        if unheard:
            yield f"  {name} is not told: {', '.join(unheard)}"
    spans = {
        "group_wait": taking.group_wait_seconds,
        "group_interval": taking.group_interval_seconds,
        "repeat_interval": taking.repeat_interval_seconds,
    }
    yield f"  timing: {', '.join(f'{key} {write_duration(timedelta(seconds=span))}' for key, span in spans.items())}"
    if taking.mute_time_intervals:
        yield f"  muted during: {', '.join(taking.mute_time_intervals)}"
    if taking.active_time_intervals:
        yield f"  muted outside: {', '.join(taking.active_time_intervals)}"
    yield from (f"  muted now: {mute.said}" for mute in taking.mutes)


_WAYS = {"immediate": "at once", "none": "not sent, kept in the history"}
