"""`db upgrade` and `db current`, and what every command says of a database that it cannot use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect
from sqlalchemy.engine import make_url

from alertsvc.store import migrate
from alertsvc.store.connect import sqlite_path, take_file_lock
from tests.cli.conftest import ROUTING, Run

HEAD = migrate.head_revision()
Write = Callable[..., Path]


def tables_of(url: str) -> set[str]:
    def names(conn: Connection) -> list[str]:
        return inspect(conn).get_table_names()

    return set(migrate.on_connection(url, names, exclusive=False))


def test_an_empty_database_is_behind_until_it_is_upgraded(
    run: Run, empty_config: Path, empty_database_url: str
) -> None:
    before = run("db", "current", "-c", empty_config)
    assert (before.exit_code, before.stdout) == (1, f"empty (this version needs {HEAD})\n")
    upgraded = run("db", "upgrade", "-c", empty_config)
    assert (upgraded.exit_code, upgraded.stdout) == (0, f"the database is at revision {HEAD}\n")
    after = run("db", "current", "-c", empty_config)
    assert (after.exit_code, after.stdout) == (0, f"{HEAD} (this version needs {HEAD})\n")
    assert {"incident", "outbox", "alembic_version"} <= tables_of(empty_database_url)


def test_upgrading_what_is_there_already_changes_nothing(run: Run, config: Path) -> None:
    for _ in range(2):
        assert run("db", "upgrade", "-c", config).exit_code == 0
    assert run("db", "current", "-c", config).exit_code == 0


def test_looking_at_an_empty_database_does_not_change_it(run: Run, empty_config: Path, empty_database_url: str) -> None:
    run("db", "current", "-c", empty_config)
    assert tables_of(empty_database_url) == set()


def test_serve_does_not_start_on_a_database_that_is_behind_and_may_not_be_migrated(
    run: Run, empty_config: Path, empty_database_url: str
) -> None:
    refused = run("serve", "--no-migrate", "-c", empty_config)
    assert refused.exit_code == 1
    wanted = f"the database is at revision none, this version needs {HEAD}; run: alertsvc db upgrade\n"
    assert refused.stderr == wanted
    assert tables_of(empty_database_url) == set()


def test_the_variable_beats_the_file(run: Run, config: Path, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    looked = run("db", "current", "-c", config, environment={"ALERTSVC_DATABASE_URL": other})
    assert (looked.exit_code, looked.stdout) == (1, f"empty (this version needs {HEAD})\n")


@contextmanager
def in_use(url: str) -> Iterator[None]:
    """As if a running service had the file open."""
    with take_file_lock(sqlite_path(make_url(url))):
        yield


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", [["serve"], ["db", "upgrade"]], ids=" ".join)
def test_a_file_that_a_service_has_open_is_not_touched(
    run: Run, config: Path, database_url: str, command: list[str]
) -> None:
    with in_use(database_url):
        refused = run(*command, "-c", config)
    assert refused.exit_code == 1
    (line,) = refused.stderr.splitlines()
    assert "is in use by process" in line
    assert "PostgreSQL takes any number" in line


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_tokens_and_the_revision_are_looked_after_beside_a_running_service(
    run: Run, config: Path, database_url: str
) -> None:
    with in_use(database_url):
        assert run("db", "current", "-c", config).exit_code == 0
        assert run("token", "create", "-c", config, "--name", "x", "--scope", "read").exit_code == 0
        assert run("token", "list", "-c", config).exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["serve", "--no-migrate"],
        ["db", "upgrade"],
        ["db", "current"],
        ["token", "create", "--name", "x", "--scope", "read"],
        ["token", "list"],
        ["token", "revoke", "000000000000"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        pytest.param("postgresql://u:canary@127.0.0.1:1/x", 4, "the database cannot be used", id="nobody-listens"),
        pytest.param("sqlite:////nowhere/at/all.db", 4, "the database cannot be used", id="no-folder"),
        pytest.param("postgresql://host:canary/x", 3, "cannot be read", id="no-url"),
        pytest.param("sqlite://", 3, "SQLite needs a file", id="no-file"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_without_its_password(
    run: Run, write: Write, command: list[str], url: str, code: int, words: str
) -> None:
    refused = run(*command, "-c", write(database=url))
    assert refused.exit_code == code
    (line,) = refused.stderr.splitlines()
    assert words in line
    assert "canary" not in line
    assert refused.stdout == ""


def test_a_database_url_that_is_in_a_missing_file_is_a_mistake_of_configuration(
    run: Run, write: Write, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    config = write(f"database: {{url_file: {file}}}\n{ROUTING}")
    refused = run("db", "current", "-c", config)
    assert refused.exit_code == 3
    assert refused.stderr == f"database: url_file: cannot read {file}: FileNotFoundError\n"
