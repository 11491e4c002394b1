"""The identity of a label set, as Alertmanager computes it: FNV-1a over sorted names and values."""

from collections.abc import Mapping

OFFSET = 0xCBF29CE484222325
PRIME = 0x100000001B3
MASK = 0xFFFFFFFFFFFFFFFF
SEPARATOR = b"\xff"
KEY_PREFIX = "fingerprint:"
_HEX = frozenset("0123456789abcdef")


def fingerprint(labels: Mapping[str, str]) -> str:
    """Sixteen lower-case hexadecimal digits for `labels`, whatever their order. A label without a value is none.

    Source: LabelSet.Fingerprint of prometheus/common.
    """
    value = OFFSET
    for name in sorted(labels):
        if not labels[name]:
            continue
        for byte in name.encode() + SEPARATOR + labels[name].encode() + SEPARATOR:
            value = ((value ^ byte) * PRIME) & MASK
    return f"{value:016x}"


def is_fingerprint(text: str) -> bool:
    """Whether `text` is a fingerprint that a sender may have computed."""
    return len(text) == 16 and _HEX.issuperset(text)


def key_to(known: str) -> str:
    """The key that leads to the alert of a fingerprint: one that a sender made up does not look like it by accident."""
    return KEY_PREFIX + known


def fingerprint_behind(key: str) -> str:
    """The fingerprint that a key leads to: the one it names, else that of the key itself."""
    named = key.removeprefix(KEY_PREFIX)
    return named if named != key and is_fingerprint(named) else fingerprint({"dedup_key": key})
