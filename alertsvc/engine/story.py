"""Who was told what of an incident, what kept the rest back, what comes next, and what routing says of it today."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from alertsvc.core.explain import Taking, takings, told_by
from alertsvc.core.incidents import Believer, Incident, Situation
from alertsvc.core.model import Deliver
from alertsvc.core.rules import Moment
from alertsvc.core.severity import with_severity
from alertsvc.engine.mute_origins import Origins, origins_of
from alertsvc.engine.muting import mutes_for
from alertsvc.store import alerts, incidents, mutes, reading, timers
from alertsvc.store.alerts import FiringAlert, Flapping
from alertsvc.store.bulk import AnyRow
from alertsvc.store.reading import Page

MOST_ALERTS = 50
"""How many firing alerts are asked about, the gravest first."""


@dataclass(frozen=True, slots=True)
class Today:
    """What routing and mutes say now of an alert that fires."""

    alert: FiringAlert
    taken: Sequence[Taking]


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known of who was told of an incident. Rows are those of the tables, by their ids.

    `page` holds notifications, `superseding` those that took the place of some of them; `kept_back` rows of `mute`,
    `coming` rows of `timer`. `today` are the gravest of the alerts that fire.
    """

    incident: Incident
    situation: Situation
    page: Page
    superseding: Mapping[UUID, AnyRow]
    deliveries: Mapping[UUID, AnyRow]
    attempts: Mapping[UUID, Sequence[AnyRow]]
    digests: Mapping[UUID, AnyRow]
    kept_back: Sequence[AnyRow]
    coming: Sequence[AnyRow]
    flapping: Flapping | None
    today: Sequence[Today]
    origins: Origins

    @property
    def destinations(self) -> list[str]:
        """Everybody who is in it: who believes something, who is in the page, whom routing names today."""
        told = [name for each in self.today for name in told_by(each.taken)]
        return list(dict.fromkeys([*self.situation.believers, *(row.destination for row in self.page.items), *told]))

    def today_of(self, destination: str) -> Taking | None:
        """The route by which `destination` would hear of what fires today, the most urgent."""
        found = [told_by(each.taken).get(destination) for each in self.today]
        return max((each for each in found if each is not None), key=lambda each: each.weight, default=None)


def story(conn: Connection, incident_id: UUID, page: Page, moment: Moment) -> Story | None:
    """The story of an incident around a page of its notifications; None when there is no such incident."""
    found = incidents.seen(conn, [incident_id], [], moment.now)
    situation = next((each for each in found if each.incident is not None), None)
    if situation is None or situation.incident is None:
        return None
    rows = page.items
    covered = {each.delivery_id for each in rows if each.delivery_id} | {each.id for each in situation.live}
    windows = {each.digest_id for each in (*rows, *situation.pending) if each.digest_id}
    today = _today(conn, incident_id, moment)
    kept_back = mutes.rows_of(conn, incident_id)
    refs = {row.muted_by for row in rows if row.muted_by} | {row.ref for row in kept_back}
    refs |= {mute.ref for each in today for taking in each.taken for mute in taking.mutes}
    return Story(
        incident=situation.incident,
        situation=situation,
        page=page,
        superseding=_by_id(
            reading.notifications_by_ids(conn, {row.superseded_by for row in rows if row.superseded_by})
        ),
        deliveries=_by_id(reading.deliveries_by_ids(conn, covered)),
        attempts=_attempts(conn, covered),
        digests=_by_id(reading.digests_by_ids(conn, windows)),
        kept_back=kept_back,
        coming=timers.of_incident(conn, incident_id),
        flapping=alerts.flapping_of(conn, incident_id),
        today=today,
        origins=origins_of(conn, refs),
    )


def _today(conn: Connection, incident_id: UUID, moment: Moment) -> list[Today]:
    firing = alerts.firing_of(conn, incident_id, MOST_ALERTS)
    listed = [with_severity(each.labels, each.severity, each.source) for each in firing]
    in_force = mutes_for(conn, moment.rules, moment.now, listed)
    return [
        Today(each, takings(moment.rules, labels, each.severity, in_force))
        for each, labels in zip(firing, listed, strict=True)
    ]


def _by_id(rows: Iterable[AnyRow]) -> dict[UUID, AnyRow]:
    return {row.id: row for row in rows}


def _attempts(conn: Connection, delivery_ids: Iterable[UUID]) -> dict[UUID, list[AnyRow]]:
    found: dict[UUID, list[AnyRow]] = {}
    for row in reading.attempts_of(conn, list(delivery_ids)):
        found.setdefault(row.delivery_id, []).append(row)
    return found


def difference(believer: Believer | None, today: Taking | None) -> str | None:
    """How routing of today differs from what was decided for a destination then; None: it does not, or cannot be seen.

    `today` is None when no route leads there for anything that fires.
    """
    if believer is None or believer.state == "ended":
        if today is None or today.deliver is Deliver.NONE or today.mutes:
            return None
        return f"today {today.route.path} leads here ({today.deliver}); nobody was told when it began"
    if today is None:
        return f"{believer.route} led here then; today no route does"
    then, now = believer.deliver, today.route.deliver[believer.severity]
    if believer.route == today.route.path and then is now:
        return None
    return f"then {believer.route} ({then}), today {today.route.path} ({now})"
