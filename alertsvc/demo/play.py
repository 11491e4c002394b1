"""Starts the service on a temporary database with local stand-ins, and plays the story."""

import asyncio
import contextlib
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn

from alertsvc.app import create_app
from alertsvc.channels import CHANNELS
from alertsvc.demo.sinks import Taken, open_sinks
from alertsvc.demo.story import Narrator, StoryError
from alertsvc.observe.logs import configure
from alertsvc.serve import build_service, prepare_database
from alertsvc.settings.load import load_text

CONFIGURATION = """
server: {{external_url: "http://127.0.0.1:{port}"}}
database: {{url: "sqlite:///{folder}/demo.db"}}
global:
  smtp_smarthost: 127.0.0.1:{smtp}
  smtp_from: alertsvc@demo.example
  smtp_require_tls: false
  pagerduty_url: http://127.0.0.1:{http}/v2/enqueue
correlate:
  - {{name: model, matchers: ['model!=""'], by: [model, alertname]}}
digests:
  - {{name: quick, every: 5s}}
route:
  receiver: ml-team
  group_interval: 5s
  repeat_interval: 1h
  digest: quick
receivers:
  - name: ml-team
    slack_configs: [{{api_url: "http://127.0.0.1:{http}/slack/demo"}}]
    msteamsv2_configs: [{{webhook_url: "http://127.0.0.1:{http}/teams/demo"}}]
    pagerduty_configs: [{{routing_key: "00000000000000000000000000000000"}}]
    email_configs: [{{to: ml-team@demo.example}}]
"""


def say(line: str) -> None:
    """A line for people."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(channel: str, what: str) -> None:
    """What arrived where."""
    say(f"    → {channel:<9}  {what}")


async def play(*, once: bool, configuration: str = CONFIGURATION) -> int:
    """Play the story; afterwards stay up, unless `once`. Returns the exit code, 1 when it comes out otherwise.

    `configuration` has places for `port`, `folder`, `http` and `smtp`.
    """
    configure("warning", "console")
    taken = Taken()
    with tempfile.TemporaryDirectory(prefix="alertsvc-demo-") as folder:
        async with open_sinks(taken, report) as (http, smtp):
            port = _free_port()
            text = configuration.format(port=port, folder=folder, http=http, smtp=smtp)
            loaded = load_text(text, str(Path(folder) / "demo.yaml"), CHANNELS)
            await asyncio.to_thread(prepare_database, loaded.settings.database.secret.reveal(), may_migrate=True)
            config = uvicorn.Config(create_app(build_service(loaded)), port=port, log_config=None, access_log=False)
            server = uvicorn.Server(config)
            running = asyncio.create_task(server.serve())
            try:
                return await _tell(f"http://127.0.0.1:{port}", taken, server, running, once=once)
            finally:
                server.should_exit = True
                with contextlib.suppress(asyncio.CancelledError):
                    await running


async def _tell(url: str, taken: Taken, server: uvicorn.Server, running: "asyncio.Task[None]", *, once: bool) -> int:
    while not server.started:
        if running.done():
            await running
            return 1
        await asyncio.sleep(0.02)
    say(f"alertsvc listens on {url}; Slack, Teams, PagerDuty and mail are stand-ins on this machine")
    try:
        await Narrator(url, taken, say).tell()
    except StoryError as fault:
        say(f"\nThe story went wrong: {fault}")
        return 1
    say("\nThe story came out as it must.")
    if not once:
        say("The service stays up. Look around, and end it with Ctrl-C:")
        for path in ("/api/v1/incidents", "/api/v1/incidents/2/history", "/health"):
            say(f"  curl -s {url}{path}")
        await running
    return 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
