"""What people ask for: each a transaction of its own, each refused with a reason when it is impossible."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from alertsvc import failpoints
from alertsvc.core import acts
from alertsvc.core.acts import Act, Actor, NotPossibleError
from alertsvc.core.incidents import Incident, Situation
from alertsvc.core.rules import Moment
from alertsvc.engine.apply import apply_effects
from alertsvc.engine.inhibiting import inhibit_again, stop_inhibiting
from alertsvc.engine.storming import with_storms
from alertsvc.store import alerts, incidents, redelivery
from alertsvc.store.database import Database
from alertsvc.store.redelivery import RetryState


class UnknownThingError(LookupError):
    """There is no such incident, delivery, ... The text names it."""


class VersionMismatchError(Exception):
    """The incident changed since the caller read it."""


@dataclass(frozen=True, slots=True)
class Order:
    """An act of a person on an incident. `version` is what they had read, None when they do not mind."""

    incident_id: UUID
    actor: Actor
    version: int | None = None


Decide = Callable[[Connection, Situation, Order, Moment], Act]


async def carry_out(database: Database, order: Order, decide: Decide, moment: Moment) -> Incident:
    """Do what `decide` says, in one transaction. Returns the incident as it is then.

    Raises:
        UnknownThingError: No such incident.
        VersionMismatchError: It changed since the caller read it.
        NotPossibleError: Its state does not allow it.
    """
    incident = await database.transaction(partial(_carry_out, order, decide, moment))
    failpoints.reach("command.committed")
    return incident


def _carry_out(order: Order, decide: Decide, moment: Moment, conn: Connection) -> Incident:
    situation = incidents.situation(conn, order.incident_id)
    if situation is None or situation.incident is None:
        raise UnknownThingError(f"incident {order.incident_id}")
    if order.version is not None and situation.incident.version != order.version:
        raise VersionMismatchError(f"the incident is at version {situation.incident.version}, not {order.version}")
    deciding = with_storms(conn, moment)
    act = decide(conn, situation, order, deciding)
    failpoints.reach("command.decided")
    if act.effects is not None:
        apply_effects(conn, act.effects, deciding)
    failpoints.reach("command.written")
    return act.incident


def acknowledge(_conn: Connection, situation: Situation, order: Order, moment: Moment) -> Act:
    """See `acts.acknowledge`."""
    return acts.acknowledge(situation, order.actor, moment)


def unacknowledge(_conn: Connection, situation: Situation, order: Order, moment: Moment) -> Act:
    """See `acts.unacknowledge`."""
    return acts.unacknowledge(situation, order.actor, moment)


def comment(_conn: Connection, situation: Situation, order: Order, moment: Moment) -> Act:
    """See `acts.comment`."""
    return acts.comment(situation, order.actor, moment)


def resolve(conn: Connection, situation: Situation, order: Order, moment: Moment) -> Act:
    """See `acts.resolve`; its alerts end with it."""
    act = acts.resolve(situation, order.actor, moment)
    if act.effects is not None:
        alerts.close_all(conn, act.incident.id, moment.now, order.actor.name)
        stop_inhibiting(conn, act.incident.id, moment)
    return act


def reopen(conn: Connection, situation: Situation, order: Order, moment: Moment) -> Act:
    """See `acts.reopen`; the alerts that a person's resolve had ended fire again.

    Raises:
        NotPossibleError: The same problem has an open incident already.
    """
    incident = situation.incident
    if incident is None or incident.is_open or incident.resolved_at is None:
        return acts.reopen(situation, (0, 0, 0, 0), order.actor, moment)
    other = incidents.open_number(conn, incident.correlation_key)
    if other is not None:
        raise NotPossibleError(f"incident #{other} is already open for the same problem")
    firing = alerts.closed_by_person(conn, incident.id, incident.resolved_at)
    act = acts.reopen(situation, firing, order.actor, moment)
    alerts.reopen_all(conn, incident.id, incident.resolved_at)
    inhibit_again(conn, incident.id, moment)
    return act


async def retry_delivery(database: Database, delivery_id: UUID, actor: Actor, moment: Moment) -> UUID:
    """Have a delivery tried now: one that waits at once, one that failed as a new delivery. Returns the one to watch.

    Raises:
        UnknownThingError: No such delivery.
        NotPossibleError: It was accepted, was taken back, is being sent right now, or its incident is over.
    """
    state, found = await database.transaction(partial(_retry, delivery_id, actor, moment))
    if state is RetryState.UNKNOWN:
        raise UnknownThingError(f"delivery {delivery_id}")
    if state is RetryState.SENDING:
        raise NotPossibleError("it is being sent right now")
    if state is RetryState.OVER:
        raise NotPossibleError("the incident is over: that it fires is no news any more")
    if state is RetryState.ENDED_WELL:
        raise NotPossibleError("only a delivery that waits or has failed can be retried")
    return found


def _retry(delivery_id: UUID, actor: Actor, moment: Moment, conn: Connection) -> tuple[RetryState, UUID]:
    return redelivery.retry(conn, delivery_id, actor.name, moment.now, moment.new_id)
