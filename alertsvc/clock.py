"""The only module that asks the system for the time or for a new identifier."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7

Clock = Callable[[], datetime]
"""Gives the present instant, aware, in UTC."""

NewId = Callable[[], UUID]
"""Gives a fresh identifier; later ones sort after earlier ones (UUID version 7)."""


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A fresh UUID version 7."""
    return uuid7()
