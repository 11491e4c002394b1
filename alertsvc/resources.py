"""Finds the files that travel with the package: migrations, templates, default configuration."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

Folder = Literal["migrations", "templates", "config"]


def data_dir(name: Folder) -> Path:
    """The folder `name`, in a wheel or in a checkout.

    A wheel carries the folders inside the package; a checkout (and so an editable install) has them beside it.

    Raises:
        FileNotFoundError: Neither place has it: the installation is incomplete.
    """
    package = Path(str(files("alertsvc")))
    bundled = package / "_bundled" / name
    if bundled.is_dir():
        return bundled
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of alertsvc")
