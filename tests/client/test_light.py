"""The client costs other people's programs little, and knows the same fields as the service."""

import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from alertsvc.client.fields import EventFields
from alertsvc.ingest.event_fields import FIELDS

ROOT = Path(__file__).parents[2]
HEAVY = (
    "litestar", "sqlalchemy", "sqlmodel", "pydantic", "msgspec", "jinja2", "alembic", "apscheduler", "structlog",
    "yaml", "prometheus_client", "numpy", "uvicorn",
)  # fmt: skip
LOADED = """
import sys
import {module}
own = {{name for name in sys.modules if name.startswith("alertsvc.")}}
foreign = {{name.partition(".")[0] for name in sys.modules}}
print(sorted(each for each in own if not each.startswith("alertsvc.client")), sorted(foreign & set({heavy!r})))
"""


@pytest.mark.parametrize("module", ["alertsvc.client", "alertsvc.client.logging_handler"])
def test_the_client_loads_nothing_of_the_service(module: str) -> None:
    code = LOADED.format(module=module, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[] []"


def test_the_fields_of_the_client_are_those_of_the_service() -> None:
    assert set(get_type_hints(EventFields)) == set(FIELDS)
