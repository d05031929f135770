"""Options of the training recipe."""

import json

import pytest

from porevox.errors import PorevoxError
from porevox.learning.recipe import BEST, Recipe


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
        ("augmentation", "mirror"),
        ("augmentation", True),
        ("roll", 1),
        ("optimiser", "sgd"),
        ("weight_decay", -1),
        ("schedule", "linear"),
        ("warmup_epochs", -1),
        ("ema_decay", 1),
        ("loss", "mae"),
        ("huber_delta", 0),
        ("standardise_labels", "yes"),
        ("padding", "zeros"),
        ("pooling", "max"),
        ("test_time_augmentation", 49),
        ("physics", 0),
        ("skip", "no"),
        ("init_from", {"study": "a"}),
        ("freeze", "all"),
        ("recipe", "worst"),
        ("scalars", "PLD"),
        ("scalars", [1]),
        ("precision", "float16"),
    ],
)
def test_values_that_are_not_allowed(option, value):
    with pytest.raises(PorevoxError, match=f"option {option} must be"):
        Recipe.from_options({option: value})


def test_unknown_options_and_other_types():
    with pytest.raises(PorevoxError, match="no option 'epoch': the options are recipe, epochs"):
        Recipe.from_options({"epoch": 3})
    with pytest.raises(PorevoxError, match="type must be 'retnet'"):
        Recipe.from_options({"type": "random_forest"})


def test_the_two_recipes_and_what_overrides_them():
    thesis, best = Recipe.from_options({}), Recipe.from_options({"recipe": "best"})
    assert thesis == Recipe.from_options({"recipe": "thesis", "epochs": None}) == Recipe()
    assert best.recipe == "best"
    for option, value in BEST.items():
        assert getattr(best, option) == value != getattr(thesis, option), option
    mixed = Recipe.from_options({"recipe": "best", "loss": "mse", "ema_decay": 0, "epochs": None})
    assert (mixed.loss, mixed.ema_decay) == ("mse", 0) and mixed.optimiser == best.optimiser
    assert mixed.epochs == best.epochs


def test_how_a_training_is_watched_and_what_a_model_sees_are_no_part_of_the_recipe():
    assert Recipe.from_options({"tensorboard": True, "channels": ["lj"], "transform": {}}) == Recipe()


def test_best_leaves_translations_out_where_the_grid_is_not_periodic():
    assert not Recipe.from_options({"recipe": "best"}, periodic=False).roll
    assert Recipe.from_options({"recipe": "best", "roll": True}, periodic=False).roll


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"skip": True}, "skip needs scalars"),
        ({"freeze": "features"}, "name the run they come from in init_from"),
        ({"schedule": "cosine", "warmup_epochs": 5, "epochs": 5}, "fewer than its epochs"),
    ],
)
def test_options_that_do_not_go_together(options, words):
    with pytest.raises(PorevoxError, match=words):
        Recipe.from_options(options)
