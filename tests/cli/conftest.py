"""The command line, in this process: what a command prints, and how it exits."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from alertsvc.cli import main
from alertsvc.settings.environment import VARIABLES

Run = Callable[..., Result]
QUIET_ENVIRONMENT = {**dict.fromkeys(VARIABLES, ""), "ALERTSVC_CONFIG": None}

ROUTING = """
route: {receiver: team}
receivers: [{name: team, webhook_configs: [{url: "http://127.0.0.1:1/hook"}]}]
"""


@pytest.fixture
def logging_kept() -> Iterator[None]:
    """A command may set up logging for the whole process; afterwards it is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def run(logging_kept: None, tmp_path: Path) -> Run:
    """Runs a command in an empty folder, or the one given; of our variables only those given reach it."""
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()

    def with_arguments(
        *arguments: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> Result:
        known = {**QUIET_ENVIRONMENT, **(environment or {})}
        with chdir(folder or nowhere):
            return CliRunner().invoke(main, [str(each) for each in arguments], env=known, catch_exceptions=False)

    return with_arguments


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration, and says where."""

    def written(text: str = ROUTING, name: str = "alertsvc.yaml", *, database: str | None = None) -> Path:
        file = tmp_path / name
        section = f"database: {{url: {json.dumps(database)}}}\n" if database else ""
        file.write_text(section + text)
        return file

    return written


@pytest.fixture
def config(write: Callable[..., Path], database_url: str) -> Path:
    """A configuration over a database with the tables in it, once on SQLite and once on PostgreSQL."""
    return write(database=database_url)


@pytest.fixture
def empty_config(write: Callable[..., Path], empty_database_url: str) -> Path:
    """A configuration over an empty database, once on SQLite and once on PostgreSQL."""
    return write(database=empty_database_url)
