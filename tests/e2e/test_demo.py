"""The demo, as people start it: it tells what went where, and its exit says whether the story came out as it must."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.programs import ROOT, Program, asked, eventually, start

PATIENCE = 100


async def run(arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a program with its temporary files in `folder`; its exit status and what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def test_once_it_plays_the_story_says_what_went_where_and_ends_well(tmp_path: Path) -> None:
    status, printed = await run(["-m", "alertsvc", "demo", "--once"], tmp_path)
    assert status == 0, printed
    assert "The story came out as it must." in printed
    for channel in ("Slack", "Teams", "PagerDuty", "e-mail"):
        arrived = [line for line in printed.splitlines() if line.strip().startswith(f"→ {channel}")]
        assert len(arrived) >= 2, f"{channel}:\n{printed}"
    chapters = [line for line in printed.splitlines() if line.startswith("— ")]
    assert len(chapters) == 7
    assert printed.index("Three features drift") < printed.index("→ PagerDuty") < printed.index("Ann acknowledges")
    assert "Traceback" not in printed
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


WRONG = """
import asyncio, sys
from alertsvc.demo.play import CONFIGURATION, play
each_its_own = CONFIGURATION.replace("by: [model, alertname]", "by: [model, alertname, feature]")
assert each_its_own != CONFIGURATION
sys.exit(asyncio.run(play(once=True, configuration=each_its_own)))
"""


async def test_a_story_that_comes_out_otherwise_is_a_failure_that_says_what_was_expected(tmp_path: Path) -> None:
    status, printed = await run(["-c", WRONG], tmp_path)
    assert status == 1, printed
    assert "The story went wrong: expected three alerts, one incident" in printed
    assert "came out as it must" not in printed
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


async def test_without_once_it_stays_up_until_it_is_ended(tmp_path: Path) -> None:
    demo = await start(
        [sys.executable, "-m", "alertsvc", "demo"],
        tmp_path / "demo.log",
        "",
        {"TMPDIR": tempfile.mkdtemp(dir=tmp_path)},
    )
    await eventually(lambda: "The service stays up" in demo.output, seconds=PATIENCE)
    listed = await asked("GET", address(demo) + "/api/v1/incidents")
    assert {item["status"] for item in listed.json()["items"]} == {"resolved"}
    assert await demo.end(signal.SIGINT) == 0
    assert "Traceback" not in demo.output


def address(demo: Program) -> str:
    """Where it says that it listens."""
    return demo.output.partition("alertsvc listens on ")[2].partition(";")[0]
