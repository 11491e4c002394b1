"""On which scale a metric is charted."""

import pytest

from alertsvc.core.adaptive.transforms import Scale, Side, Transform, transform_for


@pytest.mark.parametrize(
    ("metric", "score_type", "kind", "side", "transform"),
    [
        pytest.param("psi", None, "data_drift", Side.ABOVE, Transform.LOG, id="a-distance-by-name"),
        pytest.param("drift_score", "distance", "data_drift", Side.ABOVE, Transform.LOG, id="a-distance-by-type"),
        pytest.param("latency_p95", None, "health", Side.ABOVE, Transform.LOG, id="latency"),
        pytest.param("estimated_rmse", None, "performance", Side.ABOVE, Transform.LOG, id="an-error"),
        pytest.param("accuracy", None, "performance", Side.BELOW, Transform.LOGIT, id="accuracy"),
        pytest.param("estimated_roc_auc", None, "performance", Side.BELOW, Transform.LOGIT, id="an-estimated-share"),
        pytest.param("error_rate", None, "health", Side.ABOVE, Transform.LOGIT, id="a-rate-by-name"),
        pytest.param("refunds", "rate", "custom", Side.ABOVE, Transform.LOGIT, id="a-rate-by-type"),
        pytest.param("drift_share", None, "data_drift", Side.ABOVE, Transform.NONE, id="steps-from-zero"),
        pytest.param("r2", None, "performance", Side.BELOW, Transform.NONE, id="may-be-negative"),
        pytest.param("psi", "score", "data_drift", Side.ABOVE, Transform.LOG, id="a-score-says-nothing"),
        pytest.param("anything", None, "custom", None, Transform.NONE, id="unknown"),
        pytest.param("psi", "p_value", "data_drift", None, None, id="a-p-value-by-type"),
        pytest.param("ks_p_value", None, "data_drift", None, None, id="a-p-value-by-name"),
        pytest.param("drift_score", None, "data_drift", Side.BELOW, None, id="drift-that-is-bad-below"),
        pytest.param("accuracy", None, "concept_drift", Side.ABOVE, Transform.LOGIT, id="drift-that-is-bad-above"),
    ],
)
def test_the_scale_of(metric, score_type, kind, side, transform):
    assert transform_for(metric, score_type, kind, side) is transform


@pytest.mark.parametrize(
    ("transform", "history", "judged", "used"),
    [
        pytest.param(Transform.LOGIT, [0.1, 0.9], 0.5, Transform.LOGIT, id="a-share"),
        pytest.param(Transform.LOGIT, [0.0, 1.0], 0.5, Transform.LOGIT, id="both-ends"),
        pytest.param(Transform.LOGIT, [12.0, 15.0], 13.0, Transform.NONE, id="percent"),
        pytest.param(Transform.LOGIT, [0.1, 0.9], 1.5, Transform.NONE, id="a-share-of-more-than-all"),
        pytest.param(Transform.LOG, [0.1, 9.0], 0.0, Transform.LOG, id="positive"),
        pytest.param(Transform.LOG, [-0.1, 9.0], 0.5, Transform.NONE, id="negative"),
        pytest.param(Transform.NONE, [-0.1, 9.0], 0.5, Transform.NONE, id="anything"),
    ],
)
def test_what_does_not_fit_the_scale_is_charted_as_it_is(transform, history, judged, used):
    assert Scale(transform, history, [judged]).transform is used


@pytest.mark.parametrize("transform", list(Transform))
def test_a_place_leads_back_to_its_value(transform):
    scale = Scale(transform, [0.2, 0.4], [0.3])
    for value in (0.2, 0.3, 0.4, 0.7):
        assert scale.back(scale.place_of(value)) == pytest.approx(value)
        assert scale.of([value]) == [scale.place_of(value)]


def test_one_zero_does_not_stretch_a_logarithm_without_end():
    scale = Scale(Transform.LOG, [0.0, 0.2], [0.1])
    assert scale.back(scale.place_of(0.0)) == pytest.approx(1e-4)


def test_the_least_spread_is_the_floor_on_the_scale():
    assert Scale(Transform.NONE, [5.0], [5.0]).least_sd(5.0, 0.5) == 0.5
    share = Scale(Transform.LOGIT, [0.9], [0.9])
    assert share.least_sd(share.place_of(0.9), 0.05) == pytest.approx(share.place_of(0.9) - share.place_of(0.85))
    assert share.least_sd(share.place_of(0.9), 0.0) == 1e-2
