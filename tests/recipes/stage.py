"""The service, and a tool's environment beside it."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alertsvc.client import AsyncAlertClient, Incident
from tests.programs import ROOT, Program, alertsvc, asked, eventually, start

SECRET = "a secret that MLflow signs with"
CONFIGURATION = """\
database: {{url: "sqlite:///{folder}/alertsvc.db"}}
route: {{receiver: console}}
receivers: [{{name: console, console_configs: [{{}}]}}]
sources: {{mlflow: {{secret_env: ALERTSVC_MLFLOW_SECRET}}}}
"""
SCRIPTS = Path(__file__).parent / "scripts"
RUN_SECONDS = 300
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that runs, a Python with the tool, a folder for both."""

    service: Program
    client: AsyncAlertClient
    python: Path
    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What a program of the tool sees: the client from this checkout, the recipes, and where the service is."""
        path = os.pathsep.join(str(each) for each in (ROOT, ROOT / "config" / "recipes", SCRIPTS))
        quiet = {"GX_ANALYTICS_ENABLED": "False", "DO_NOT_TRACK": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
        return {**os.environ, **quiet, "PYTHONPATH": path, "ALERTSVC_URL": self.service.url, **more}

    async def run(self, script: str, *arguments: str, **environment: str) -> str:
        """What a script prints. It runs in the environment of the tool."""
        command = [str(self.python), str(SCRIPTS / script), *arguments]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(**environment),
            cwd=self.folder,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        assert process.returncode == 0, err.decode()[-3000:]
        return out.decode().strip()

    async def open_incidents(self) -> list[Incident]:
        return [each async for each in self.client.incidents.list(status="open")]

    @contextlib.asynccontextmanager
    async def running(self, *command: str, url: str, ready: str, **environment: str) -> AsyncIterator[Program]:
        """A server of the tool's environment."""
        program = await start(
            [str(self.python), *command], self.folder / "tool.log", url, self.environment(**environment)
        )
        try:
            await eventually(lambda: _answers(url + ready), START_SECONDS)
            yield program
        finally:
            await program.end()


@contextlib.asynccontextmanager
async def staged(python: Path, folder: Path) -> AsyncIterator[Stage]:
    """A stage that is set."""
    config = folder / "alertsvc.yaml"
    config.write_text(CONFIGURATION.format(folder=folder))
    os.environ["ALERTSVC_MLFLOW_SECRET"] = SECRET
    async with alertsvc(config) as service, AsyncAlertClient(service.url, raise_errors=True) as client:
        yield Stage(service, client, python, folder)


def told(text: str) -> Any:
    """The last line that a script printed."""
    return text.splitlines()[-1]


async def _answers(url: str) -> bool:
    with contextlib.suppress(OSError):
        return (await asked("GET", url)).status == 200
    return False
