"""Options of the training recipe."""

import json

import pytest

from porevox.errors import PorevoxError
from porevox.learning.recipe import Recipe


def test_options_replace_the_thesis_values_one_by_one():
    recipe = Recipe.from_options({"type": "retnet", "recipe": "thesis", "epochs": 3, "scalars": ["PLD"]})
    assert recipe.epochs == 3 and recipe.scalars == ("PLD",)
    assert recipe.batch_size == Recipe().batch_size == 64


def test_options_come_back_as_plain_values():
    recipe = Recipe.from_options({"dropout": 0, "scalars": ["PLD", "LCD"]})
    options = json.loads(json.dumps(recipe.as_options()))
    assert Recipe.from_options(options) == recipe


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 1),
        ("learning_rate", 0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("learning_rate", "0.001"),
        ("lr_decay_every_epochs", 0),
        ("lr_decay_factor", 1.5),
        ("dropout", 1.0),
        ("dropout", -0.1),
        ("augment", 1),
        ("scalars", "PLD"),
        ("scalars", [1]),
        ("precision", "float16"),
    ],
)
def test_values_that_are_not_allowed(option, value):
    with pytest.raises(PorevoxError, match=f"option {option} must be"):
        Recipe.from_options({option: value})


def test_unknown_options_and_other_types():
    with pytest.raises(PorevoxError, match="no option 'epoch': the options are epochs"):
        Recipe.from_options({"epoch": 3})
    with pytest.raises(PorevoxError, match="type must be 'retnet'"):
        Recipe.from_options({"type": "random_forest"})
