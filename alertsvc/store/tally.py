"""What a transaction counts: told once it has committed, forgotten with a transaction that has not."""

from collections import Counter

from sqlalchemy import Connection

_KEY = "alertsvc_tally"

Tally = Counter[str]
"""How often something happened, by its name."""


def count(conn: Connection, name: str, by: int = 1) -> None:
    """Something happened in this transaction."""
    if by:
        conn.info.setdefault(_KEY, Counter())[name] += by


def begin(conn: Connection) -> None:
    """Forget what an earlier transaction on the same connection left behind when it failed."""
    conn.info.pop(_KEY, None)


def taken(conn: Connection) -> Tally:
    """What this transaction counted so far. It is not counted again."""
    return conn.info.pop(_KEY, None) or Counter()
