"""The payloads as people reviewed them. `python -m tests.channels.golden` writes them anew: read the difference."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.channels.payloads import PAYLOADS
from tests.channels.scenes import SCENES

FOLDER = Path(__file__).parent / "golden"


def golden_files() -> Iterator[tuple[Path, str]]:
    """Each file and what should stand in it."""
    for channel, payload in PAYLOADS.items():
        for scene, message in SCENES.items():
            text = json.dumps(payload(message), indent=2, ensure_ascii=False)
            yield FOLDER / channel / f"{scene}.json", text + "\n"


if __name__ == "__main__":
    for path, text in golden_files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
