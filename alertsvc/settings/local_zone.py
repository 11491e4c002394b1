"""The time zone of this machine, found as Go finds it: that is what Alertmanager's `location: Local` means."""

import os
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

LOCALTIME = Path("/etc/localtime")


def read_local_zone(localtime: Path = LOCALTIME, environment: Mapping[str, str] = os.environ) -> tzinfo:
    """The zone that the variable `TZ` names, without it that of the file `localtime`. UTC where there is none."""
    name = environment.get("TZ")
    try:
        if name is None:
            return _from_file(localtime)
        name = name.removeprefix(":")
        return _from_file(Path(name)) if name.startswith("/") else ZoneInfo(name or "UTC")
    except (OSError, KeyError, ValueError):
        return UTC


def _from_file(path: Path) -> tzinfo:
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key="Local")
