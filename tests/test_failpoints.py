"""Failpoints do nothing unless they are armed, and what arms them is checked."""

import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from alertsvc import failpoints
from alertsvc.failpoints import NAMES, BadFailpointsError, Order, parse

ROOT = Path(__file__).parents[1]
REACHED = re.compile(r'"([a-z]+\.[a-z_]+)"')


def test_nothing_is_armed_here() -> None:
    failpoints.arm("")
    assert failpoints.reach is failpoints._pass


@pytest.mark.parametrize(
    ("text", "order"),
    [
        pytest.param("ingest.body=kill", Order("kill", 0, 1), id="kill-the-first-time"),
        pytest.param(" ingest.body=stop@3 ,", Order("stop", 0, 3), id="stop-the-third-time"),
        pytest.param("ingest.body=error", Order("error", 0, None), id="fail-each-time"),
        pytest.param("ingest.body=sleep:0.5", Order("sleep:0.5", 0.5, None), id="sleep-each-time"),
        pytest.param("ingest.body=sleep:2@1", Order("sleep:2", 2, 1), id="sleep-once"),
    ],
)
def test_an_order_is_read(text: str, order: Order) -> None:
    assert parse(text) == {"ingest.body": order}


@pytest.mark.parametrize(
    "text", ["ingest.body", "ingest.body=explode", "ingest.body=kill@0", "ingest.body=sleep", "=kill"]
)
def test_what_is_no_order_is_refused(text: str) -> None:
    with pytest.raises(BadFailpointsError, match=r"ALERTSVC_FAILPOINTS: .* is not NAME=kill"):
        parse(text)


def test_a_name_that_there_is_not_is_refused_with_all_there_are() -> None:
    with pytest.raises(BadFailpointsError) as refusal:
        parse("ingest.bod=kill")
    assert "there is no 'ingest.bod'; there are: ingest.body, " in str(refusal.value)
    assert all(name in str(refusal.value) for name in NAMES)


def test_the_service_does_not_start_with_a_failpoint_that_there_is_not(tmp_path: Path) -> None:
    run = serve(tmp_path, "nowhere=kill")
    assert run.returncode == 3
    assert b"there is no 'nowhere'; there are: ingest.body" in run.stderr
    assert not (tmp_path / "a.db").exists()


def test_an_armed_service_says_so_and_dies_where_it_was_told_to(tmp_path: Path) -> None:
    run = serve(tmp_path, "migrate.committed=kill")
    assert run.returncode == -signal.SIGKILL
    assert b"FAILPOINTS ARE ARMED" in run.stdout + run.stderr
    assert run.stderr.endswith(b"failpoint migrate.committed: kill\n")


def serve(folder: Path, armed: str) -> "subprocess.CompletedProcess[bytes]":
    environment = {"ALERTSVC_FAILPOINTS": armed, "ALERTSVC_DATABASE_URL": f"sqlite:///{folder / 'a.db'}"}
    command = [sys.executable, "-m", "alertsvc", "serve", "-c", str(ROOT / "config" / "alertsvc.yaml")]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False)


def test_each_failpoint_stands_in_the_code_once() -> None:
    placed: Counter[str] = Counter()
    for file in (*(ROOT / "alertsvc").rglob("*.py"), ROOT / "migrations" / "env.py"):
        for call in re.findall(r"failpoints\.reach\(([^)]*)\)", file.read_text()):
            placed.update(name for name in REACHED.findall(call) if name in NAMES)
    assert placed == Counter(NAMES)
