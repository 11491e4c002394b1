"""The books: what must be true of the database after anything that happened to it."""

from sqlalchemy import Connection, func, select, text

from alertsvc.store.tables import arrival, event, incident, notification, notification_mute, outbox

TERMINAL = ("delivered", "failed", "suppressed", "superseded")


def check(conn: Connection) -> None:
    """Fail with the entry that does not balance."""
    _arrivals_add_up(conn)
    _events_are_counted(conn)
    _notifications_end_or_wait_for_something(conn)
    _mutes_of_notifications_are_whole(conn)
    _lanes_have_one_head(conn)
    _counts_are_true(conn)
    _one_open_incident_per_key(conn)


def _arrivals_add_up(conn: Connection) -> None:
    a = arrival.c
    sums = a.new_count + a.updated_count + a.duplicate_count + a.stale_count + a.recorded_count + a.quarantined_count
    assert conn.execute(select(func.count()).where(a.received_count != sums)).scalar_one() == 0


def _events_are_counted(conn: Connection) -> None:
    changed = conn.execute(
        select(func.coalesce(func.sum(arrival.c.new_count + arrival.c.updated_count), 0))
    ).scalar_one()
    assert conn.execute(select(func.count()).select_from(event)).scalar_one() == changed


def _notifications_end_or_wait_for_something(conn: Connection) -> None:
    n = notification.c
    orphans = conn.execute(
        select(n.id, n.reason, n.destination, n.state).where(
            n.state == "pending",
            n.delivery_id.is_(None) | n.delivery_id.not_in(select(outbox.c.id)),
            n.digest_id.is_(None) | n.delivery_id.is_not(None),
        )
    ).all()
    assert orphans == []
    assert conn.execute(select(func.count()).where(n.state.not_in((*TERMINAL, "pending")))).scalar_one() == 0


def _mutes_of_notifications_are_whole(conn: Connection) -> None:
    n, m = notification.c, notification_mute.c
    first = {(row.id, row.muted_by) for row in conn.execute(select(n.id, n.muted_by).where(n.muted_by.is_not(None)))}
    listed = set(map(tuple, conn.execute(select(m.notification_id, m.ref))))
    assert first <= listed
    assert {key for key, _ in listed} == {key for key, _ in first}


def _lanes_have_one_head(conn: Connection) -> None:
    lanes = {row.lane for row in conn.execute(select(outbox.c.lane))}
    heads = [row.lane for row in conn.execute(select(outbox.c.lane).where(outbox.c.state != "waiting"))]
    assert sorted(heads) == sorted(lanes)


def _counts_are_true(conn: Connection) -> None:
    rows = conn.execute(
        text(
            "SELECT i.number, i.firing_info, i.firing_warning, i.firing_error, i.firing_critical,"
            " sum(CASE WHEN a.severity = 1 AND a.state = 'firing' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN a.severity = 2 AND a.state = 'firing' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN a.severity = 3 AND a.state = 'firing' THEN 1 ELSE 0 END),"
            " sum(CASE WHEN a.severity = 4 AND a.state = 'firing' THEN 1 ELSE 0 END)"
            " FROM incident i JOIN alert a ON a.incident_id = i.id"
            " GROUP BY i.number, i.firing_info, i.firing_warning, i.firing_error, i.firing_critical"
        )
    ).all()
    wrong = [tuple(row) for row in rows if tuple(row[1:5]) != tuple(int(value) for value in row[5:9])]
    assert wrong == []


def _one_open_incident_per_key(conn: Connection) -> None:
    crowded = conn.execute(
        select(incident.c.correlation_key)
        .where(incident.c.status != "resolved")
        .group_by(incident.c.correlation_key)
        .having(func.count() > 1)
    ).all()
    assert crowded == []
