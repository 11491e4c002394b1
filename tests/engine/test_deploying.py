"""What happened to versions of a model: in the timeline of its incidents, and a new beginning for its baselines."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertsvc.channels.message import IncidentMessage
from alertsvc.clock import new_id, utc_now
from alertsvc.core.deployments import Deployment, said, superseded
from alertsvc.core.model import Severity
from alertsvc.engine.deliver import Sender
from alertsvc.engine.deploying import record_deployments
from alertsvc.engine.lately import OVERLAP, Lately
from alertsvc.engine.service import Parts, Service
from alertsvc.observe.metrics import Metrics
from alertsvc.store import deployments
from alertsvc.store.connect import open_database
from alertsvc.store.deployments import DeploymentRecord
from tests.engine.observing import post
from tests.engine.test_freshness import HOUR, MINUTE, Watch
from tests.engine.test_sending import WithoutSnapshots, receive
from tests.programs import eventually
from tests.world import START, World, event, rules


def made(version: str | None = "7", *, hours: int = 0, **changes: Any) -> Deployment:
    given: dict[str, Any] = {"action": "deployed", "source": "mlflow", **changes}
    return Deployment("churn", happened_at=START + hours * HOUR, model_version=version, **given)


@pytest.fixture
def watch(world: World) -> Watch:
    """A replica that has been up for long."""
    return Watch(world)


async def record(watch: Watch, *given: Deployment, once: str | None = None) -> list[DeploymentRecord]:
    return await record_deployments(watch.world.database, watch.world.lately, given, watch.world.moment(), once=once)


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        pytest.param(made(alias="champion"), "champion -> v7", id="alias"),
        pytest.param(made(environment="production"), "v7 deployed in production", id="deployed"),
        pytest.param(made(action="created"), "v7 created", id="created"),
        pytest.param(made(None, alias="champion", action="deleted"), "champion: deleted", id="alias-deleted"),
        pytest.param(made(None, action="created"), "churn created", id="model"),
    ],
)
def test_a_deployment_is_a_few_words(deployment: Deployment, words: str) -> None:
    assert said(deployment) == words


@pytest.mark.parametrize(
    ("before", "now", "gone"),
    [
        pytest.param([made("6")], [made("7", hours=1)], {"6"}, id="the-next"),
        pytest.param([made("6")], [made("6", hours=1)], set(), id="the-same-again"),
        pytest.param([made("6", environment="staging")], [made("7", hours=1)], set(), id="elsewhere"),
        pytest.param([made("6", alias="a")], [made("7", alias="a", hours=1)], {"6"}, id="an-alias-moves"),
        pytest.param([made("6"), made("6", alias="a")], [made("7", hours=1)], set(), id="an-alias-still-leads-to-it"),
        pytest.param([made("7", hours=2)], [made("6", hours=1)], set(), id="told-late"),
        pytest.param([made("6")], [made("7", hours=1, action="created")], set(), id="only-made"),
    ],
)
def test_a_version_is_superseded_once_it_stands_nowhere(
    before: list[Deployment], now: list[Deployment], gone: set[str]
) -> None:
    assert superseded(before, now) == gone


async def test_it_stands_in_the_timeline_of_the_models_open_incidents(watch: Watch) -> None:
    await watch.observe(value=0.4)
    await watch.observe(value=0.4, model="fraud")
    await record(watch, made(alias="champion", details={"run": "r1"}))
    lines = [
        (row.actor, row.channel, row.detail) for row in await watch.world.rows("history") if row.kind == "deployment"
    ]
    assert lines == [("mlflow", "mlflow", "champion -> v7")]


@pytest.mark.parametrize(
    ("deployment", "restarts"),
    [
        pytest.param(made(alias="champion", hours=1), True, id="alias"),
        pytest.param(made(hours=1), True, id="version"),
        pytest.param(made(hours=1, environment="production"), True, id="here"),
        pytest.param(made(hours=1, environment="staging"), False, id="elsewhere"),
        pytest.param(made(hours=1, action="created"), False, id="only-made"),
    ],
)
async def test_a_new_version_begins_the_baselines_of_its_model_anew(
    watch: Watch, deployment: Deployment, restarts: bool
) -> None:
    await watch.observe()
    await record(watch, deployment)
    (row,) = await watch.world.rows("series")
    assert row.baseline_from == (START + HOUR if restarts else None)


async def test_what_a_sender_delivers_again_is_kept_once(watch: Watch) -> None:
    assert len(await record(watch, made(), once="mlflow:1")) == 1
    assert await record(watch, made(), once="mlflow:1") == []
    assert len(await watch.world.rows("deployment")) == 1


async def test_what_is_known_of_a_superseded_version_ends(watch: Watch) -> None:
    await record(watch, made("6"))
    await watch.observe(value=0.4, model_version="6")
    await watch.observe(value=0.4, model_version="5")
    await watch.look_after(27 * HOUR)
    assert await watch.firing() == ["MissingObservations", "MissingObservations", "psi", "psi"]
    await record(watch, made("7", hours=27))
    assert await watch.firing() == ["MissingObservations", "psi"]
    assert [row.labels["model_version"] for row in await watch.world.rows("series")] == ["5"]


async def test_the_latest_come_first_a_page_at_a_time(watch: Watch) -> None:
    await record(watch, *(made(str(each), hours=each % 3) for each in range(6)))
    after, seen = None, list[tuple[datetime, str | None]]()
    while page := await watch.world.database.snapshot(
        lambda conn, after=after: deployments.of_model(conn, "churn", after, 2)
    ):
        seen += [(each.deployment.happened_at, each.deployment.model_version) for each in page]
        after = page[-1].id
    assert [at for at, _ in seen] == sorted((at for at, _ in seen), reverse=True)
    assert {version for _, version in seen} == {str(each) for each in range(6)}
    versions = await watch.world.database.snapshot(lambda conn: deployments.versions_of(conn, "churn", 10))
    assert versions[0].last_at == START + timedelta(hours=2)


async def test_what_was_deployed_before_it_began_stands_in_what_people_read(watch: Watch) -> None:
    world = watch.world
    await record(watch, made("6", hours=-1), made("7", alias="champion"), made("8", action="created"))
    world.now = START + timedelta(minutes=42)
    bad = {"metric": "auc", "value": 0.5, "threshold": 0.7, "severity": "critical"}
    await post(world, {**bad, "observed_at": (START + timedelta(minutes=40, seconds=9)).isoformat()})
    await world.deliver()
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    assert message.deployment == "champion -> v7, 40m before it began"


async def test_a_deployment_of_long_ago_or_of_elsewhere_is_no_cause(watch: Watch) -> None:
    world = watch.world
    await record(watch, made("6", hours=-24 * 8), made("7", environment="staging"))
    world.now = START + HOUR
    await post(world, {"metric": "auc", "value": 0.5, "threshold": 0.7, "severity": "critical"})
    await world.deliver()
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    assert message.deployment == ""


async def test_how_long_before_is_from_the_first_alert_though_it_is_not_listed(watch: Watch) -> None:
    world = watch.world
    await record(watch, made("7"))
    world.now = START + HOUR
    first = event(Severity.WARNING, start=START + 20 * MINUTE, feature="first")
    await world.post(first, *(event(start=START + 40 * MINUTE, feature=f"f{each}") for each in range(11)))
    await world.deliver()
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    assert (len(message.alerts), message.deployment) == (10, "v7 deployed, 20m before it began")


async def first_words(world: World, lately: Lately) -> str:
    """What the first message about an incident says of deployments, where it leaves with what opens that."""
    database = WithoutSnapshots(world.database)
    outlets, now = world.outlets, world.now
    sender = Sender(database, lambda: outlets, lambda: now, new_id, worker="w", deployed=lately.told)
    await receive(world, sender, event(start=START + 40 * MINUTE))
    (message,) = world.channel().sent
    assert isinstance(message, IncidentMessage)
    return message.deployment


async def test_the_first_message_says_it_from_memory(watch: Watch) -> None:
    world = watch.world
    await record(watch, made(alias="champion"))
    world.now = START + HOUR
    assert await first_words(world, world.lately) == "champion -> v7, 40m before it began"


async def test_the_first_message_waits_for_no_memory(watch: Watch) -> None:
    world = watch.world
    await record(watch, made(alias="champion"))
    world.now = START + HOUR
    assert await first_words(world, Lately(world.database, lambda: world.now)) == ""


async def test_what_another_replica_took_in_is_known_once_it_is_read(watch: Watch) -> None:
    world = watch.world
    here = Lately(world.database, lambda: world.now)
    await record(watch, made("6", hours=-2), made("5", hours=-24 * 6))
    await here.refresh()
    world.now = START + HOUR
    await record(watch, made(alias="champion"))
    await here.refresh()
    assert await first_words(world, here) == "champion -> v7, 40m before it began"


async def test_what_is_read_is_new_or_may_have_been_written_late(watch: Watch) -> None:
    """A clock that is behind, or a transaction that takes long."""
    world = watch.world
    here = Lately(world.database, lambda: world.now)
    world.now = START + 24 * HOUR
    await record(watch, made("1"))
    await here.refresh()
    for before, version in ((OVERLAP - MINUTE, "late"), (OVERLAP + MINUTE, "too-late")):
        world.now = START + 24 * HOUR - before
        await record(watch, made(version, environment=version))
    world.now = START + 24 * HOUR
    await here.refresh()
    assert here.suspect("churn", "late", world.now) == made("late", environment="late")
    assert here.suspect("churn", "too-late", world.now) == made("1")


async def test_a_clock_that_was_ahead_hides_nothing_for_longer_than_it_was(watch: Watch) -> None:
    world = watch.world
    here = Lately(world.database, lambda: world.now)
    world.now = START + 24 * HOUR
    await record(watch, made("1"))
    await here.refresh()
    world.now = START
    await record(watch, made("2", environment="production"))
    await here.refresh()
    assert here.suspect("churn", "production", world.now) == made("2", environment="production")


async def test_a_service_that_starts_knows_what_was_deployed_before(sqlite_url: str) -> None:
    world = World(open_database(sqlite_url), rules(), now=utc_now())
    lately = replace(made("7"), happened_at=world.now - HOUR)
    await record_deployments(world.database, world.lately, [lately], world.moment())
    await world.database.close()
    service = Service(Parts(open_database(sqlite_url), world.outlets, Metrics("test")))
    await service.start()
    try:
        await eventually(lambda: service.lately.suspect("churn", "production", world.now) == lately)
    finally:
        await service.stop()
