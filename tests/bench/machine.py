"""What a figure was measured on."""

import os
import platform
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

TURNS = 10_000_000


def about() -> str:
    """One line: when, which processor and how many, which versions, and how fast this machine runs Python now."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "?",
    )
    since = time.perf_counter()
    for _ in range(TURNS):
        pass
    loop = time.perf_counter() - since
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} x {processor}, Linux {platform.release()},"
        f" Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version};"
        f" {TURNS // 1_000_000} million turns of an empty loop take {loop:.2f} s"
    )
