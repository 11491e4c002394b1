"""Fixtures that every room uses: a database of each kind, fresh for each test."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from alertsvc.store import migrate
from alertsvc.store.connect import open_database
from alertsvc.store.database import Database
from tests.postgres import Server, running_server
from tests.world import World, rules


def pytest_xdist_auto_num_workers() -> int:
    """More than there are processors: many tests wait, for a timeout or for what another process does."""
    return min(8, 2 * (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The PostgreSQL server of this run."""
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the tables in it, to be copied."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_name(postgres: Server) -> str:
    """The name of a PostgreSQL database with the tables in it, to be copied."""
    url = postgres.new_database()
    migrate.upgrade(url)
    return url.rpartition("/")[2].partition("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with the tables in it, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.new_database(request.getfixturevalue("migrated_name"))
    yield url
    server.drop(url)


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database with the tables in it, for what has nothing to do with the database."""
    shutil.copy(migrated_file, tmp_path / "test.db")
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with the tables in it."""
    opened = open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """The usual world. Its books must balance at the end of every test."""
    made = World(database, rules())
    yield made
    await made.balance()


LONG_SECONDS = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests begin with the run, each at another worker: one that begins late is waited for by all."""
    longest = [each for each in items if any(mark.args[0] >= LONG_SECONDS for mark in each.iter_markers("timeout"))]
    rest = [each for each in items if each not in longest]
    for place, each in enumerate(longest):
        rest.insert(place * (len(items) // max(1, len(longest))), each)
    items[:] = rest
