"""What is told when a job ends: that it went well, or why not, and never what was in its variables."""

import asyncio
from typing import Any

import pytest

from alertsvc.client import TransportError
from alertsvc.client.testing import FakeAlertsvc, fake_client


def fail(_password: str) -> None:
    raise ValueError("no rows in the window")


def test_a_good_end_resolves_what_a_bad_one_opened() -> None:
    with fake_client(model="churn") as (client, fake):
        failed = client.job("nightly-drift")
        with pytest.raises(ValueError, match="no rows"), failed:
            fail("hunter2")
        assert failed.result is not None
        assert failed.result.item is not None
        assert failed.result.item.state == "firing"
        (incident,) = fake.open_incidents()
        assert (incident.severity, incident.status) == ("critical", "firing")
        with client.job("nightly-drift") as job:
            job.details["rows"] = 800
        assert job.result is not None
        assert job.result.item is not None
        assert job.result.item.state == "resolved"
        assert fake.open_incidents() == []
    bad, good = fake.events
    assert bad["summary"] == "nightly-drift failed: ValueError: no rows in the window"
    assert {**bad["details"], "seconds": 0} == {
        "exception": "ValueError",
        "message": "no rows in the window",
        "seconds": 0,
    }
    assert "hunter2" not in str(fake.events)
    assert good["details"]["rows"] == 800


@pytest.mark.parametrize(
    "details",
    [
        pytest.param({"model": object()}, id="no-json"),
        pytest.param({"losses": ["0.123456789"] * 10_000}, id="too-large"),
        pytest.param({"path": "\udce9"}, id="half-a-character"),
    ],
)
def test_details_that_cannot_be_sent_keep_no_failure_back(details: dict[str, Any]) -> None:
    with fake_client(model="churn") as (client, fake):
        job = client.job("nightly-drift", details={"rows": 800, **details})
        with pytest.raises(ValueError, match="no rows"), job:
            fail("hunter2")
        assert len(fake.open_incidents()) == 1
    (sent,) = fake.events
    assert (sent["details"]["rows"], sent["details"]["exception"]) == (800, "ValueError")


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it cannot be told")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(RuntimeError("x" * 5000), "firing", id="a-long-message-is-cut"),
        pytest.param(UnspeakableError(), "firing", id="a-message-that-fails"),
        pytest.param(OSError("no such file: data\udce9"), "firing", id="half-a-character"),
        pytest.param(MemoryError(), "firing", id="no-message"),
        pytest.param(SystemExit(2), "firing", id="a-bad-exit"),
        pytest.param(SystemExit(0), "resolved", id="a-good-exit"),
        pytest.param(KeyboardInterrupt(), None, id="somebody-stopped-it"),
        pytest.param(asyncio.CancelledError(), None, id="it-was-cancelled"),
    ],
)
def test_each_way_to_end_is_told_of_rightly(fault: BaseException, told: str | None) -> None:
    with fake_client(model="churn") as (client, fake), pytest.raises(type(fault)), client.job("nightly"):
        raise fault
    assert [each["status"] for each in fake.events] == ([told] if told else [])
    assert all(len(each["summary"]) < 1100 for each in fake.events)


def test_the_error_of_a_job_is_never_covered_by_one_of_the_client() -> None:
    fake = FakeAlertsvc()
    client = fake.client(model="churn", raise_errors=True, retries=0)
    fake.fail(503, 503)
    with pytest.raises(ZeroDivisionError), client.job("nightly") as job:
        _ = 1 / 0
    assert job.result is not None
    assert not job.result.ok
    with pytest.raises(Exception, match="503"), client.job("nightly"):
        pass


def test_a_service_that_is_away_ends_no_job() -> None:
    fake = FakeAlertsvc()
    fake.fail(0, 0, 0, 0, 0, 0)
    with fake.client(model="churn", retries=1).job("nightly") as job:
        done = True
    assert done
    assert job.result is not None
    assert isinstance(job.result.error, TransportError)


async def test_an_asynchronous_job_is_told_of_in_the_same_way() -> None:
    fake = FakeAlertsvc()
    async with fake.async_client(model="churn") as client:
        with pytest.raises(ValueError, match="no rows"):
            async with client.job("nightly", severity="warning", environment="staging"):
                raise ValueError("no rows")
        async with client.job("nightly", severity="warning", environment="staging") as job:
            pass
    assert job.result is not None
    assert job.result.ok
    assert [(each["status"], each.get("severity"), each["environment"]) for each in fake.events] == [
        ("firing", "warning", "staging"),
        ("resolved", None, "staging"),
    ]
    assert fake.open_incidents() == []


def test_a_job_may_say_what_an_event_may() -> None:
    fields: dict[str, Any] = {"labels": {"team": "growth"}, "details": {"queue": "nightly"}, "run_id": 7}
    with fake_client() as (client, fake), client.job("Nightly", model="churn", **fields):
        pass
    (event,) = fake.events
    assert (event["model"], event["metric"], event["labels"], event["run_id"]) == (
        "churn", "Nightly", {"team": "growth"}, "7",
    )  # fmt: skip
    assert event["details"]["queue"] == "nightly"
