"""One short run of some faults of `tests.faults`: those that no other test brings about. The command tries all."""

import os
from pathlib import Path
from random import Random

import pytest

from tests.faults.catalogue import FAULTS
from tests.faults.fault import NotHereError, NotInstalledError, Place
from tests.postgres import Server

EVERY_DAY = [
    ("restart-immediate", "postgresql"),
    ("disk-full", "postgresql"),
    ("provider-garbage", "sqlite"),
    ("dns-silent", "sqlite"),
    ("reload-storm", "postgresql"),
    ("clock+1h", "postgresql"),
    ("clock-1h", "sqlite"),
    ("outage-6h", "sqlite"),
]


@pytest.mark.parametrize(
    ("name", "database_url"), EVERY_DAY, indirect=["database_url"], ids=[f"{name}-{kind}" for name, kind in EVERY_DAY]
)
@pytest.mark.timeout(240)
async def test_what_is_promised_is_kept(
    name: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_sqlite = database_url.startswith("sqlite")
    server: Server | None = None if is_sqlite else request.getfixturevalue("postgres")
    kind = "sqlite" if is_sqlite else "postgresql"
    try:
        outcome = await FAULTS[name].run(Place(tmp_path, kind, database_url, server, Random(name), brief=True))
    except NotHereError as fault:
        if os.environ.get("CI") and isinstance(fault, NotInstalledError):
            raise
        pytest.skip(str(fault))
    assert outcome.broken == []
    assert outcome.acknowledged > 10
