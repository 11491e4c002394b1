"""The Numenta Anomaly Benchmark: its data, and how it scores. Neither its data nor its code is part of this project.

Source: A. Lavin, S. Ahmad (2015), Evaluating real-time anomaly detection algorithms: the Numenta Anomaly Benchmark;
https://github.com/numenta/NAB
"""

import csv
import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

PROBATION_SHARE = 0.15
PROBATION_MOST = 750
"""So many rows at the start, or that share of fewer, are not scored: a detector learns from them."""


@dataclass(frozen=True)
class Profile:
    """What a detection earns, and a miss and a false alarm cost."""

    name: str
    hit: float
    miss: float
    false: float


PROFILES = (
    Profile("standard", 1.0, 1.0, 0.11),
    Profile("low FP", 1.0, 1.0, 0.22),
    Profile("low FN", 1.0, 2.0, 0.11),
)
WINDOWS_OF_ALL = 116
PUBLISHED = (
    ("ARTime", 74.9),
    ("Numenta HTM", 70.5),
    ("CAD OSE", 69.9),
    ("earthgecko Skyline", 58.2),
    ("KNN-CAD", 58.0),
    ("Relative Entropy", 54.6),
    ("Random Cut Forest", 51.7),
    ("Twitter ADVec", 47.1),
    ("windowed Gaussian", 39.6),
    ("Etsy Skyline", 35.7),
    ("Bayesian changepoint", 17.7),
    ("EXPoSE", 16.4),
    ("random", 11.0),
    ("never an alarm", 0.0),
)
"""The standard scores that NAB lists for the whole corpus."""


@dataclass(frozen=True)
class Sample:
    """One series: the values, and the rows, first and last, of each window in which something is wrong."""

    name: str
    values: Sequence[float]
    windows: Sequence[tuple[int, int]]

    @property
    def probation(self) -> int:
        """From which row on it is scored."""
        return min(math.floor(PROBATION_SHARE * len(self.values)), PROBATION_MOST)


def read(folder: Path) -> list[Sample]:
    """All series below `folder`, which has `data` and `labels` as NAB's repository; they may be gzipped.

    Raises:
        FileNotFoundError: It has not.
    """
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    files = sorted((folder / "data").glob("*/*.csv*"))
    if not files:
        raise FileNotFoundError(f"no series in {folder / 'data'}")
    return [_sample(path, windows) for path in files]


def _sample(path: Path, windows: Mapping[str, Sequence[tuple[str, str]]]) -> Sample:
    name = f"{path.parent.name}/{path.name.removesuffix('.gz')}"
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        rows = [(datetime.fromisoformat(at), float(value)) for at, value in list(csv.reader(lines))[1:]]
    spans = [tuple(map(datetime.fromisoformat, each)) for each in windows[name]]
    inside = [[number for number, (at, _) in enumerate(rows) if begin <= at <= end] for begin, end in spans]
    return Sample(name, [value for _, value in rows], [(each[0], each[-1]) for each in inside])


def sigmoid(place: float) -> float:
    """What an alarm is worth at a place, where -1 is the begin of a window and 0 its end."""
    return -1.0 if place > 3 else 2 / (1 + math.exp(5 * place)) - 1


@dataclass
class Tally:
    """What a detector's alarms are worth: the best in each window found, each false one, and how many were missed."""

    hits: list[float] = field(default_factory=list[float])
    false: list[float] = field(default_factory=list[float])
    missed: int = 0

    def score(self, profile: Profile) -> float:
        """Of 100 for a perfect detector; one that never alarms has 0."""
        windows = len(self.hits) + self.missed
        null, perfect = -profile.miss * windows, profile.hit * windows
        raw = profile.hit * sum(self.hits) + profile.false * sum(self.false) - profile.miss * self.missed
        return 100 * (raw - null) / (perfect - null)


def tally(judged: Iterable[tuple[Sample, Iterable[int]]]) -> Tally:
    """Count the alarms, given as rows, of series."""
    whole = Tally()
    for sample, alarms in judged:
        rows = [each for each in alarms if each >= sample.probation]
        for begin, end in sample.windows:
            found = [_within(each, begin, end) for each in rows if begin <= each <= end]
            whole.hits += [max(found)] if found else []
            whole.missed += not found
        whole.false += _outside(rows, sample.windows)
    return whole


def _within(row: int, begin: int, end: int) -> float:
    return sigmoid(-(end - row + 1) / (end - begin + 1)) / sigmoid(-1.0)


def _outside(rows: Iterable[int], windows: Sequence[tuple[int, int]]) -> Iterator[float]:
    for row in rows:
        if any(begin <= row <= end for begin, end in windows):
            continue
        last = max(((begin, end) for begin, end in windows if end < row), default=None)
        if last is None:
            yield -1.0
        else:
            begin, end = last
            yield sigmoid((row - end) / max(end - begin, 1))
