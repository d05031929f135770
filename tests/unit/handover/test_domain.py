"""Distances to the training set, against the plain definition of them."""

import numpy as np
import pytest

from porevox.errors import PorevoxError
from porevox.handover.domain import Domain, read_domain, write_domain


def domain_of(vectors):
    n = len(vectors)
    ids = np.array([f"t{k}" for k in range(n)])
    return Domain(ids, np.array(["ab"] * n), np.linspace(0, 1, n), np.asarray(vectors, np.float32))


@pytest.fixture
def cloud():
    """Points whose components have quite different scales."""
    return np.random.default_rng(0).normal(size=(60, 4)) * [1, 100, 0.01, 5]


def test_distances_are_those_of_brute_force(cloud):
    domain = domain_of(cloud)
    scaled = cloud / cloud.std(axis=0)
    apart = np.linalg.norm(scaled[:, None] - scaled[None], axis=-1)
    own = np.sort(apart, axis=1)[:, 1]
    assert domain.unit() == pytest.approx(np.quantile(own, 0.99), rel=1e-5)
    new = cloud[:7] + [0.5, 20, 0, 1]
    apart = np.linalg.norm((new / cloud.std(axis=0))[:, None] - scaled[None], axis=-1)
    distance, nearest = domain.nearest(new, 2.0)
    assert distance == pytest.approx(apart.min(axis=1) / 2, rel=1e-4)
    assert list(nearest) == [f"t{k}" for k in apart.argmin(axis=1)]


def test_training_structures_are_where_they_are(cloud):
    distance, nearest = domain_of(cloud).nearest(cloud, 1.0)
    assert distance == pytest.approx(0, abs=1e-5) and list(nearest) == [f"t{k}" for k in range(60)]


def test_about_one_in_a_hundred_training_structures_is_beyond_the_unit(cloud):
    domain = domain_of(np.random.default_rng(1).normal(size=(1000, 3)))
    points = domain.vectors.astype(float)
    beyond = 0
    for k in range(0, 1000, 5):
        rest = domain_of(np.delete(points, k, axis=0))
        beyond += rest.nearest(points[k : k + 1], domain.unit())[0][0] > 1
    assert beyond / 200 == pytest.approx(0.01, abs=0.015)


def test_a_constant_component_and_infinities_do_no_harm(cloud):
    cloud[:, 2] = 3.0
    cloud[5, 0] = -np.inf
    domain = domain_of(cloud)
    assert np.isfinite(domain.unit())
    new = np.array([[-np.inf, 0, 3, 0], [0, np.inf, 3, 0], [0, 0, 1e30, np.nan]])
    distance, _ = domain.nearest(new, domain.unit())
    assert np.isfinite(distance).all() and distance[1] > 1
    assert domain.nearest(np.empty((0, 4)), 1.0)[0].size == 0


def test_the_map_keeps_what_varies_most():
    rng = np.random.default_rng(2)
    long, short = rng.normal(size=(300, 1)), rng.normal(size=(300, 1))
    # two components say the same: after scaling they hold two thirds of the variance
    domain = domain_of(np.hstack([long, 7 * long, short]))
    places, explained = domain.map(domain.vectors)
    assert explained[0] == pytest.approx(2 / 3, abs=0.05) and explained.sum() == pytest.approx(1, abs=1e-6)
    assert abs(np.corrcoef(places[:, 0], long[:, 0])[0, 1]) > 0.99
    assert domain.map(domain.vectors[:1])[0] == pytest.approx(places[:1], abs=1e-4)


def test_one_component_or_one_structure_are_enough():
    assert domain_of([[1.0], [2.0], [4.0]]).map([[3.0]])[0].shape == (1, 2)
    one = domain_of([[1.0, 2.0]])
    assert one.unit() == 1 and one.nearest([[1.0, 2.0]], 1.0)[0] == pytest.approx(0)
    assert one.map([[1.0, 2.0]])[0] == pytest.approx(0)


def test_it_comes_back_from_its_files(cloud, tmp_path):
    domain = domain_of(cloud)
    object.__setattr__(domain, "ids", np.array(["NA", "007", "x,y"] + [f"t{k}" for k in range(57)]))
    write_domain(domain, tmp_path)
    again = read_domain(tmp_path)
    assert list(again.ids[:3]) == ["NA", "007", "x,y"] and np.array_equal(again.vectors, domain.vectors)
    assert np.array_equal(again.labels, domain.labels)
    lines = (tmp_path / "training.csv").read_text().splitlines()
    (tmp_path / "training.csv").write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(PorevoxError, match="does not belong"):
        read_domain(tmp_path)
    (tmp_path / "training.safetensors").write_bytes(b"{}")
    with pytest.raises(PorevoxError, match="cannot be read"):
        read_domain(tmp_path)
