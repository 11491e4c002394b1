"""Writes a configuration as text, in the order people expect, with remarks at its receivers."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

import yaml

from alertsvc.quoting import printable
from alertsvc.settings.scalars import Tree, read_plain

ORDER = ("global", "severities", "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals")
_UNQUOTED = re.compile(r"[A-Za-z0-9_./-]+")
HEAD = """\
# yaml-language-server: $schema=./alertsvc.schema.json
# Made by `alertsvc config import`. It decides as Alertmanager does: defaults that differ are written out. Only what is
# critical does not wait for group_wait. Without the section `severities` warnings wait for an hourly digest.
"""


class _Writer(yaml.SafeDumper):
    """Quotes whatever could be read as something else."""

    def ignore_aliases(self, data: object) -> bool:
        """Write everything where it stands."""
        del data
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = _UNQUOTED.fullmatch(text) and read_plain(text) == text
    style = None if plain else '"' if "\n" in text else "'"
    return dumper.represent_scalar(  # pyright: ignore[reportUnknownMemberType]  # its stub leaves the value open
        "tag:yaml.org,2002:str", text, style
    )


_Writer.add_representer(str, _text)


def write(tree: Mapping[str, Tree], remarks: Sequence[Sequence[str]]) -> str:
    """The text of `tree`. `remarks` has lines for each of its receivers."""
    parts = [HEAD]
    for key in ORDER:
        if key == "receivers":
            parts.append(_receivers(cast("list[Tree]", tree[key]), remarks))
        elif key in tree:
            parts.append(_dump({key: tree[key]}))
    return "\n".join(parts)


def _receivers(receivers: Sequence[Tree], remarks: Sequence[Sequence[str]]) -> str:
    lines = ["receivers:\n"]
    for receiver, said in zip(receivers, remarks, strict=True):
        lines += [f"  # {printable(line)}\n" for line in said]
        lines += [f"  {line}\n" for line in _dump([receiver]).splitlines()]
    return "".join(lines)


def _dump(tree: Tree) -> str:
    return str(yaml.dump(tree, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=10_000))
