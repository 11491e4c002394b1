"""Reads a file of settings as text."""

from pathlib import Path

from alertsvc.settings.errors import ConfigError, Problem

MAX_BYTES = 1024 * 1024


def read_text(path: Path) -> str:
    """The text of the file `path`.

    Raises:
        ConfigError: It cannot be read, is no UTF-8, or is larger than 1 MiB.
    """
    file = str(path)
    try:
        with path.open("rb") as source:
            raw = source.read(MAX_BYTES + 1)
    except OSError as fault:
        raise ConfigError([Problem(file, 0, 0, "", f"cannot be read: {_reason(fault)}")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError([Problem(file, 0, 0, "", "is larger than 1 MiB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise ConfigError([Problem(file, line, 1, "", f"is not UTF-8: byte 0x{raw[fault.start]:02x}")]) from None


def _reason(fault: OSError) -> str:
    return (fault.strerror or type(fault).__name__).lower()
