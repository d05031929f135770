"""The map of a screening: its rows are those of the table and of the training set."""

import numpy as np
import pandas as pd
import pytest

from porevox.errors import PorevoxError
from porevox.handover.domain import read_domain
from porevox.screen_map import read_ranked, screen_map


@pytest.fixture
def ranked(shared_model, tmp_path):
    """A table whose structures are the first training structures, and one far away."""
    places, _ = read_domain(shared_model).map(read_domain(shared_model).vectors[:3])
    rows = [(k + 1, f"n{k}", 9 - k, 0.1, "no", "no", *places[k]) for k in range(3)]
    rows += [(4, "NA", 0.5, 30.0, "yes", "no", 50.0, 50.0)]
    names = [
        "rank",
        "id",
        "predicted_mol_per_kg",
        "distance",
        "out_of_domain",
        "in_training_set",
        "pc1",
        "pc2",
    ]
    table = pd.DataFrame(rows, columns=names).assign(
        why="", nearest_training_id="S-000", spread_mol_per_kg=""
    )
    table.to_csv(tmp_path / "ranked.csv", index=False)
    return tmp_path / "ranked.csv"


def test_new_structures_lie_where_their_likes_do(shared_model, ranked, tmp_path):
    table = screen_map(shared_model, ranked, tmp_path / "map")
    old, new = table[table["set"] == "training"], table[table["set"] == "new"]
    assert len(old) == 24 and list(new["id"]) == ["n0", "n1", "n2", "NA"]
    assert new[["pc1", "pc2"]].to_numpy()[:3] == pytest.approx(old[["pc1", "pc2"]].to_numpy()[:3], abs=1e-5)
    assert list(new["value"]) == [9, 8, 7, 0.5]
    assert [(tmp_path / f"map.{kind}").exists() for kind in ("pdf", "svg", "png", "csv")] == [True] * 4


def test_ids_stay_text_and_empty_cells_numbers(ranked, tmp_path):
    table = read_ranked(ranked)
    assert table["id"].iloc[-1] == "NA" and table["spread_mol_per_kg"].isna().all()
    assert table["why"].tolist() == [""] * 4 and table["pc1"].dtype == np.float64
    with pytest.raises(PorevoxError, match="cannot be read"):
        read_ranked(tmp_path / "nowhere.csv")
