"""The classic grammar against the real amtool: which texts it takes, and what it makes of them, in two processes."""

import random
import re
import subprocess

import pytest
import yaml

from alertsvc.core.route import Matcher
from alertsvc.matchers import MatcherError, classic
from alertsvc.matchers.conditions import matchers_of
from tests.programs import binary

COUNT = 400
NAMES = ("a", "foo_1", "a:b", "a.b", "é", '"a"', "1a", "")
OPS = ("=", "!=", "=~", "!~", "==", "!", " = ", " =~ ")
BITS = (*"bé\\\",{}'=~()| ", "x y", "\\n", "\\d", '\\"', "[a-z]", ".*", "{2}")


def condition(chance):
    value = "".join(chance.choice(BITS) for _ in range(chance.randint(0, 3)))
    quoted = f'"{value}"' if chance.random() < 0.6 else value
    return f"{chance.choice(NAMES if chance.random() < 0.3 else NAMES[:3])}{chance.choice(OPS)}{quoted}"


def text(chance):
    inner = chance.choice((",", ", ")).join(condition(chance) for _ in range(chance.choice((1, 1, 2, 3))))
    return f"{chance.choice(('', '', '{', ' '))}{inner}{chance.choice(('', '', '}', ',', '}}'))}"


def read(written):
    try:
        return matchers_of(classic.parse(written))
    except MatcherError:
        return None


def config(*texts):
    routes = [{"receiver": f"r{number}", "matchers": [written]} for number, written in enumerate(texts)]
    receivers = [{"name": f"r{number}"} for number in range(len(texts))]
    return yaml.safe_dump({"route": {"receiver": "r0", "routes": routes}, "receivers": receivers})


def shown(matcher: Matcher) -> str:
    """A matcher as amtool 0.25 prints it: the value as a Go string."""
    signs = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    value = "".join(signs.get(char, char) for char in matcher.value)
    return f'{matcher.name}{matcher.op}"{value}"'


@pytest.fixture(scope="module")
def texts():
    chance = random.Random(25)
    return list(dict.fromkeys(text(chance) for _ in range(COUNT)))


def test_amtool_takes_and_refuses_the_same_texts(texts, tmp_path):
    for number, written in enumerate(texts):
        (tmp_path / f"{number}.yml").write_text(config(written))
    said = subprocess.run(
        [binary("amtool"), "check-config", *(f"{number}.yml" for number in range(len(texts)))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    ).stdout
    taken = {int(number): word == "SUCCESS" for number, word in re.findall(r"Checking '(\d+)\.yml'  (\w+)", said)}
    assert len(taken) == len(texts)
    assert [texts[number] for number, ok in taken.items() if ok is not (read(texts[number]) is not None)] == []
    assert 50 < sum(taken.values()) < len(texts) - 50


def test_amtool_reads_the_same_matchers(texts, tmp_path):
    taken = [written for written in texts if read(written)]
    path = tmp_path / "alertmanager.yml"
    path.write_text(config(*taken))
    said = subprocess.run(
        [binary("amtool"), "config", "routes", "show", f"--config.file={path}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    lines = re.findall(r"── \{(.*)\}  receiver: (r\d+)$", said, re.MULTILINE)
    theirs = {receiver: matchers for matchers, receiver in lines}
    ours = {f"r{number}": ",".join(map(shown, in_their_order(read(written)))) for number, written in enumerate(taken)}
    assert theirs == ours
    assert len(theirs) > 50


def in_their_order(matchers):
    ops = ["=", "!=", "=~", "!~"]
    return sorted(matchers, key=lambda one: (one.name.encode(), one.value.encode(), ops.index(one.op)))
