"""A value that must not be seen: given inline, in a file or in an environment variable, read again at each use."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

MAX_SECRET_BYTES = 64 * 1024


class SecretUnavailableError(Exception):
    """The file or variable that holds a secret cannot be read. The text names the place, never the value."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is. `reveal` fetches it now, so that a rotated file or variable needs no restart."""

    name: str
    inline: SecretStr | None = None
    file: Path | None = None
    env: str | None = None

    def reveal(self) -> str:
        """The secret without surrounding white space.

        Raises:
            SecretUnavailableError: The file or variable is missing, unreadable, empty or larger than 64 KiB.
        """
        if self.inline is not None:
            return self.inline.get_secret_value().strip()
        if self.env is not None:
            found = os.environ.get(self.env, "").strip()
            if not found:
                raise SecretUnavailableError(f"{self.name}_env: the variable {self.env} is not set or empty")
            return found
        return self._from_file()

    def _from_file(self) -> str:
        if self.file is None:
            raise SecretUnavailableError(f"{self.name}: not given")
        try:
            with self.file.open("rb") as source:
                raw = source.read(MAX_SECRET_BYTES + 1)
            text = raw.decode().strip()
        except (OSError, UnicodeDecodeError) as fault:
            raise SecretUnavailableError(f"{self.name}_file: cannot read {self.file}: {type(fault).__name__}") from None
        if not text or len(raw) > MAX_SECRET_BYTES:
            raise SecretUnavailableError(f"{self.name}_file: {self.file} is empty or larger than 64 KiB")
        return text

    @property
    def place(self) -> str:
        """Where it is, fit to be shown: `file /run/secrets/slack`, `env HOOK`, or `inline`."""
        if self.file is not None:
            return f"file {self.file}"
        return f"env {self.env}" if self.env is not None else "inline"

    def __str__(self) -> str:
        return "<secret>"

    __repr__ = __str__
