"""Sentences made from numbers: they follow the numbers, and claim nothing that these do not show."""

import math

import pytest

from porevox.pages import verdict

NAMES = {"retnet": "RetNet", "rf": "RF"}


def metric_rows(model, n_train, r2, mae=5.0, seed="mean", n_test=208, subset="test"):
    head = {"model": model, "subset": subset, "n_train": str(n_train), "n_used": str(n_train), "seed": seed}
    bounds = {"ci_low": str(r2 - 0.1), "ci_high": str(r2 + 0.1), "n_test": str(n_test)}
    return [
        {**head, **bounds, "metric": metric, "value": str(value)}
        for metric, value in (("R2", r2), ("MAE", mae))
    ]


def comparison_row(value, low, high, n_train=400):
    row = {"challenger": "retnet", "reference": "rf", "n_train": str(n_train), "metric": "R2"}
    return row | {"value": str(value), "ci_low": str(low), "ci_high": str(high)}


def judged(metrics, comparison=(), crossing=""):
    models = verdict.full_size(metrics)
    return verdict.sentences(models, comparison, crossing, NAMES, "cm3(STP)/cm3", 0.95)


def test_full_size_is_the_largest_size_on_the_test_set():
    rows = metric_rows("rf", 1000, 0.5) + metric_rows("rf", 200, 0.9)
    rows += metric_rows("rf", 1000, 0.8, seed="0") + metric_rows("rf", 1000, 0.8, seed="1")
    rows += metric_rows("rf", 1000, 0.99, seed="ensemble")
    rows += metric_rows("rf", 1000, 0.95, subset="validation")
    (found,) = verdict.full_size(rows)
    assert (found.n_train, found.n_seeds, found.n_test) == ("1000", 2, 208)
    assert found.scores["R2"] == pytest.approx((0.5, 0.4, 0.6))


def test_the_best_model_is_named_with_its_interval():
    said = judged(metric_rows("retnet", 1000, 0.7, 3.0) + metric_rows("rf", 1000, 0.6, 4.0))
    assert said == [
        "Highest R²: RetNet, 0.700 (95 % CI 0.600 to 0.800) on 208 structures that it did not learn from, "
        "after 1,000 training structures, wrong by 3 cm³(STP)/cm³ on average (MAE)."
    ]


def test_another_winner_by_another_metric_is_said():
    said = judged(metric_rows("retnet", 400, 0.7, 5.0) + metric_rows("rf", 400, 0.6, 4.0))
    assert "RF has the smallest MAE, 4 cm³(STP)/cm³" in said[1]


def test_a_best_model_that_may_be_worth_nothing_is_no_success():
    assert "holds 0" in judged(metric_rows("rf", 100, 0.05))[1]
    assert len(judged(metric_rows("rf", 100, 0.11))) == 1


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((0.2, 0.1, 0.3), "RetNet is better than RF"),
        ((-0.2, -0.3, -0.1), "RF is better than RetNet"),
        ((0.2, -0.1, 0.4), "do not show which of the two is better"),
        ((0.0, 0.0, 0.0), "do not show which of the two is better"),
    ],
)
def test_a_difference_is_shown_only_where_its_interval_leaves_out_zero(bounds, words):
    said = verdict.differences([comparison_row(0.9, 0.8, 1.0, 100), comparison_row(*bounds)], NAMES)
    assert len(said) == 1 and words in said[0] and "at 400 training structures" in said[0]


def test_different_test_sets_are_not_compared_silently():
    rows = metric_rows("retnet", 400, 0.7) + metric_rows("rf", 400, 0.6, n_test=190)
    assert any("could not all predict the same" in sentence for sentence in judged(rows))


def test_no_defined_score_is_said():
    rows = metric_rows("rf", 400, math.nan)
    assert "No R² is defined" in judged(rows)[0]


def test_the_crossing_closes_the_verdict(tmp_path):
    path = tmp_path / "crossing.json"
    path.write_text('{"statement": "RetNet reaches RF\'s best R2 (0.47)."}')
    said = judged(metric_rows("rf", 400, 0.6), crossing=verdict.crossing_statement(path))
    assert said[-1] == "RetNet reaches RF's best R² (0.47)."


def test_scores_with_intervals():
    assert verdict.with_interval((-0.5, -0.75, 0.25), 2) == "\u22120.50 [\u22120.75, 0.25]"
    assert verdict.with_interval((math.nan,) * 3) == "\u2013"
