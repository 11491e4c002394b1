"""Whatever a file says, it is loaded or refused with the places of its mistakes, quickly and without its secrets."""

import random
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from alertsvc.channels import CHANNELS
from alertsvc.resources import data_dir
from alertsvc.settings import ConfigError, Loaded, load_text
from tests.settings.kinds import KINDS

TEXT = (Path(__file__).parent / "golden" / "secrets.yaml").read_text()
FULL = (data_dir("config") / "alertsvc.full.yaml").read_text()
PIECES = [
    *(line for line in TEXT.splitlines(keepends=True) if "CANARY" not in line),
    *"{}[]:,-#&*!|>'\"%@`?~\t\n",
    "<<",
    "  ",
    "    ",
    "...",
    "---",
    "\x85",
    "\u2028",
    "é",
    "\ufeff",
]
OTHERS = [
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "on",
    "22:30",
    "x" * 300,
    [],
    [None],
    ["x"],
    {},
    {"x": "y"},
    {"name": 1},
    "\u2028",
]


def outcome(text, kinds=KINDS):
    """What loading `text` gives. A refusal has no secrets, and neither takes long."""
    begun = time.thread_time()
    try:
        result = load_text(text, "alertsvc.yaml", kinds)
    except ConfigError as refused:
        result = refused
    assert time.thread_time() - begun < 15
    assert isinstance(result, Loaded) or (result.problems and "CANARY" not in str(result))
    return result


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_is_loaded_or_refused(text):
    outcome(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_file_with_some_characters_of_a_line_changed_is_loaded_or_refused(data):
    lines = TEXT.splitlines(keepends=True)
    number = data.draw(st.integers(0, len(lines) - 1))
    line = lines[number]
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start, min(len(line) - 1, start + 20)))
    lines[number] = line[:start] + data.draw(st.text(max_size=5) | st.sampled_from(PIECES)) + line[end:]
    outcome("".join(lines))


def places(tree, at=()):
    yield at
    for part, value in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield from places(value, (*at, part))


def mutated(tree, chance):
    """`tree` with one part of it deleted, doubled, renamed or of another kind."""
    *above, part = chance.choice([place for place in places(tree) if place])
    holder = tree
    for step in above:
        holder = holder[step]
    match chance.choice(["delete", "double", "rename", "retype"]):
        case "delete":
            del holder[part]
        case "double" if isinstance(holder, list):
            holder.insert(part, holder[part])
        case "double":
            holder[f"{part} "] = holder[part]
        case "rename" if isinstance(holder, dict):
            holder[part[:1] + part[2:]] = holder.pop(part)
        case _:
            holder[part] = chance.choice(OTHERS)
    return tree


@pytest.mark.parametrize("seed", range(80))
def test_the_full_file_with_one_part_changed_is_loaded_or_refused_with_places(seed):
    chance = random.Random(seed)
    text = yaml.safe_dump(mutated(yaml.safe_load(FULL), chance), sort_keys=False)
    result = outcome(text, CHANNELS)
    if not isinstance(result, Loaded):
        lines = text.splitlines()
        assert all(1 <= problem.line <= len(lines) for problem in result.problems)
        assert all(1 <= problem.column <= len(lines[problem.line - 1]) + 1 for problem in result.problems)


def test_a_line_that_stands_twice_is_a_mistake_with_a_place():
    lines = TEXT.splitlines(keepends=True)
    refused = 0
    for index in range(len(lines)):
        result = outcome("".join([*lines[: index + 1], *lines[index:]]))
        if not isinstance(result, Loaded):
            refused += 1
            assert all(problem.line for problem in result.problems)
    assert refused > len(lines) / 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("".join(f"k{index}: 1\n" for index in range(5_000)), id="unknown-keys"),
        pytest.param("global:\n" + "".join(f"  k{index}: x{index}\n" for index in range(5_000)), id="unknown-secrets"),
        pytest.param("a: 1\n" * 5_000, id="repeated-keys"),
        pytest.param("digests:\n" + "  - {name: d, timezone: Europ/x}\n" * 2_000, id="unknown-time-zones"),
        pytest.param(
            "route:\n  routes:\n" + "".join(f"  - {{receiver: x{index}}}\n" for index in range(2_000)),
            id="undefined-receivers",
        ),
        pytest.param(
            "receivers: [{name: a, slack_configs: [" + "{channel: x}," * 2_000 + "]}]\nroute: {receiver: a}",
            id="destinations-of-one-name",
        ),
    ],
)
def test_a_file_with_thousands_of_mistakes_takes_seconds(text):
    result = outcome(text)
    assert isinstance(result, Loaded) or len(result.problems) <= 101
