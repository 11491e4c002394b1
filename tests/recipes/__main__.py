"""See `tests.recipes`."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests import recipes
from tests.recipes.catalogue import TOOLS
from tests.recipes.environments import environment_in
from tests.recipes.stage import staged


async def show(name: str, python: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=f"alertsvc-{name}-") as folder:
        async with staged(python, Path(folder)) as stage:
            await TOOLS[name].show(stage, lambda said: print(f"{name}: {said}", flush=True))


def try_all(names: list[str], folder: Path) -> bool:
    is_good = True
    for name in names:
        began = time.monotonic()
        try:
            python = environment_in(folder / name, TOOLS[name].requirements)
            print(f"{name}: {', '.join(TOOLS[name].requirements)} ({time.monotonic() - began:.0f} s)", flush=True)
            asyncio.run(show(name, python))
        except Exception as fault:
            is_good = False
            print(f"{name}: FAILED: {type(fault).__name__}: {fault}", flush=True)
    return is_good


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.recipes", description=recipes.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this one; may be repeated")
    parser.add_argument("--folder", type=Path, help="where the environments are, and stay")
    options = parser.parse_args()
    names = options.tool or list(TOOLS)
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        return 0 if try_all(names, options.folder) else 1
    with tempfile.TemporaryDirectory(prefix="alertsvc-recipes-") as folder:
        return 0 if try_all(names, Path(folder)) else 1


if __name__ == "__main__":
    sys.exit(main())
