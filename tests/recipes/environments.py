"""Environments of tools: a venv with what a tool needs and httpx, which is all that the client needs."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PIP_PYTHON = str(getattr(sys, "_base_executable", sys.executable))
"""The interpreter beneath this environment, which need not have pip itself."""
INSTALL_SECONDS = 1800


def environment_in(folder: Path, requirements: Sequence[str]) -> Path:
    """The Python of an environment with `requirements`, made unless it is there with just these."""
    python, stamp = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    run([PIP_PYTHON, "-m", "venv", "--without-pip", str(folder)])
    run([PIP_PYTHON, "-m", "pip", "--python", str(python), "install", "-q", "--no-input", *requirements])
    stamp.write_text(wanted)
    return python


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])} …: {done.stderr[-2000:]}")
