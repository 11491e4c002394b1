"""The file of thresholds: what it means, laid together, and how a slip in it is told."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from alertsvc.channels import CHANNELS
from alertsvc.cli import main
from alertsvc.core.model import Severity
from alertsvc.core.thresholds.policy import Adaptive, FeatureShare, Often, Policy, Thresholds
from alertsvc.resources import data_dir
from alertsvc.settings import ConfigError, load_config, load_text
from alertsvc.settings.compose import compose
from alertsvc.settings.thresholds_file import load_thresholds, parse_thresholds

CONFIG = data_dir("config")
SCHEMA = json.loads((CONFIG / "thresholds.schema.json").read_text())
MAIN = "route: {receiver: a}\nreceivers: [{name: a}]\nthresholds_file: limits.yaml\n"


def read(text: str) -> Thresholds:
    return parse_thresholds(text, "thresholds.yaml")


def bands(policy: Policy) -> list[tuple[str, float | None, float | None, str]]:
    return [(each.severity.word, each.lower, each.upper, each.rule) for each in policy.bands]


NEAREST = """
defaults: {for: 2, clear_after: 3, min_samples: 50}
metrics:
  accuracy: {direction: below, warning: 0.85, error: 0.82, critical: 0.8, for: 3}
  psi: {direction: above, warning: 0.1, critical: 0.25, features: {age: {warning: 0.2}}}
models:
  churn:
    accuracy: {critical: 0.81, clear_after: 1}
    psi: {features: {age: {critical: 0.3}}}
    environments:
      staging:
        accuracy: {warning: 0.83, critical: false, for: 1 of 2}
"""


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param(
            ("other", "accuracy"),
            [
                ("critical", 0.8, None, "metrics.accuracy.critical"),
                ("error", 0.82, None, "metrics.accuracy.error"),
                ("warning", 0.85, None, "metrics.accuracy.warning"),
            ],
            id="the-metric",
        ),
        pytest.param(
            ("churn", "accuracy"),
            [
                ("critical", 0.81, None, "models.churn.accuracy.critical"),
                ("error", 0.82, None, "metrics.accuracy.error"),
                ("warning", 0.85, None, "metrics.accuracy.warning"),
            ],
            id="the-model-over-the-metric",
        ),
        pytest.param(
            ("churn", "accuracy", "staging"),
            [
                ("error", 0.82, None, "metrics.accuracy.error"),
                ("warning", 0.83, None, "models.churn.environments.staging.accuracy.warning"),
            ],
            id="the-environment-over-the-model-and-a-band-less",
        ),
        pytest.param(
            ("other", "psi", "production", "age"),
            [
                ("critical", None, 0.25, "metrics.psi.critical"),
                ("warning", None, 0.2, "metrics.psi.features.age.warning"),
            ],
            id="the-feature-over-the-metric",
        ),
        pytest.param(
            ("churn", "psi", "production", "age"),
            [
                ("critical", None, 0.3, "models.churn.psi.features.age.critical"),
                ("warning", None, 0.2, "metrics.psi.features.age.warning"),
            ],
            id="the-feature-of-the-model",
        ),
        pytest.param(("churn", "rows"), [], id="a-metric-nobody-knows"),
    ],
)
def test_what_is_nearer_counts_part_by_part(about: tuple[str, ...], expected: list[object]) -> None:
    assert bands(read(NEAREST).policy(*about)) == expected


def test_patience_is_inherited_part_by_part() -> None:
    known = read(NEAREST)
    everywhere, metric = known.policy("x", "rows"), known.policy("x", "accuracy")
    model, staging = known.policy("churn", "accuracy"), known.policy("churn", "accuracy", "staging")
    assert (everywhere.often, everywhere.clear_after, everywhere.min_samples) == (Often(2, 2), 3, 50)
    assert (metric.often, metric.clear_after, metric.min_samples) == (Often(3, 3), 3, 50)
    assert (model.often, model.clear_after) == (Often(3, 3), 1)
    assert staging.often == Often(1, 2)


def test_what_is_remembered_is_no_more_than_the_file_has() -> None:
    known = read(NEAREST)
    for number in range(1000):
        known.policy(f"m{number}", f"metric{number}", f"e{number}", f"f{number}")
    assert len(known._known) == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("adaptive: true", Adaptive("ewma", 3.0), id="yes"),
        pytest.param("adaptive: weekday", Adaptive("weekday", 3.0), id="a-word"),
        pytest.param("adaptive: {sensitivity: 4}", Adaptive("ewma", 4.0), id="in-full"),
        pytest.param("adaptive: stream", Adaptive("stream"), id="a-stream"),
        pytest.param("adaptive: {method: stream}", Adaptive("stream"), id="a-stream-in-full"),
        pytest.param("adaptive: false", None, id="no"),
    ],
)
def test_an_adaptive_limit_is_a_word_or_a_mapping(written: str, expected: Adaptive | None) -> None:
    text = f"defaults: {{adaptive: {{sensitivity: 5}}}}\nmetrics: {{accuracy: {{{written}}}}}"
    assert read(text).policy("m", "accuracy").adaptive == expected


def test_a_stream_needs_no_direction_where_bands_do() -> None:
    assert read("metrics: {queue: {adaptive: stream}}").policy("m", "queue").is_stream


def test_a_share_of_features_is_a_number_or_a_mapping() -> None:
    known = read("metrics: {psi: {share_of_features: 0.2}, js: {share_of_features: {above: 0.1, at_least: 5}}}")
    assert known.policy("m", "psi").feature_share == FeatureShare(0.2, 10)
    assert known.policy("m", "js").feature_share == FeatureShare(0.1, 5)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        pytest.param("metric: {}", "1:1: metric: unknown key 'metric'; did you mean 'metrics'?", id="section"),
        pytest.param(
            "metrics: {psi: {waning: 1}}",
            "1:17: metrics.psi.waning: unknown key 'waning'; did you mean 'warning'?",
            id="key",
        ),
        pytest.param(
            "models: {m: {psi: {critcal: 1}}}",
            "1:20: models.m.psi.critcal: unknown key 'critcal'; did you mean 'critical'?",
            id="key-of-a-model",
        ),
        pytest.param(
            "metrics: {psi: {warning: 0.2, critical: 0.1}}",
            "1:41: metrics.psi.critical: critical (0.1) must be above warning (0.2, metrics.psi.warning), "
            "or the direction is wrong",
            id="wrong-side-above",
        ),
        pytest.param(
            "metrics: {accuracy: {error: 0.7, critical: 0.8}}",
            "1:44: metrics.accuracy.critical: critical (0.8) must be below error (0.7, metrics.accuracy.error), "
            "or the direction is wrong",
            id="wrong-side-below",
        ),
        pytest.param(
            "{metrics: {psi: {warning: 0.2}}, models: {m: {psi: {critical: 0.1}}}}",
            "1:63: models.m.psi.critical: critical (0.1) must be above warning (0.2, metrics.psi.warning), "
            "or the direction is wrong",
            id="wrong-side-of-an-inherited-one",
        ),
        pytest.param(
            "metrics: {queue: {warning: 1}}",
            "1:11: metrics.queue: on which side is 'queue' bad? add direction: above, below or outside",
            id="no-direction",
        ),
        pytest.param(
            "metrics: {psi: {warning: {lower: 1}}}",
            "1:26: metrics.psi.warning: the direction above needs upper",
            id="no-upper",
        ),
        pytest.param(
            "metrics: {bias: {direction: outside, warning: {lower: 1, upper: 0}}}",
            "1:47: metrics.bias.warning: lower is more than upper; swap them",
            id="swapped",
        ),
        pytest.param(
            "metrics: {psi: {warning: high}}", "1:26: metrics.psi.warning: a number is needed, got text", id="text"
        ),
        pytest.param(
            "metrics: {psi: {warning: .inf}}", "1:26: metrics.psi.warning: a number is needed, got text", id="infinite"
        ),
        pytest.param(
            "metrics: {queue: {adaptive: {method: stream, sensitivity: 3}}}",
            "1:29: metrics.queue.adaptive: a stream has no sensitivity: its limit is no distance from what is usual; "
            "take it away, or have fewer alarms with for or cooldown",
            id="sensitivity-of-a-stream",
        ),
        pytest.param(
            "metrics: {ks_p_value: {adaptive: stream}}",
            "1:34: metrics.ks_p_value.adaptive: a p-value has no usual level: without drift it is anywhere between 0 "
            "and 1; give it a band such as warning: 0.05, or measure the statistic",
            id="stream-of-p-values",
        ),
        pytest.param(
            "metrics: {ks_p_value: {adaptive: ewma}}",
            "1:34: metrics.ks_p_value.adaptive: a p-value has no usual level: without drift it is anywhere between 0 "
            "and 1; give it a band such as warning: 0.05, or measure the statistic",
            id="adaptive-p-value",
        ),
        pytest.param(
            "defaults: {for: 3 of 2}",
            "1:17: defaults.for: a count of values such as 3, or '2 of 3' is needed: from 1 to 100, "
            "the first not more than the second",
            id="more-than-all",
        ),
        pytest.param(
            "metrics: {psi: {adaptive: ewna}}",
            "1:27: metrics.psi.adaptive: must be 'ewma', 'weekday', 'stream' or 'off'; did you mean 'ewma'?",
            id="method",
        ),
        pytest.param("metrics: {psi: {}, PSI: {}}", "1:20: metrics.PSI: means the same metric as 'psi'", id="twice"),
        pytest.param(
            "defaults: {cooldown: soon}",
            "1:22: defaults.cooldown: a duration such as 30s, 5m, 1h30m or 7d is needed, got 'soon'",
            id="duration",
        ),
    ],
)
def test_a_slip_is_told_with_its_place(text: str, mistake: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert [each.headline for each in caught.value.problems] == [f"thresholds.yaml:{mistake}"]


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        read(
            "metrics:\n  psi: {waning: 1}\n  queue: {warning: 1}\n"
            "models:\n  m: {accuracy: {warning: 0.7, critical: 0.8}}\n"
        )
    assert [each.line for each in caught.value.problems] == [2, 3, 5]


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "models:\nmetrics:\n"])
def test_a_file_may_say_nothing(text: str) -> None:
    assert read(text).policy("m", "psi") == Policy()


def test_the_shipped_file_works_as_it_is_and_its_comments_too() -> None:
    shipped = (CONFIG / "thresholds.yaml").read_text()
    known = load_thresholds(CONFIG / "thresholds.yaml")
    assert known.policy("any", "accuracy").bands[0].severity is Severity.CRITICAL
    whole = shipped.replace("models: {}  ", "models:").replace("  # churn:", "  churn:").replace("  #   ", "    ")
    churn = read(whole).policy("churn", "accuracy")
    assert churn.adaptive == Adaptive("ewma", 3.0)
    assert read(whole).policy("churn", "accuracy", "staging").bands[0].severity is Severity.WARNING


def test_the_shipped_schema_is_what_the_command_prints_and_fits_the_file() -> None:
    printed = CliRunner().invoke(main, ["config", "schema", "--thresholds"])
    assert (printed.exit_code, printed.stdout) == (0, (CONFIG / "thresholds.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document, _ = compose((CONFIG / "thresholds.yaml").read_text())
    jsonschema.validate(document.tree, SCHEMA)
    assert (
        (CONFIG / "thresholds.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=./thresholds.schema.json\n")
    )


# As a part of the configuration


def test_a_relative_path_is_taken_from_the_folder_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "alertsvc.yaml").write_text(MAIN)
    (tmp_path / "limits.yaml").write_text("metrics: {psi: {warning: 0.1}}")
    loaded = load_config(tmp_path / "alertsvc.yaml", CHANNELS)
    assert loaded.rules.thresholds.policy("m", "psi").bands
    before = loaded.rules.fingerprint
    (tmp_path / "limits.yaml").write_text("metrics: {psi: {warning: 0.2}}")
    assert load_config(tmp_path / "alertsvc.yaml", CHANNELS).rules.fingerprint != before


def test_the_mistakes_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "alertsvc.yaml").write_text(MAIN + "loging: {}\n")
    (tmp_path / "limits.yaml").write_text("metrics: {psi: {waning: 0.1}}")
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "alertsvc.yaml", CHANNELS)
    assert [Path(each.file).name for each in caught.value.problems] == ["alertsvc.yaml", "limits.yaml"]


def test_a_file_that_is_not_there_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "alertsvc.yaml").write_text(MAIN)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "alertsvc.yaml", CHANNELS)
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (3, "thresholds_file")
    assert problem.message.endswith("limits.yaml: cannot be read: no such file or directory")


def test_a_kept_copy_stands_in_for_the_file(tmp_path: Path) -> None:
    kept = load_text(MAIN, str(tmp_path / "alertsvc.yaml"), CHANNELS, {}, "metrics: {psi: {warning: 0.3}}")
    assert kept.rules.thresholds.policy("m", "psi").bands[0].upper == 0.3
