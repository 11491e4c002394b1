"""How processes on one PostgreSQL wake each other: NOTIFY and LISTEN, each on a connection of its own.

It carries nothing and promises nothing. What is due is in the tables, and whoever sends looks there by itself.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from sqlalchemy.exc import SQLAlchemyError

from alertsvc.store.database import StoreUnavailableError, describe
from alertsvc.store.dsn import parse_dsn
from alertsvc.store.reach import DRIVER_FAULTS, Reach, Session

CHANNEL = "alertsvc_due"
COMMAND_SECONDS = 3.0
LOOK_SECONDS = 15.0
"""So often a listener looks whether its server still is the one that takes writes: on another nobody rings."""
_STANDS_BY = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean"
_FAULTS = (*DRIVER_FAULTS, SQLAlchemyError, OSError)


class Doorbell:
    """Rings, and hears others ring. It connects when it is first used."""

    def __init__(self, reach: Reach, look_seconds: float = LOOK_SECONDS) -> None:
        self._reach = reach
        self._look_seconds = look_seconds
        self._ringing: Session | None = None

    async def ring(self) -> None:
        """Wake whoever listens.

        Raises:
            StoreUnavailableError: Nobody was woken. The next time another connection is made.
        """
        try:
            if self._ringing is None or self._ringing.is_closed():
                self._ringing = cast(Session, await self._reach())
            await self._ringing.execute(f"NOTIFY {CHANNEL}")
        except _FAULTS as fault:
            self.close()
            raise StoreUnavailableError(describe(fault)) from fault

    async def listen(self, heard: Callable[[], None], listening: Callable[[], None] = lambda: None) -> None:
        """Call `listening` once it does, and then `heard` whenever somebody rings, until the connection is lost.

        Raises:
            StoreUnavailableError: It is lost, or could not be made, or its server takes no writes any more.
        """
        try:
            connection = cast(Session, await self._reach())
        except _FAULTS as fault:
            raise StoreUnavailableError(describe(fault)) from fault
        lost = asyncio.Event()

        def hang_up(_connection: object) -> None:
            lost.set()

        def pick_up(*_: object) -> None:
            heard()

        try:
            connection.add_termination_listener(hang_up)
            await connection.add_listener(CHANNEL, pick_up)
            listening()
            while not await _is_set_within(self._look_seconds, lost):
                if await connection.fetchval(_STANDS_BY):
                    raise StoreUnavailableError("the server takes no writes any more")
        except _FAULTS as fault:
            raise StoreUnavailableError(describe(fault)) from fault
        finally:
            connection.terminate()
        raise StoreUnavailableError("the connection was lost")

    def close(self) -> None:
        """Hang up. It can be used again."""
        if self._ringing is not None:
            self._ringing.terminate()
            self._ringing = None


def open_doorbell(url_text: str, application: str) -> Doorbell:
    """The doorbell of the PostgreSQL at a URL.

    Raises:
        DatabaseUrlError: It is not one of a PostgreSQL.
    """
    return Doorbell(Reach(parse_dsn(url_text), {"application_name": application}, COMMAND_SECONDS))


async def _is_set_within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
