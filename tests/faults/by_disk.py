"""The disk is full, broken or only read; somebody else holds the file."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.faults.fault import Fault, NotHereError, Outcome, Place
from tests.faults.stage import Stage, refused, under_load
from tests.postgres import PrivateServer

DISK_BYTES = 64 * 2**20


async def command(*arguments: str) -> None:
    """Run one.

    Raises:
        NotHereError: It cannot be, or failed.
    """
    try:
        await asyncio.to_thread(subprocess.run, arguments, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        raise NotHereError(f"{' '.join(arguments)}: {getattr(fault, 'stderr', b'') or fault}") from None


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[Path]:
    """A file system of its own, 64 MB large.

    Raises:
        NotHereError: Only root may mount one, and not in every container.
    """
    disk = Path(tempfile.mkdtemp(prefix="alertsvc-disk-"))  # not in `folder`: PostgreSQL's user must come in
    try:
        await command("mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0777", "tmpfs", str(disk))
        try:
            (folder / "disk").symlink_to(disk)
            yield disk
        finally:
            await command("umount", str(disk))
    finally:
        disk.rmdir()


def fill(disk: Path) -> Path:
    """Leave no room, in a file that can be deleted."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (2**20, 4096):
            try:
                while out.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return ballast


async def full(play: Stage) -> None:
    """There is no room for a while, and then there is again. The service runs on."""
    play.may_repeat = 0
    ballast = await asyncio.to_thread(fill, play.place.folder / "disk")
    try:
        await play.each(refused, 2)
        await asyncio.sleep(play.place.lasting(10, brief=0))
    finally:
        ballast.unlink()


def on_small_disk(run: Callable[[Place], Awaitable[Outcome]]) -> Callable[[Place], Awaitable[Outcome]]:
    """A run whose database is on a small disk. The log of PostgreSQL is not: without it the whole server ends."""

    async def prepared(place: Place) -> Outcome:
        async with small_disk(place.folder) as disk:
            if place.database == "sqlite":
                file = Path(str(make_url(place.database_url).database))
                shutil.move(file, disk / file.name)
                return await run(replace(place, database_url=f"sqlite:///{disk / file.name}"))
            assert isinstance(place.server, PrivateServer)
            async with tablespace(place.server, place.database_url, disk):
                return await run(place)

    return prepared


@asynccontextmanager
async def tablespace(server: PrivateServer, database_url: str, disk: Path) -> AsyncIterator[None]:
    """The database lives on `disk` meanwhile, and is gone in the end."""
    name = make_url(database_url).database
    home = disk / "space"
    home.mkdir()
    if server.user is not None:
        shutil.chown(home, server.user)
    space = f"space_{os.urandom(4).hex()}"
    server.run(f"CREATE TABLESPACE {space} LOCATION '{home}'")
    server.run(f'ALTER DATABASE "{name}" SET TABLESPACE {space}')
    try:
        yield
    finally:
        server.run(f'DROP DATABASE "{name}" WITH (FORCE)')
        server.run(f"DROP TABLESPACE {space}")


async def locked(play: Stage) -> None:
    """Another process writes to the file, for longer than the service waits for it."""
    play.may_repeat = 0
    conn = sqlite3.connect(str(make_url(play.place.database_url).database), isolation_level=None)
    try:
        conn.execute("BEGIN EXCLUSIVE")
        await play.each(refused)
        await asyncio.sleep(play.place.lasting(10, brief=0))
        conn.execute("ROLLBACK")
    finally:
        conn.close()


def failing(calls: str, error: str) -> Callable[[Stage], Awaitable[None]]:
    """The system answers the service's calls with an error for a while."""

    async def strike(play: Stage) -> None:
        if shutil.which("strace") is None:
            raise NotHereError("strace")
        inject = f"inject={calls}:error={error}"
        arguments = ("strace", "-f", "-qq", "-o", "/dev/null", "-p", str(play.pid), "-e", f"trace={calls}")
        tracer = await asyncio.create_subprocess_exec(*arguments, "-e", inject, stderr=asyncio.subprocess.PIPE)
        try:
            await asyncio.sleep(play.place.lasting(5, brief=1))
            assert tracer.returncode is None, (await tracer.communicate())[1]
            await play.each(refused, 2)
        finally:
            if tracer.returncode is None:
                tracer.send_signal(signal.SIGINT)
            await tracer.wait()

    return strike


SQLITE = ("sqlite",)
DISK_FAULTS = [
    Fault("disk-full", "no room on the disk of the database", on_small_disk(under_load(full))),
    Fault("locked", "another process holds the file for more than 10 s", under_load(locked), SQLITE),
    Fault("disk-read-only", "each write fails with EROFS", under_load(failing("pwrite64", "EROFS")), SQLITE),
    Fault("fsync-fails", "each sync fails with EIO", under_load(failing("fdatasync,fsync", "EIO")), SQLITE),
]
