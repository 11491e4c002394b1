"""The client against the real service: who may, what silence comes to, and what is kept."""

import asyncio
from pathlib import Path

from alertsvc.client import AlertClient, AsyncAlertClient, Incident, NotAllowedError
from tests.programs import Program, alertsvc, asked, eventually

CONFIGURATION = """\
database: {{url: "sqlite:///{folder}/alertsvc.db"}}
auth: {{tokens_required: {required}}}
route: {{receiver: console}}
receivers: [{{name: console, console_configs: [{{}}]}}]
"""


def configured(folder: Path, *, required: bool = False) -> Path:
    file = folder / "alertsvc.yaml"
    file.write_text(CONFIGURATION.format(folder=folder, required=str(required).lower()))
    return file


async def test_who_may_not_is_told_so_and_goes_on(tmp_path: Path) -> None:
    async with alertsvc(configured(tmp_path, required=True)) as service:
        for client in (AlertClient(service.url), AlertClient(service.url, "als_0_wrong")):
            result = await asyncio.to_thread(client.metric, "churn", "psi", 0.4)
            assert isinstance(result.error, NotAllowedError)
            assert (result.error.status, result.attempts) == (401, 1)
            client.close()


async def open_ones(client: AsyncAlertClient) -> list[Incident]:
    return [each async for each in client.incidents.list(status="open")]


async def test_a_job_that_falls_silent_is_an_alert_until_it_runs_again(tmp_path: Path) -> None:
    async with alertsvc(configured(tmp_path)) as service, AsyncAlertClient(service.url, model="churn") as client:
        async with client.job("nightly-drift", expect_next_within="10s") as job:
            pass
        assert job.result is not None
        assert job.result.ok
        assert await open_ones(client) == []
        (silence,) = await eventually(lambda: open_ones(client), 60)
        assert "nightly-drift" in silence.summary
        async with client.job("nightly-drift", expect_next_within="1h"):
            pass

        async def is_over() -> bool:
            return not await open_ones(client)

        await eventually(is_over)


async def deployments(service: Program) -> list[dict[str, str]]:
    return list((await asked("GET", f"{service.url}/api/v1/deployments?model=churn")).json()["items"])


async def test_a_deployment_is_kept(tmp_path: Path) -> None:
    async with alertsvc(configured(tmp_path)) as service, AsyncAlertClient(service.url) as client:
        assert (await client.deployment("churn", 7, alias="champion", details={"build": 12})).ok
        (kept,) = await deployments(service)
    assert (kept["model_version"], kept["alias"], kept["action"]) == ("7", "champion", "deployed")


async def test_a_value_that_is_none_is_an_alert_until_there_is_one(tmp_path: Path) -> None:
    async with alertsvc(configured(tmp_path)) as service, AsyncAlertClient(service.url) as client:
        assert (await client.metric("churn", "psi", float("nan"), threshold=0.2)).ok
        assert len(await open_ones(client)) == 1
        assert (await client.metric("churn", "psi", 0.1, threshold=0.2)).ok

        async def is_over() -> bool:
            return not await open_ones(client)

        await eventually(is_over)
