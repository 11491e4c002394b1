"""`send-test` sends one real message to each destination of a receiver, and says what each provider answered."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from tests.cli.conftest import Run
from tests.fakes.pagerduty import PagerDuty
from tests.fakes.provider import Mood, Sink, running
from tests.fakes.slack import Slack

Write = Callable[..., Path]
KEY = "canary1234567890canary1234567890"

CONFIGURATION = """
global: {{pagerduty_url: "{pagerduty}/v2/enqueue"}}
route: {{receiver: team}}
receivers:
  - name: team
    slack_configs: [{{api_url: "{slack}"}}]
    pagerduty_configs: [{{routing_key: "{key}"}}]
  - name: other
    webhook_configs: [{{url: "{hook}/canary"}}]
"""


class Scene:
    """The providers of two receivers, and the command."""

    def __init__(self, run: Run, write: Write) -> None:
        self.slack, self.pagerduty, self.hook = Slack(), PagerDuty(), Sink()
        self._run = run
        self._write = write

    async def send_test(self, receiver: str) -> Result:
        """Run the command while the providers listen."""
        text = CONFIGURATION.format(
            slack=self.slack.hook_url, pagerduty=self.pagerduty.url, key=KEY, hook=self.hook.url
        )
        return await asyncio.to_thread(self._run, "send-test", "-c", self._write(text), receiver)


def words(line: str) -> str:
    """The line with the time it took left out."""
    return re.sub(r"in \d+\.\d\d s", "in time", line)


async def test_each_destination_of_the_receiver_gets_one_message_and_no_other(run: Run, write: Write) -> None:
    scene = Scene(run, write)
    async with running(scene.slack, scene.pagerduty, scene.hook):
        sent = await scene.send_test("team")
        assert len(scene.slack.messages) == 1
        assert "Test of this destination" in str(scene.slack.messages[0].content)
        assert scene.hook.requests == []
        assert ["[TEST]" in alert.summary for alert in scene.pagerduty.alerts] == [True]
        assert scene.slack.faults == scene.pagerduty.faults == []
    assert sent.exit_code == 0
    slack, pagerduty = (words(line) for line in sent.stdout.splitlines())
    assert slack.startswith("team/slack:")
    assert "accepted 200 in time" in slack
    assert pagerduty.startswith("team/pagerduty:")
    assert "accepted 202 in time" in pagerduty
    assert KEY not in sent.output


async def test_a_refusal_is_shown_with_its_status_and_without_the_address(run: Run, write: Write) -> None:
    scene = Scene(run, write)
    scene.hook.status = 410
    async with running(scene.slack, scene.pagerduty, scene.hook):
        sent = await scene.send_test("other")
    assert len(scene.hook.requests) == 1, "a test is not repeated"
    assert sent.exit_code == 1
    (line,) = sent.stdout.splitlines()
    assert "rejected 410 in time" in words(line)
    assert "gone for good" in line
    assert "canary" not in sent.output


async def test_one_destination_that_fails_beside_one_that_works_is_a_failure(run: Run, write: Write) -> None:
    scene = Scene(run, write)
    scene.slack.mood = Mood.ERROR
    async with running(scene.slack, scene.pagerduty, scene.hook):
        sent = await scene.send_test("team")
    assert sent.exit_code == 1
    slack, pagerduty = (words(line) for line in sent.stdout.splitlines())
    assert "retry 500 in time" in slack
    assert "accepted" in pagerduty


async def test_nobody_at_the_address_is_a_failure_with_its_cause(run: Run, write: Write) -> None:
    config = write(
        'route: {receiver: a}\nreceivers: [{name: a, webhook_configs: [{url: "http://127.0.0.1:1/canary"}]}]'
    )
    sent = await asyncio.to_thread(run, "send-test", "-c", config, "a")
    assert sent.exit_code == 1
    assert "retry in time" in words(sent.stdout)
    assert "canary" not in sent.output


def test_an_unknown_receiver_is_named_beside_those_there_are(run: Run, write: Write) -> None:
    config = write()
    refused = run("send-test", "-c", config, "nobody")
    assert (refused.exit_code, refused.stdout) == (5, "")
    assert refused.stderr == "there is no receiver 'nobody'; there are: team\n"


def test_a_bad_configuration_sends_nothing(run: Run, write: Write) -> None:
    refused = run("send-test", "-c", write("route: {receiver: team}"), "team")
    assert refused.exit_code == 3
    assert "'receivers' is missing" in refused.stderr


def test_a_secret_that_cannot_be_read_is_named_by_its_place(run: Run, write: Write, tmp_path: Path) -> None:
    missing = tmp_path / "slack-url"
    text = f"route: {{receiver: a}}\nreceivers: [{{name: a, slack_configs: [{{api_url_file: {missing}}}]}}]"
    sent = run("send-test", "-c", write(text), "a")
    assert sent.exit_code == 1
    assert f"api_url_file: cannot read {missing}: FileNotFoundError" in sent.stdout
