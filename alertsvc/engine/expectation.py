"""What would become of an alert: asked of the rules, the mutes and the incidents that the database has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from alertsvc.clock import new_id
from alertsvc.core.alerts import Alert
from alertsvc.core.explain import ASKED, Explanation, explain, graded_by
from alertsvc.core.foresee import Foreseen, Known, foresee
from alertsvc.core.incidents import Incident, Situation
from alertsvc.core.model import AlertState, Event, Labels, Severity
from alertsvc.core.mutes import Mutes, timed_by
from alertsvc.core.rules import Moment, Rules
from alertsvc.core.subscribers import event_labels
from alertsvc.engine.mute_origins import Origins, origins_of
from alertsvc.engine.muting import mutes_for
from alertsvc.engine.storming import with_storms
from alertsvc.ingest import alertmanager
from alertsvc.ingest.fingerprint import fingerprint
from alertsvc.store import alerts, incidents


@dataclass(frozen=True, slots=True)
class Question:
    """An alert that somebody thinks of: it begins to fire, or ends, at `at`.

    `severity` is for a source that says it in a field of its own; others have at most the label.
    """

    labels: Labels
    at: datetime
    severity: Severity | None = None
    state: AlertState = AlertState.FIRING

    def event(self, rules: Rules) -> Event:
        """The event that would arrive."""
        severity = graded_by(rules, self.labels, self.severity)
        source = alertmanager.SOURCE if self.severity is None else ASKED  # whose severity is nothing but a label
        return Event(source, fingerprint(self.labels), self.state, severity, self.labels)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer. `alert` is what is known of an alert with these labels, `stands_in` the incident it is in.

    `open_incident` is the one that an alert with these labels would join.
    """

    explanation: Explanation
    foreseen: Sequence[Foreseen]
    origins: Origins
    open_incident: Incident | None
    alert: Alert | None
    stands_in: Incident | None


def expect(question: Question, moment: Moment, conn: Connection) -> Expectation:
    """Say what would become of an alert, and why.

    Silences and time intervals are those at the instant of the question; what inhibits, storms, the incidents and who
    was told of them are as they are now.
    """
    event = question.event(moment.rules)
    mutes = mutes_for(conn, moment.rules, question.at, [event_labels(event)], besides=[event.fingerprint])
    explanation = explain(moment.rules, event.labels, question.severity, mutes)
    alert = alerts.known(conn, [event.fingerprint]).get(event.fingerprint)
    situations = _situations(conn, explanation, alert, moment)
    at = replace(with_storms(conn, moment), now=question.at)
    return Expectation(
        explanation=explanation,
        foreseen=foresee(at, event, mutes, Known(situations, alert)),
        origins=origins_of(conn, (mute.ref for mute in explanation.mutes)),
        open_incident=_open(situations, explanation.correlation.key),
        alert=alert,
        stands_in=_own(situations, alert),
    )


def _situations(conn: Connection, explanation: Explanation, alert: Alert | None, moment: Moment) -> list[Situation]:
    own = [alert.incident_id] if alert is not None and alert.incident_id is not None else []
    since = moment.now - explanation.correlation.reopen_within
    return incidents.seen(conn, own, [explanation.correlation.key], since)


def _open(situations: Sequence[Situation], key: str) -> Incident | None:
    found = [each.incident for each in situations if each.incident is not None]
    return next((each for each in found if each.is_open and each.correlation_key == key), None)


def _own(situations: Sequence[Situation], alert: Alert | None) -> Incident | None:
    found = [each.incident for each in situations if each.incident is not None]
    return next((each for each in found if alert is not None and each.id == alert.incident_id), None)


def expect_of_rules(question: Question, rules: Rules) -> tuple[Explanation, Sequence[Foreseen]]:
    """The same where there is no database: of a first alert, when nothing mutes but the clock."""
    event = question.event(rules)
    mutes = Mutes(question.at, timed=timed_by(rules.intervals))
    explanation = explain(rules, event.labels, question.severity, mutes)
    return explanation, foresee(Moment(rules, question.at, new_id), event, mutes, Known())
