"""How each firing alert stands right now: which routes take it, and what keeps its news back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.core.correlate import correlation_of
from alertsvc.core.inhibition import inhibitors
from alertsvc.core.model import Labels
from alertsvc.core.mutes import MuteKind, Mutes
from alertsvc.core.route import Route
from alertsvc.core.rules import Rules
from alertsvc.core.severity import with_severity
from alertsvc.engine.muting import mutes_for
from alertsvc.store import firing
from alertsvc.store.firing import ListedAlert


@dataclass(frozen=True, slots=True)
class Standing:
    """A firing alert, the routes that take it, and what mutes it.

    `correlated` are the labels that make its incident where a rule of `correlate` does; None where its routes group it.
    `silenced_by` are ids of silences, `inhibited_by` fingerprints of alerts; `timed_by` has, by the path of a route,
    the time interval that mutes it there.
    """

    alert: ListedAlert
    routes: tuple[Route, ...]
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    timed_by: Mapping[str, str]
    correlated: Labels | None = None

    @property
    def is_suppressed(self) -> bool:
        """Whether a person or another alert keeps its news back."""
        return bool(self.silenced_by or self.inhibited_by)


def standings(conn: Connection, rules: Rules, now: datetime, after: str, limit: int) -> list[Standing]:
    """At most `limit` firing alerts, those whose fingerprint follows `after`, in the order of fingerprints."""
    page = firing.page(conn, after, limit)
    in_force = mutes_for(conn, rules, now, [with_severity(each.labels, each.severity, each.source) for each in page])
    return [_standing(each, rules, in_force) for each in page]


def _standing(alert: ListedAlert, rules: Rules, in_force: Mutes) -> Standing:
    labels = with_severity(alert.labels, alert.severity, alert.source)
    routes = rules.routing.routes_for(labels)
    silences = [mute.ref for mute in in_force.on(labels, rules.root) if mute.kind is MuteKind.SILENCE]
    sources = inhibitors(rules.inhibit, labels, in_force.sources)
    timed = {route.path: found[0] for route in routes if (found := in_force.timed(route, in_force.now))}
    rule = rules.correlating.rule_for(alert.labels)
    return Standing(
        alert=alert,
        routes=routes,
        silenced_by=tuple(ref.partition(":")[2] for ref in silences),
        inhibited_by=tuple(dict.fromkeys(source.fingerprint for _, source in sources)),
        timed_by=timed,
        correlated=None if rule is None else correlation_of(rule, alert.labels).labels,
    )
