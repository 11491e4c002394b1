"""What a transaction counts: told once it has committed, forgotten with a transaction that has not."""

from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from sqlalchemy import Connection

_KEY = "alertsvc_tally"

Tally = Counter[tuple[str, ...]]
"""How often something happened, by what it was: one of the words below and what it was about."""

DELIVERY = "delivery"
"""A delivery ended: destination, and how."""
NOTIFICATION = "notification"
"""A notification ended: destination, and how."""
SUPPRESSED = "suppressed"
"""A notification was not to be told: the kind of what kept it back."""
LEASE_EXPIRED = "lease_expired"
"""A lease ended before its try did."""


def count(conn: Connection, *what: str, by: int = 1) -> None:
    """Something happened in this transaction."""
    if by:
        conn.info.setdefault(_KEY, Tally())[what] += by


def count_each(conn: Connection, what: str, about: Iterable[tuple[str, ...]]) -> None:
    """`what` happened once for each of `about`."""
    for each in about:
        count(conn, what, *each)


@contextmanager
def provisionally(conn: Connection) -> Generator[None]:
    """What is counted within is forgotten when it fails: a savepoint is rolled back then."""
    before = Tally(conn.info.get(_KEY, {}))
    try:
        yield
    except BaseException:
        conn.info[_KEY] = before
        raise


def begin(conn: Connection) -> None:
    """Forget what an earlier transaction on the same connection left behind when it failed."""
    conn.info.pop(_KEY, None)


def taken(conn: Connection) -> Tally:
    """What this transaction counted so far. It is not counted again."""
    return conn.info.pop(_KEY, None) or Tally()
