"""After a run: is everything there that was acknowledged, was everybody told, and how often?"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, create_engine, func, make_url, select

from alertsvc.store import migrate
from alertsvc.store.tables import alert, arrival, delivery, history, incident, notification, outbox
from tests import ledger
from tests.faults.fault import Outcome

if TYPE_CHECKING:
    from tests.faults.stage import Stage


def everything_has_left(url: str) -> bool:
    """Whether no message waits. It only looks: to SQLite it is no writer."""
    engine = create_engine(make_url(url).set(drivername="sqlite" if url.startswith("sqlite") else "postgresql+psycopg"))
    try:
        with engine.connect() as conn:
            return conn.execute(select(func.count()).select_from(outbox)).scalar_one() == 0
    finally:
        engine.dispose()


def close_books(play: "Stage", outcome: Outcome) -> None:
    """Count, and say what is wrong."""
    migrate.on_connection(play.place.database_url, lambda conn: _count(conn, play, outcome), exclusive=False)
    outcome.acknowledged = play.log.count
    outcome.messages = len(play.steady.told) + len(play.troubled.told) + len(play.pager.requests)
    outcome.remarks += [*play.remarks, f"{play.log.refusals} refusals"]
    outcome.broken += list(dict.fromkeys(f"a refusal was {wrong}" for wrong in play.log.wrong))[:5]
    for hook in (play.steady, play.troubled, play.pager):
        outcome.broken += hook.faults[:5]
    for hook in (play.steady, play.troubled):
        outcome.broken += [f"out of order: {each}" for each in hook.disorder()[:5]]
    if outcome.repeats > outcome.may_repeat:
        outcome.broken.append(f"{outcome.repeats} repeats, and at most {outcome.may_repeat} may be")
    if outcome.lost or outcome.untold:
        outcome.broken.append(f"{outcome.lost} lost, {outcome.untold} untold")
    assert play.service is not None
    _, found, after = play.service.output.partition("Traceback")
    if found:
        outcome.broken.append(f"the log has a mistake of its own: {after[:3000]}")


def _count(conn: Connection, play: "Stage", outcome: Outcome) -> None:
    try:
        ledger.check(conn)
    except AssertionError as fault:
        outcome.mismatches += 1
        outcome.broken.append(f"the books do not balance: {fault}")
    states = {row.fingerprint: row.state for row in conn.execute(select(alert.c.fingerprint, alert.c.state))}
    log = play.log
    outcome.lost = len(set(log.fired) - set(states))
    outcome.lost += sum(states.get(each) != "resolved" for each in log.ended)
    acknowledged = select(history.c.incident_id).where(history.c.kind == "acknowledged")
    outcome.lost += len(log.incidents - {str(row.incident_id) for row in conn.execute(acknowledged)})
    arrivals = conn.execute(select(func.count()).select_from(arrival)).scalar_one()
    outcome.lost += max(0, log.requests - arrivals)
    _count_messages(conn, play, outcome)


def _count_messages(conn: Connection, play: "Stage", outcome: Outcome) -> None:
    n = notification.c
    ended = conn.execute(select(n.destination, n.delivery_id, n.reason, n.state, n.incident_id)).all()
    outcome.untold += sum(row.state not in {"delivered", "superseded"} for row in ended)
    outcome.untold -= _ends_nobody_had_to_hear(ended)
    status = {str(row.id): row.status for row in conn.execute(select(incident.c.id, incident.c.status))}
    for name, hook in (("steady", play.steady), ("troubled", play.troubled)):
        heard, last = {each.id for each in hook.told}, hook.last()
        delivered = {str(row.delivery_id) for row in ended if row.state == "delivered" and name in row.destination}
        outcome.untold += len(delivered - heard)
        outcome.untold += sum(state != "resolved" and each not in last for each, state in status.items())
        outcome.untold += sum(status[each] == "resolved" and word != "resolved" for each, word in last.items())
    paged = {str(row.incident_id) for row in ended if "pagerduty" in row.destination}
    firing = sum(status[each] != "resolved" for each in paged)
    outcome.untold += abs(firing - sum(each.state != "resolved" for each in play.pager.alerts))
    if play.pager.pages > len(paged):
        outcome.broken.append(f"{play.pager.pages} pages for {len(paged)} incidents")
    outcome.repeats = play.steady.repeats + play.troubled.repeats
    unknown = conn.execute(select(func.coalesce(func.sum(delivery.c.unknown_count), 0))).scalar_one()
    outcome.may_repeat = int(unknown) if play.may_repeat is None else play.may_repeat


def _ends_nobody_had_to_hear(ended: Sequence[Any]) -> int:
    """Ends that were not told because the opening had never left."""
    unopened = {
        (row.incident_id, row.destination) for row in ended if (row.reason, row.state) == ("opened", "superseded")
    }
    return sum(
        (row.reason, row.state) == ("resolved", "suppressed") and (row.incident_id, row.destination) in unopened
        for row in ended
    )
