"""What the console shows."""

import io
from dataclasses import replace

import pytest

from alertsvc.channels.console import Console, ConsoleConfig, console_block, open_console
from alertsvc.channels.heading import heading_of
from alertsvc.channels.outcome import Accepted, Fault, Retry
from alertsvc.channels.samples import DIGEST, INCIDENT, RESOLVED
from alertsvc.core.model import Reason
from tests.channels.hostile import HOSTILE, digest_of, everywhere
from tests.channels.scripted import ENVELOPE, RENDER, Scripted, reply

pytestmark = pytest.mark.anyio

RULE = "─" * 72


async def printed(message, out=None):
    out = io.StringIO() if out is None else out
    return await Console(RENDER, out).send(message, ENVELOPE), out


async def test_a_block_says_what_people_need():
    outcome, out = await printed(INCIDENT)
    lines = out.getvalue().splitlines()
    assert outcome == Accepted("printed")
    assert lines[0].startswith("── 🔴 Critical · INC-12 ──")
    assert lines[1] == "churn-xgb production: DataDriftDetected 0.414 (> 0.25)"
    assert lines[-1] == RULE
    assert "Open incident: https://alerts.example.com/incidents/12" in lines


@pytest.mark.parametrize(
    ("message", "mark"),
    [
        pytest.param(RESOLVED, "── ✅ Resolved · INC-12 ─", id="resolved"),
        pytest.param(DIGEST, "── 📋 Digest ─", id="digest"),
        pytest.param(replace(INCIDENT, reason=Reason.TEST, number=0), "── 🧪 Test ─", id="test"),
    ],
)
async def test_the_first_line_says_what_it_is(message, mark):
    _, out = await printed(message)
    assert out.getvalue().startswith(mark)


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_writes_to_the_terminal_but_us(text):
    for message in (everywhere(text), digest_of(text)):
        block = console_block(message, heading_of(message, RENDER))
        assert not [char for char in block if (ord(char) < 32 and char not in "\n\t") or 127 <= ord(char) < 160]
        assert len(block) < 100_000


async def test_a_terminal_without_our_signs_gets_question_marks():
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    outcome, _ = await printed(INCIDENT, out)
    assert isinstance(outcome, Accepted)
    assert b"? Critical" in out.buffer.getvalue()


async def test_an_output_that_is_closed_may_come_back():
    out = io.StringIO()
    out.close()
    outcome, _ = await printed(INCIDENT, out)
    assert outcome == Retry(Fault.OTHER, "standard output cannot be written to: ValueError")


async def test_the_console_needs_no_configuration(capsys):
    channel = open_console(ConsoleConfig(), None, Scripted(reply(200)).tools())
    assert isinstance(await channel.send(INCIDENT, ENVELOPE), Accepted)
    assert "DataDriftDetected" in capsys.readouterr().out
    await channel.close()
    print("still open")
    assert capsys.readouterr().out == "still open\n"


def test_the_console_is_named_after_where_it_prints():
    assert ConsoleConfig().label() == "stdout"
