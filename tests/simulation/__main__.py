"""Plays seeds: `python -m tests.simulation --seeds 1000`, or one of them with its story: `--seed 17`."""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from alertsvc.store import migrate
from tests.simulation.play import Figures, Plan
from tests.simulation.truth import judged


def _short(folder: Path, seed: int) -> tuple[int, Figures]:
    figures = judged(Plan.of(seed), folder / "template.db", folder)
    figures.story = []
    return seed, figures


def main() -> int:
    """Play what is asked for. Returns how many seeds failed, 1 at most."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds to play (100)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--seed", type=int, help="play this one and tell its story")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at the same time")
    asked = parser.parse_args()
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as made:
        folder = Path(made)
        migrate.upgrade(f"sqlite:///{folder / 'template.db'}")
        if asked.seed is not None:
            figures = judged(Plan.of(asked.seed), folder / "template.db", folder)
            print(Plan.of(asked.seed), *figures.story, sep="\n")
            print(*(f"FAILED: {each}" for each in figures.failures), f"trace {figures.trace}", sep="\n")
            return int(bool(figures.failures))
        return _play_all(range(asked.first, asked.first + asked.seeds), folder, asked.jobs)


def _play_all(seeds: range, folder: Path, jobs: int) -> int:
    since = time.monotonic()
    totals: Counter[str] = Counter()
    failed: list[int] = []
    with ProcessPoolExecutor(jobs) as pool:
        for seed, figures in pool.map(partial(_short, folder), seeds, chunksize=4):
            totals.update({name: value for name, value in vars(figures).items() if isinstance(value, int | float)})
            if figures.failures:
                failed.append(seed)
                print(f"seed {seed} failed, trace {figures.trace}:", *figures.failures[:3], sep="\n  ", flush=True)
    print(f"{len(seeds)} seeds in {time.monotonic() - since:.0f} s, {len(failed)} failed {failed[:20]}")
    print(", ".join(f"{name} {value:,.0f}" for name, value in totals.items()))
    if not failed:
        print(f"no failure in {len(seeds)}: with 95 % confidence fewer than {3 / len(seeds):.2%} of seeds fail")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
