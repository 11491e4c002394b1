"""A real service is asked why nobody was told, on the command line."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.e2e.wire import body_of
from tests.fakes.provider import Provider
from tests.programs import ROOT, alertsvc, asked

FILE = """
correlate: [{{name: model, matchers: ['model!=""'], by: [model]}}]
route: {{receiver: team}}
receivers: [{{name: team, webhook_configs: [{{url: "{url}/hook"}}]}}]
"""
LABELS = {"alertname": "Drift", "model": "churn", "severity": "critical"}
SILENCE = {"matchers": ['model="churn"'], "duration": "1h", "comment": "retraining", "created_by": "ann"}


async def explain(url: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "alertsvc", "explain", *arguments, "--url", url]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # what is told is tested on both by itself
async def test_explain_names_the_silence_and_its_author(tmp_path: Path, database_url: str) -> None:
    config = tmp_path / "alertsvc.yaml"
    async with Provider() as hook:
        config.write_text(FILE.format(url=hook.url))
        async with alertsvc(config, database=database_url) as service:
            made = (await asked("POST", service.url + "/api/v1/silences", SILENCE)).json()
            taken = await asked("POST", service.url + "/api/v1/hooks/alertmanager", body_of(LABELS))
            assert taken.status == 202
            told = await explain(service.url, "--incident", "1")
            assert "opened: suppressed" in told
            assert f"silence {made['id']} by ann: retraining" in told
            assert "next: " in told
            foreseen = await explain(service.url, *(f"{name}={value}" for name, value in LABELS.items()))
            assert "muted (updated): silenced by ann" in foreseen
            assert f"silence {made['id']} by ann: retraining" in foreseen
            document = json.loads(await explain(service.url, "--incident", "1", "--json"))
            ((note,),) = [each["notifications"] for each in document["destinations"]]
            assert note["mute"]["silence"]["created_by"] == "ann"
            assert hook.requests == []
