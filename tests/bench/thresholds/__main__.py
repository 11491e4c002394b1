"""What adaptive thresholds are worth, beside what people use without them and beside published detectors.

    python -m tests.bench.thresholds [--runs 100] [--nab FOLDER]

The first table is of made series, of which the truth is known. The second needs the data of the Numenta Anomaly
Benchmark: FOLDER has its `data` and `labels`, as https://github.com/numenta/NAB has them. Both take minutes.
"""

import argparse
from pathlib import Path

from tests.bench.thresholds import corpus, pace, simulate
from tests.bench.thresholds.corpus import PROFILES


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=100, help="made series of each kind")
    options.add_argument("--nab", type=Path, help="a folder with the data and labels of NAB")
    chosen = options.parse_args()
    _print_simulation(chosen.runs)
    print(f"\ncontrol chart, 100 points of history: {pace.chart_us():.0f} us a point")
    us, size = pace.kept_stream()
    print(f"stream, with what is kept read and written: {us:.0f} us a point; {size / 1000:.1f} kB are kept of a series")
    if chosen.nab is not None:
        _print_corpus(corpus.read(chosen.nab))


def _print_simulation(run_count: int) -> None:
    print(f"{run_count} series of each kind; trouble begins at point 200 and must be found within 14 points\n")
    print(f"{'':36}{'':28}{'false per 1000':>15}{'found':>8}{'after':>7}")
    for kind, method, got in simulate.table(run_count):
        print(f"{kind:36}{method:28}{got.false_alarms:15.1f}{got.found:8.0%}{got.delay:7.1f}")


def _print_corpus(samples: list[corpus.Sample]) -> None:
    rows, windows = sum(len(each.values) for each in samples), sum(len(each.windows) for each in samples)
    print(f"\nNAB: {len(samples)} series of {rows} rows with {windows} windows; one setting for all\n")
    ours, us = pace.stream_scores(samples)
    print(f"{'':36}" + "".join(f"{each.name:>10}" for each in PROFILES))
    print(f"{'ours':36}" + "".join(f"{each:10.1f}" for each in ours.whole) + f"   {us:.1f} us a point")
    print(f"{'ours, on halves of the series':36}{ours.halves_mean:10.1f}   (standard deviation {ours.halves_sd:.1f})")
    if windows != corpus.WINDOWS_OF_ALL:
        print("This is a part of the corpus; the published scores below are of the whole.")
    for name, score in corpus.PUBLISHED:
        print(f"{name:36}{score:10.1f}")


if __name__ == "__main__":
    main()
