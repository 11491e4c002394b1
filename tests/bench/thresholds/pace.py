"""Runs our detectors: how long a point takes, and what the stream's alarms are worth."""

import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import fmean, stdev

import msgspec

from alertsvc.core.adaptive.ewma import WINDOW, Chart, judge
from alertsvc.core.adaptive.stream import Stream
from alertsvc.core.adaptive.transforms import Side, Transform
from alertsvc.core.model import Event, Severity
from alertsvc.core.observation import Observation
from alertsvc.core.thresholds.policy import Adaptive, Policy
from alertsvc.core.thresholds.ruling import NOBODY
from alertsvc.core.thresholds.streaming import Detector, streamed
from tests.bench.thresholds.corpus import PROFILES, Sample, tally

SPLITS = 12
CHARTED = 5000
LEARNED = 2000


@dataclass(frozen=True)
class Scores:
    """By profile for all series; and the first profile's on halves of them."""

    whole: Sequence[float]
    halves_mean: float
    halves_sd: float


def chart_us() -> float:
    """Microseconds of CPU that the control chart takes for a point."""
    chance = random.Random(1)
    history = [math.exp(chance.gauss(-3, 0.5)) for _ in range(WINDOW)]
    chart = Chart(Side.ABOVE, Transform.LOG)
    began = time.process_time()
    for _ in range(CHARTED):
        judge(history, 0.05, chart)
    return (time.process_time() - began) / CHARTED * 1e6


def kept_stream() -> tuple[float, int]:
    """Microseconds of CPU for a value of a daily rhythm in a stream, and how many bytes are kept of the series.

    What is kept is read before each value and written after it, as the service does, but in no database.
    """
    chance = random.Random(1)
    seen, policy = Observation("m", "load", "custom", "production"), Policy(adaptive=Adaptive("stream"))
    detector, kept, took, at = Detector(), b"", 0.0, datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(LEARNED + CHARTED):
        at += timedelta(minutes=5)
        value = 50 + 30 * math.sin(2 * math.pi * number / 288) + chance.gauss(0, 3)
        event = Event("m", "f", None, Severity.WARNING, {}, decided_by=NOBODY, observation=seen)
        event = replace(event, observed_at=at, value=value)
        began = time.process_time()
        if kept:
            detector = Detector(detector.extent, msgspec.json.decode(kept))
        streamed(event, policy, detector, None, at)
        kept = msgspec.json.encode(detector.state())
        took += time.process_time() - began if number >= LEARNED else 0
    return took / CHARTED * 1e6, len(kept)


def alarms_of(values: Sequence[float]) -> list[int]:
    """The rows at which the stream's detector alarms."""
    stream = Stream()
    return [number for number, value in enumerate(values) if stream.observe(value).is_alarm]


def stream_scores(samples: Sequence[Sample]) -> tuple[Scores, float]:
    """What the detector is worth on these series, and microseconds of CPU for a point."""
    began = time.process_time()
    judged = [(sample, alarms_of(sample.values)) for sample in samples]
    us = (time.process_time() - began) / sum(len(each.values) for each in samples) * 1e6
    chance = random.Random(1)
    halves: list[float] = []
    for _ in range(SPLITS):
        mixed = chance.sample(judged, len(judged))
        middle = len(mixed) // 2
        halves += [tally(half).score(PROFILES[0]) for half in (mixed[:middle], mixed[middle:])]
    return Scores([tally(judged).score(each) for each in PROFILES], fmean(halves), stdev(halves)), us
