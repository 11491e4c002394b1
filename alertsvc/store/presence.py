"""Which processes of the service are at the same PostgreSQL: what they do is in the name of their sessions."""

from sqlalchemy import Connection, func, select, text, update

from alertsvc.store.tables import outbox

NAME = "alertsvc"
SENDS = ("all", "worker")


def session_name(role: str) -> str:
    """What the sessions of a process are called."""
    return f"{NAME} {role}"


def is_any_sender_here(conn: Connection) -> bool:
    """Whether a process that sends has a session, on PostgreSQL. A pooler in between may hide one for a moment."""
    sessions = text("pg_stat_activity")
    is_here = text("datname = current_database() AND application_name = ANY(:names)")
    chosen = select(func.count()).select_from(sessions).where(is_here)
    return conn.execute(chosen, {"names": [session_name(role) for role in SENDS]}).scalar_one() > 0


def write_nothing(conn: Connection) -> None:
    """A write that changes nothing, and that a database refuses all the same when it takes none."""
    conn.execute(update(outbox).where(text("false")).values(state=outbox.c.state))
