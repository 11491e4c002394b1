"""The scorer of the Numenta Anomaly Benchmark, by its rules."""

import gzip
import json
from pathlib import Path

import pytest

from tests.bench.thresholds.corpus import PROFILES, Sample, read, sigmoid, tally

STANDARD, LOW_FP, LOW_FN = PROFILES
SERIES = Sample("a/b.csv", [0.0] * 1000, [(400, 499), (700, 799)])


@pytest.mark.parametrize(
    ("alarms", "score"),
    [
        pytest.param([], 0.0, id="never"),
        pytest.param([400, 700], 100.0, id="the-first-row-of-each-window"),
        pytest.param([400, 450, 499, 700], 100.0, id="only-the-best-of-a-window-counts"),
        pytest.param([400], 50.0, id="one-of-two"),
        pytest.param([499, 799], 50.0 + 50 * sigmoid(-0.01) / sigmoid(-1.0), id="the-last-row-of-each-window"),
        pytest.param([400, 700, 200], 100.0 - 11 / 4, id="before-any-window-a-false-alarm-costs-all"),
        pytest.param([400, 700, 149], 100.0, id="on-probation-nothing-counts"),
        pytest.param([400, 700, 500], 100.0 + 11 / 4 * sigmoid(1 / 99), id="just-after-a-window-it-costs-little"),
        pytest.param([400, 700, 699], 100.0 + 11 / 4 * sigmoid(200 / 99), id="later-it-costs-more"),
    ],
)
def test_alarms_are_worth(alarms, score):
    assert tally([(SERIES, alarms)]).score(STANDARD) == pytest.approx(score)


def test_profiles_weigh_what_is_wrong():
    assert tally([(SERIES, [400, 700, 200])]).score(LOW_FP) == pytest.approx(100.0 - 22 / 4)
    assert tally([(SERIES, [400])]).score(LOW_FN) == pytest.approx(50.0)
    assert tally([(SERIES, [400, 200])]).score(LOW_FN) == pytest.approx(50.0 - 11 / 6)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_series_and_their_windows_are_read(suffix: str, tmp_path: Path):
    rows = [f"2026-01-01 00:{minute:02}:00,{minute}" for minute in range(20)]
    text = "\n".join(["timestamp,value", *rows]) + "\n"
    (tmp_path / "data" / "some").mkdir(parents=True)
    (tmp_path / "labels").mkdir()
    file = tmp_path / "data" / "some" / f"one.csv{suffix}"
    file.write_bytes(gzip.compress(text.encode()) if suffix else text.encode())
    windows = {"some/one.csv": [["2026-01-01 00:05:00.000000", "2026-01-01 00:07:00.000000"]]}
    (tmp_path / "labels" / "combined_windows.json").write_text(json.dumps(windows))
    (sample,) = read(tmp_path)
    assert (sample.name, len(sample.values), sample.windows, sample.probation) == ("some/one.csv", 20, [(5, 7)], 3)


def test_a_folder_without_series_is_refused(tmp_path: Path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "combined_windows.json").write_text("{}")
    with pytest.raises(FileNotFoundError):
        read(tmp_path)
