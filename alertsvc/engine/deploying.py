"""What happened to versions of a model: kept, told in the timelines of its open incidents, and begun anew with.

A deployment is an annotation and never an alert. Series of a version that another took the place of are let go.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import Connection

from alertsvc.core.deployments import Deployment, said, superseded
from alertsvc.core.effects import HistoryEntry
from alertsvc.core.endings import SUPERSEDED
from alertsvc.core.rules import Moment
from alertsvc.engine.farewells import Farewell
from alertsvc.engine.lately import Lately
from alertsvc.engine.retiring import let_go
from alertsvc.store import arrivals, deployments, freshness, incidents, series
from alertsvc.store.database import Database
from alertsvc.store.deployments import DeploymentRecord
from alertsvc.store.insertions import Insertions

MOST_BEFORE = 500
"""Of so many deployments of a model it is looked at which versions stand."""
MOST_LET_GO = 500
"""Series of superseded versions that one deployment lets go; others stay until they are forgotten."""

GONE_WITH_VERSION = Farewell("is of a version that was superseded", SUPERSEDED)


class KeyWasUsedError(Exception):
    """The key of a delivery came with another body before."""


async def record_deployments(
    database: Database,
    lately: Lately,
    made: Sequence[Deployment],
    moment: Moment,
    *,
    once: str | None = None,
    body: bytes = b"",
) -> list[DeploymentRecord]:
    """Keep what happened, write it into the timelines of open incidents, and restart baselines.

    Args:
        database: Where to.
        lately: What this process remembers, which is to know of it at once.
        made: What happened, each to one model.
        moment: The rules and the present instant.
        once: A key of the sender's delivery: what comes with it again is not kept again, and none is returned. What
            came with it first has the identities that `identity_of` gives.
        body: What came with the key, where nobody else has seen to it that a key comes with one body only.

    Raises:
        KeyWasUsedError: `once` came with another body before.
        StoreUnavailableError: Nothing of it is kept.
    """
    records = await database.transaction(partial(_record, made, moment, once, body))
    lately.note(records)
    return records


def _record(
    made: Sequence[Deployment], moment: Moment, once: str | None, body: bytes, conn: Connection
) -> list[DeploymentRecord]:
    if once is not None and not _is_first(conn, f"deployment:{once}", body, moment.now):
        return []
    before = {model: deployments.of_model(conn, model, limit=MOST_BEFORE) for model in {each.model for each in made}}
    records = [
        DeploymentRecord(identity_of(once, place) if once is not None else moment.new_id(), each, moment.now)
        for place, each in enumerate(made)
    ]
    for model, known in sorted(before.items()):
        of_model = [each for each in made if each.model == model]
        _let_go(conn, model, superseded([each.deployment for each in known], of_model), moment)
    for each in made:
        if each.changes_version:
            series.restart_baselines(conn, each)
    deployments.add(conn, records)
    lines = [line for each in made for line in _lines(conn, each, moment)]
    new = Insertions()
    incidents.add_history(new, lines, (moment.new_id() for _ in lines))
    new.write(conn)
    return records


def _is_first(conn: Connection, key: str, body: bytes, now: datetime) -> bool:
    digest = hashlib.sha256(body).hexdigest() if body else ""
    if key in arrivals.claim_keys(conn, {key: digest}, now):
        return True
    if arrivals.hashes_of(conn, [key])[key] not in {digest, ""}:  # nothing is known of a body where there is no hash
        raise KeyWasUsedError(key)
    return False


def identity_of(once: str, place: int = 0) -> UUID:
    """The identity of a deployment that came with a key of its sender's, at a place among those that did."""
    return uuid5(NAMESPACE_URL, f"alertsvc:deployment:{once}:{place}")


def _lines(conn: Connection, made: Deployment, moment: Moment) -> list[HistoryEntry]:
    facts: dict[str, object] = {
        "action": made.action,
        "model_version": made.model_version,
        "alias": made.alias,
        "environment": made.environment,
        "happened_at": made.happened_at.isoformat(),
    }
    return [
        HistoryEntry(incident_id, moment.now, "deployment", made.source, made.source, said(made), facts)
        for incident_id in incidents.open_of_model(conn, made.model, made.environment)
    ]


def _let_go(conn: Connection, model: str, versions: set[str], moment: Moment) -> None:
    """Only series whose identity is the version: those of the others go on with the next."""
    if versions:
        found = freshness.watched(conn, series.of_versions(conn, model, versions, MOST_LET_GO))
        let_go(conn, found, GONE_WITH_VERSION, moment)
