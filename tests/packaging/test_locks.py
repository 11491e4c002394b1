"""The locks pin all that the project needs, and nothing of where it comes from."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {name: (ROOT / "config" / "lock" / f"{name}.txt").read_text() for name in ("runtime", "dev")}
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PIN.findall(LOCKS[lock])}


def needed(requirements: list[str]) -> set[str]:
    """The names of distributions that requirements need here, and those that these need, to the end."""
    found: set[str] = set()
    open_ones = [(Requirement(each), "") for each in requirements]
    seen: set[tuple[str, str]] = set()
    while open_ones:
        requirement, extra = open_ones.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        for each in ("", *requirement.extras):
            if (name, each) not in seen:
                seen.add((name, each))
                listed = distribution(name).requires or []
                open_ones += [(Requirement(further), each) for further in listed]
    return found


def test_the_runtime_lock_has_all_that_the_service_needs():
    missing = needed(PROJECT["project"]["dependencies"]) - pins("runtime").keys()
    assert not missing


def test_what_serves_is_what_was_tested():
    assert pins("runtime").items() <= pins("dev").items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_address(lock):
    entries = re.split(r"\n(?=[A-Za-z0-9])", LOCKS[lock])
    pinned = [entry for entry in entries if PIN.match(entry)]
    assert len(pinned) == len(pins(lock))
    assert all("--hash=sha256:" in entry for entry in pinned)
    assert "://" not in LOCKS[lock]
