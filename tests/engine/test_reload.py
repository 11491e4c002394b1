"""A configuration taken while the service runs: whole or not at all, and nobody is told twice, late or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from alertsvc.channels import CHANNELS
from alertsvc.clock import new_id, utc_now
from alertsvc.core.model import AlertState
from alertsvc.engine.last_good import begin
from alertsvc.engine.opening import open_outlets
from alertsvc.engine.reload import Reloader
from alertsvc.engine.service import Parts, Service
from alertsvc.engine.submissions import Submission
from alertsvc.engine.tuning import tuning_of
from alertsvc.observe.metrics import Metrics
from alertsvc.settings import ConfigError
from alertsvc.settings.source import ConfigSource
from alertsvc.store import tables
from alertsvc.store.database import Database
from tests import ledger
from tests.fakes.provider import Answer, Asked, Mood, Provider
from tests.programs import eventually
from tests.world import event

FILE = """
server: {{external_url: "https://alerts.example.com"}}
correlate: [{{name: each, by: [alertname, n]}}]
route: {{receiver: team, group_interval: 1s, repeat_interval: 4h}}
receivers:
  - name: team
    webhook_configs:
      - {{name: first, url: "{first}/one"}}
      - {{name: second, url: "{second}/one"}}
"""


class Hook(Provider):
    """A webhook that remembers what it was told, in order: (path, incident's title, reason)."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str]] = []

    def answer(self, asked: Asked) -> Answer:
        """See `Provider`."""
        self.told.append((asked.path, str(asked.json()["type"])))
        return Answer(200)


@dataclass
class Running:
    """A service that runs, with the file behind it."""

    service: Service
    reloader: Reloader
    path: Path
    first: Hook
    second: Hook
    levels: list[str]

    def write(self, *changes: tuple[str, str], template: str = FILE) -> None:
        """The file, with some texts replaced."""
        text = template.format(first=self.first.url, second=self.second.url)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text)

    async def post(self, n: str, state: AlertState = AlertState.FIRING) -> None:
        """An alert comes in."""
        submission = Submission(new_id(), "alertmanager", utc_now(), [event(state=state, n=n)], b"{}")
        await self.service.committer.submit(submission)

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        (line,) = [line for line in self.service.metrics.text().decode().splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    async def rows(self, table: str) -> list[Any]:
        """What a table holds."""
        chosen = select(tables.metadata.tables[table])
        return await self.service.database.snapshot(lambda conn: list(conn.execute(chosen).all()))

    async def settled(self, count: int) -> None:
        """Until so many messages have ended and are recorded."""

        async def are_there() -> bool:
            return len(await self.rows("delivery")) == count

        await eventually(are_there)

    async def memory(self) -> list[Any]:
        """What is known of who was told what, and what will be done when."""
        tables_of_memory = ("timer", "believer", "notification", "incident", "outbox", "digest")
        return [sorted(await self.rows(table), key=str) for table in tables_of_memory]


@asynccontextmanager
async def serving(database: Database, path: Path) -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        first, second = Hook(), Hook()
        await stack.enter_async_context(first)
        await stack.enter_async_context(second)
        path.write_text(FILE.format(first=first.url, second=second.url))
        source = ConfigSource(path, CHANNELS, environment={})
        loaded = source.read()
        service = Service(Parts(database, open_outlets(loaded), Metrics("test"), tuning_of(loaded.settings)))
        levels: list[str] = []
        reloader = Reloader(service, loaded, source.read, log_as=lambda section: levels.append(str(section.level)))
        await service.start()
        await reloader.start()
        try:
            yield Running(service, reloader, path, first, second, levels)
            await database.snapshot(ledger.check)
        finally:
            await service.stop()


@pytest.fixture
async def running(database: Database, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(database, tmp_path / "alertsvc.yaml") as made:
        yield made


async def test_a_changed_file_is_taken_whole_and_says_what_changed(running: Running) -> None:
    running.write(
        ("/one", "/two"),
        ("group_interval: 1s", "group_interval: 2s"),
        ("server: {", "logging: {level: debug}\nretention: {incidents: 30d}\nserver: {max_body_bytes: 4096, "),
        ("route: {", "auth: {tokens_required: true}\ndelivery: {rate: 7, poll_every: 2s}\nroute: {"),
    )
    done = await running.reloader.reload()
    assert {str(each) for each in done.differences} == {
        "server.max_body_bytes changed",
        "auth.tokens_required changed",
        "delivery.poll_every changed",
        "delivery.rate changed",
        "logging.level changed",
        "retention.incidents changed",
        "route root changed",
        "destination team/webhook:first changed",
        "destination team/webhook:second changed",
    }
    tuning = running.service.tuning
    assert (tuning.max_body_bytes, tuning.tokens_required, tuning.pace.rate) == (4096, True, 7)
    assert tuning.retention.incidents == timedelta(days=30)
    assert running.service.rules.root.timing.group_interval == timedelta(seconds=2)
    assert running.levels == ["debug"]
    await running.post("1")
    await eventually(lambda: running.first.told and running.second.told)
    assert running.first.told[0][0] == running.second.told[0][0] == "/two"


async def test_the_same_file_again_changes_nothing_and_has_the_same_hash(running: Running) -> None:
    before, hashed = running.service.outlets.by_destination, running.metric("alertsvc_config_hash")
    done = await running.reloader.reload()
    assert (done.differences, done.left) == ((), ())
    assert running.service.outlets.by_destination == before
    assert running.metric("alertsvc_config_hash") == hashed
    running.write(("1s", "3s"))
    await running.reloader.reload()
    assert running.metric("alertsvc_config_hash") != hashed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(("receiver: team", "receiver: taem"), "there is no receiver 'taem'", id="unknown-name"),
        pytest.param(("route:", "route: ["), "not valid YAML", id="no-yaml"),
        pytest.param(("first", "first, hmac_secret: x"), "hmac_secret", id="a-channel-that-cannot-be-opened"),
        pytest.param(("route:", "templates: ['*.j2']\nroute:"), "title.txt.j2", id="a-template-that-fails"),
        pytest.param(("route:", "templates: [gone.j2]\nroute:"), "cannot be read", id="a-template-that-is-gone"),
    ],
)
async def test_a_bad_file_leaves_everything_as_it_was(running: Running, change: tuple[str, str], message: str) -> None:
    (running.path.parent / "title.txt.j2").write_text("{{ nonsuch }}{% for %}")
    before = running.service.outlets
    running.write(change)
    with pytest.raises(ConfigError, match=message):
        await running.reloader.reload()
    assert running.service.outlets is before
    assert running.metric("alertsvc_config_last_reload_successful") == 0
    assert running.reloader.trouble
    running.write()
    taken_at = running.metric("alertsvc_config_last_reload_success_timestamp_seconds")
    await running.reloader.reload()
    assert running.metric("alertsvc_config_last_reload_successful") == 1
    assert running.metric("alertsvc_config_last_reload_success_timestamp_seconds") > taken_at
    assert not running.reloader.trouble


LIMITS = ("route:", "thresholds_file: limits.yaml\nroute:")


async def test_thresholds_are_read_again_and_broken_ones_leave_the_last_good_ones(running: Running) -> None:
    limits = running.path.with_name("limits.yaml")
    limits.write_text("metrics: {psi: {warning: 0.1}}")
    running.write(LIMITS)
    await running.reloader.reload()
    limits.write_text("metrics: {psi: {warning: 0.2}}")
    assert [str(each) for each in (await running.reloader.reload()).differences] == ["thresholds changed"]
    limits.write_text("metrics: {psi: {waning: 0.3}}")
    with pytest.raises(ConfigError, match=r"limits.yaml:1:17: .*did you mean 'warning'"):
        await running.reloader.reload()
    assert running.service.rules.thresholds.policy("m", "psi").bands[0].upper == 0.2
    assert running.metric("alertsvc_config_last_reload_successful") == 0
    limits.unlink()
    with pytest.raises(ConfigError, match=r"limits\.yaml: cannot be read"):
        await running.reloader.reload()


async def test_a_start_with_broken_thresholds_goes_on_with_the_last_good_ones(
    running: Running, database_url: str
) -> None:
    limits = running.path.with_name("limits.yaml")
    limits.write_text("metrics: {psi: {warning: 0.1}}")
    running.write(LIMITS)
    await running.reloader.reload()
    limits.write_text("metrics: [")
    source = ConfigSource(running.path, CHANNELS, environment={"ALERTSVC_DATABASE_URL": database_url})
    beginning = await asyncio.to_thread(begin, source)
    assert beginning.trouble[0].file == str(limits)
    assert beginning.loaded.rules.thresholds.policy("m", "psi").bands[0].upper == 0.1


async def test_what_needs_a_restart_is_named_each_time_and_left(running: Running) -> None:
    running.write(("server: {", "database: {url: 'sqlite:///other.db'}\nserver: {listen: ':9', role: api, "))
    for _ in range(2):
        done = await running.reloader.reload()
        assert done.left == ("server.listen", "server.role", "database.url")
        assert str(running.reloader.loaded.settings.server.listen) == "127.0.0.1:8080"
        assert running.reloader.loaded.settings.server.role == "all"
    assert [str(each) for each in done.differences] == []


async def test_a_destination_that_did_not_change_keeps_its_channel(running: Running) -> None:
    before = dict(running.service.outlets.by_destination)
    running.write((f"{running.second.url}/one", f"{running.second.url}/two"))
    await running.reloader.reload()
    now = running.service.outlets.by_destination
    assert now["team/webhook:first"] is before["team/webhook:first"]
    assert now["team/webhook:second"] is not before["team/webhook:second"]


async def test_a_message_on_its_way_ends_on_the_channel_it_left_by(running: Running) -> None:
    running.first.mood, running.first.slowness = Mood.SLOW, 1.0
    await running.post("1")
    await eventually(lambda: running.service.sender.in_flight_count)
    await asyncio.sleep(0.2)
    running.write(("/one", "/two"))
    await running.reloader.reload()
    running.first.mood = Mood.NORMAL
    await running.post("2")
    await eventually(lambda: len(running.first.told) == 2 and len(running.second.told) == 2)
    assert sorted(path for path, _ in running.first.told) == ["/one", "/two"]
    await running.settled(4)
    assert {row.outcome for row in await running.rows("delivery")} == {"accepted"}


async def test_a_removed_destination_gets_what_was_on_its_way_and_then_nothing(running: Running) -> None:
    running.second.mood, running.second.slowness = Mood.SLOW, 0.5
    await running.post("1")
    await eventually(lambda: running.service.sender.in_flight_count)
    running.write((f'\n      - {{name: second, url: "{running.second.url}/one"}}', ""))
    await running.reloader.reload()
    await running.post("2")
    await eventually(lambda: len(running.first.told) == 2 and running.second.told)
    await asyncio.sleep(0.3)
    assert len(running.second.told) == 1


async def test_a_reload_changes_no_timer_and_no_belief(running: Running) -> None:
    await running.post("1")
    await running.settled(2)
    before = await running.memory()
    running.write(("/one", "/two"), ("4h", "8h"), ("group_interval: 1s", "group_interval: 9m"))
    await running.reloader.reload()
    assert await running.memory() == before
    assert all(before[:4])
    await running.post("1", AlertState.RESOLVED)
    await eventually(lambda: len(running.first.told) == len(running.second.told) == 2)
    assert [kind for _, kind in running.first.told] == ["incident.opened", "incident.resolved"]


async def test_a_destination_that_was_paused_is_tried_at_once_after_it_was_corrected(running: Running) -> None:
    running.first.mood, running.first.retry_after = Mood.RATE_LIMITED, 600
    await running.post("1")
    await eventually(lambda: running.second.told)
    await asyncio.sleep(0.3)
    running.first.mood = Mood.NORMAL
    running.write((f"{running.first.url}/one", f"{running.first.url}/two"))
    await running.reloader.reload()
    await running.post("2")
    await eventually(lambda: running.first.told, seconds=5)


async def test_reloads_at_the_same_time_come_one_after_the_other(running: Running) -> None:
    running.write(("1s", "2s"))
    all_done = await asyncio.gather(*(running.reloader.reload() for _ in range(5)))
    assert [len(done.differences) for done in all_done] == [1, 0, 0, 0, 0]


async def test_nothing_is_held_up_while_files_are_read(running: Running) -> None:
    reading = asyncio.Event()
    loop = asyncio.get_running_loop()
    go_on = asyncio.Event()

    def slowly() -> Any:
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(20)
        return running.reloader.loaded

    held = Reloader(running.service, running.reloader.loaded, slowly, log_as=lambda _: None)
    reload = asyncio.create_task(held.reload())
    await reading.wait()
    await running.post("1")
    await eventually(lambda: running.first.told)
    assert not reload.done()
    go_on.set()
    await reload


async def test_a_file_that_could_not_be_taken_raises_an_alert_until_one_is(running: Running) -> None:
    async def states() -> list[tuple[str, str]]:
        await running.service.auditor.audit()
        return [(row.labels["alertname"], row.state) for row in await running.rows("alert")]

    assert await states() == []
    running.write(("receiver: team", "receiver: taem"))
    with pytest.raises(ConfigError):
        await running.reloader.reload()
    assert await states() == [("AlertsvcConfigurationBroken", "firing")]
    running.write()
    await running.reloader.reload()
    assert await states() == [("AlertsvcConfigurationBroken", "resolved")]
