"""Help is at once there: nothing heavy is imported to print it."""

import subprocess
import sys

import pytest

from tests.cli.conftest import Run
from tests.programs import ROOT

HEAVY = (
    "litestar",
    "sqlalchemy",
    "sqlmodel",
    "alembic",
    "httpx",
    "pydantic",
    "uvicorn",
    "jinja2",
    "apscheduler",
    "re2",
)

SHOW = """
import sys
from alertsvc.cli import main
try:
    main(sys.argv[1:], standalone_mode=False)
finally:
    print("IMPORTED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""

COMMANDS = (
    [],
    ["serve"],
    ["demo"],
    ["check-config"],
    ["db"],
    ["db", "upgrade"],
    ["db", "current"],
    ["token"],
    ["token", "create"],
    ["token", "list"],
    ["token", "revoke"],
    ["send-test"],
    ["explain"],
    ["models"],
)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"], ["token", "create", "-h"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-c", SHOW, *arguments]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, timeout=30)
    imported = set(shown.stdout.partition("IMPORTED ")[2].split())
    assert "alertsvc" in imported
    assert imported.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words) or "alertsvc")
def test_every_command_says_what_it_is_for(run: Run, command: list[str]) -> None:
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert shown.stderr == ""


def test_an_unknown_command_is_a_mistake_of_usage(run: Run) -> None:
    assert run("serv").exit_code == 2
