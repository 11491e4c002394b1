"""The tools, what each is installed with, and what is shown with it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.programs import asked, eventually, free_port
from tests.recipes.stage import SCRIPTS, SECRET, Stage, told

Say = Callable[[str], None]
HTTPX = "httpx>=0.28,<1"


@dataclass(frozen=True, slots=True)
class Tool:
    """`show` runs the recipe, says what it saw, and fails where it is not as it has to be."""

    requirements: tuple[str, ...]
    show: Callable[[Stage, Say], Awaitable[None]]


def bad_then_good(script: str, **environment: str) -> Callable[[Stage, Say], Awaitable[None]]:
    """A bad run opens one incident, another keeps it one, a good run ends it. `{folder}` is where the stage is."""

    async def show(stage: Stage, say: Say) -> None:
        settings = {name: value.format(folder=stage.folder) for name, value in environment.items()}
        for turn in ("first", "second"):
            answer = told(await stage.run(script, "bad", **settings))
            (incident,) = await stage.open_incidents()
            say(f"{turn} bad run: {answer}; open: #{incident.number} {incident.title} ({incident.severity})")
        answer = told(await stage.run(script, "good", **settings))
        assert await stage.open_incidents() == []
        ended = await stage.client.incidents.get(incident.number)
        say(f"good run: {answer}; #{ended.number} is {ended.status} by {ended.resolved_by}")

    return show


async def champions(service: str) -> list[str]:
    """The versions that became the champion, as they are kept."""
    kept = (await asked("GET", f"{service}/api/v1/deployments?model=churn")).json()["items"]
    return [f"{each['model']} {each['model_version']} {each['alias']}" for each in kept if each["alias"] == "champion"]


async def mlflow(stage: Stage, say: Say) -> None:
    """A webhook made by the recipe is signed, delivered and stored as a deployment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    store = f"sqlite:///{stage.folder}/mlflow.db"
    server = ["-m", "mlflow", "server", "--backend-store-uri", store, "--port", str(port), "--workers", "1"]
    settings = {
        "MLFLOW_TRACKING_URI": url,
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http,https",
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY": told(await stage.run("a_fernet_key.py")),
        "ALERTSVC_MLFLOW_SECRET": SECRET,
    }
    artifacts = ["--artifacts-destination", str(stage.folder / "artifacts")]
    async with stage.running(*server, *artifacts, url=url, ready="/health", **settings):
        say(told(await stage.run("a_registered_model.py", stage.service.url, **settings)))

        (champion,) = await eventually(lambda: champions(stage.service.url))
    say(f"kept: {champion}")
    unsigned = await asked("POST", f"{stage.service.url}/api/v1/hooks/mlflow", {"entity": "model_version"})
    assert unsigned.status == 401
    say(f"without a signature: {unsigned.status}")


TOOLS: Mapping[str, Tool] = {
    "evidently": Tool(("evidently==0.7.23", "pandas<3", HTTPX), bad_then_good("an_evidently_snapshot.py")),
    "evidently-legacy": Tool(
        ("evidently==0.4.40", "pandas<3", "numpy<2.1", HTTPX), bad_then_good("an_evidently_report.py")
    ),
    "great-expectations": Tool(("great_expectations==1.24.1", HTTPX), bad_then_good("a_checkpoint.py")),
    "scikit-learn": Tool(("scikit-learn>=1.5,<2", HTTPX), bad_then_good("a_trained_model.py")),
    "airflow": Tool(
        ("apache-airflow>=3,<4", HTTPX),
        bad_then_good(
            "dags/nightly.py",
            AIRFLOW_HOME="{folder}/airflow",
            AIRFLOW__CORE__DAGS_FOLDER=str(SCRIPTS / "dags"),
            AIRFLOW__CORE__LOAD_EXAMPLES="False",
        ),
    ),
    "prefect": Tool(
        ("prefect>=3,<4", HTTPX),
        bad_then_good(
            "a_prefect_flow.py",
            PREFECT_HOME="{folder}/prefect",
            PREFECT_SERVER_ANALYTICS_ENABLED="false",
            PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="120",
        ),
    ),
    "mlflow": Tool(("mlflow==3.17.2", HTTPX), mlflow),
}
