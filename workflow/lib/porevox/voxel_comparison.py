"""The stage *voxel_comparison*: voxels computed here against published ones, structure by structure.

The published voxels may have been computed with both ends of each axis or without the last one
(``endpoint``), which nothing in the file tells: both are computed, and the one that is meant shows.
Boltzmann factors are compared, not energies, since these differ without bound where atoms overlap.
"""

import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.energy.channels import channel_from_dict
from porevox.energy.energyfile import appearing, to_single
from porevox.energy.forcefield import load_forcefield
from porevox.energy.grid import GridSpec
from porevox.errors import PorevoxError, StructureRejected
from porevox.figures.figure_style import COLOURS, INK, TWO_COLUMNS, add_legend, new_figure, save_figure, style
from porevox.figures.figure_text import count_text
from porevox.scores.scored_runs import write_table
from porevox.split import shuffled
from porevox.structures import pack_name, read_pack

_log = logging.getLogger(__name__)
ENDPOINTS = (True, False)
#: Differences that count as none but rounding (of single precision), and as small.
CLOSE = (1e-5, 1e-3)
QUANTILES = (0.5, 0.9, 0.99, 0.999)
#: Below, a relative difference of two factors says nothing of where a guest can be.
_LEAST_FACTOR = 1e-3
#: A structure counts as the same if so large a share of its points that a guest can reach has factors
#: that differ by so little of themselves: parameters of one element that differ in the third digit, and
#: another program's reading of the CIF, stay within it. An endpoint agrees if so many structures are.
_SAME, _SAME_WITHIN, _AGREES = 0.99, 0.01, 0.5
_DECADES, _PER_DECADE = (-12, 4), 50


class Distribution:
    """How often differences of which size occur, in bins of a logarithmic scale: any number of them."""

    def __init__(self):
        self._counts = np.zeros((_DECADES[1] - _DECADES[0]) * _PER_DECADE + 2, dtype=np.int64)
        self._close = np.zeros(len(CLOSE), dtype=np.int64)
        self.largest = 0.0

    def add(self, differences: np.ndarray) -> None:
        """Count differences, none of them negative.

        Parameters
        ----------
        differences : numpy.ndarray, shape (m,)
        """
        if not differences.size:
            return
        with np.errstate(divide="ignore"):
            places = np.ceil((np.log10(differences) - _DECADES[0]) * _PER_DECADE)
        places = np.clip(places, 0, len(self._counts) - 1).astype(np.int64)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._close += [(differences <= limit).sum() for limit in CLOSE]
        self.largest = max(self.largest, float(differences.max()))

    def cumulative(self) -> tuple[np.ndarray, np.ndarray]:
        """Sizes, and the share of differences that are at most so large; the last size is infinite.

        Returns
        -------
        sizes, shares : numpy.ndarray, shape (bins,), float64
        """
        edges = 10.0 ** (_DECADES[0] + np.arange(len(self._counts)) / _PER_DECADE)
        edges[-1] = math.inf
        return edges, self._counts.cumsum() / max(self._counts.sum(), 1)

    def summary(self) -> dict:
        """Quantiles (to within a bin, upwards), shares of close ones, and the largest difference.

        Returns
        -------
        dict
            ``n_points``, ``quantiles``, ``shares`` and ``largest``.
        """
        edges, shares = self.cumulative()
        found = {q: float(edges[min(int(np.searchsorted(shares, q)), len(edges) - 1)]) for q in QUANTILES}
        total = max(int(self._counts.sum()), 1)
        return {
            "n_points": int(self._counts.sum()),
            "quantiles": {f"{q:g}": min(value, self.largest) for q, value in found.items()},
            "shares": {f"{limit:g}": int(n) / total for limit, n in zip(CLOSE, self._close, strict=True)},
            "largest": self.largest,
        }


def compare_voxels(
    published: tuple[Path, list[Path]],
    structures: Path,
    forcefield: str | Path,
    spec: Mapping,
    out_stem: str | Path,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Compare a sample of the structures that have both.

    Parameters
    ----------
    published : tuple of (Path, list of Path)
        Manifest of the published voxels, and the folders of their shards in order.
    structures : Path
        Folder of the CIFs' manifest and packs.
    forcefield : path
        Table of Lennard-Jones parameters.
    spec : mapping
        See :func:`porevox.comparisons.spec`.
    out_stem : path
        Written: ``<out_stem>.png``, ``.pdf``, ``.svg``, ``.csv`` (the distributions drawn),
        ``_structures.csv`` (one row per structure, worst first), ``_rejected.csv`` and ``.json``.
    progress : callable, optional
        Called with (structures done, structures in all).

    Returns
    -------
    dict
        What stands in the JSON file.

    Raises
    ------
    PorevoxError
        No structure has both, or a file cannot be read.
    """
    theirs, ours = _read(published[0]), _read(structures / "manifest.csv")
    common = theirs.index.intersection(ours.index)
    if common.empty:
        raise PorevoxError(_nothing_common(theirs, ours, spec))
    chosen = shuffled(common, 0)[: spec["n_structures"]]
    known = _published_rows(published[1])
    total = {key: Distribution() for key in _KEYS}
    rows, rejected = [], []
    for done, (name, energies) in enumerate(_computed(chosen, ours, structures, forcefield, spec), start=1):
        if name not in known:
            rejected.append((name, "published", "the published voxels of this name cannot be used"))
        elif isinstance(energies, StructureRejected):
            rejected.append((name, energies.code, energies.detail))
        else:
            rows.append({"id": name, **_compare(_stored(known[name], spec), energies, spec, total)})
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise PorevoxError(
            f"None of the {len(chosen)} structures chosen could be compared, the first ({rejected[0][0]}) "
            f"because of {rejected[0][1]}: {rejected[0][2]}."
        )
    table, summary = _verdict(pd.DataFrame(rows), total, spec)
    summary |= {"worst": table["id"].head(10).tolist(), "n_common": len(common), "n_compared": len(table)}
    summary["rejected"] = dict(sorted(Counter(code for _, code, _ in rejected).items()))
    _write(Path(out_stem), table, rejected, total, summary)
    return summary


#: The four distributions: kind of difference, and endpoint of the voxels computed here.
_KEYS = [(kind, endpoint) for kind in ("absolute", "relative") for endpoint in ENDPOINTS]


def _read(manifest: Path) -> pd.DataFrame:
    return pd.read_csv(manifest, dtype={"id": str}, keep_default_na=False).set_index("id")


def _nothing_common(theirs: pd.DataFrame, ours: pd.DataFrame, spec: Mapping) -> str:
    return (
        f"0 of the {len(theirs)} structures of `{spec['published']}` (such as {', '.join(theirs.index[:2])}) "
        f"are among the {len(ours)} CIFs of `{spec['structures']}` (such as {', '.join(ours.index[:2])}): "
        "name two datasets of the same structures."
    )


def _published_rows(shards: list[Path]) -> dict[str, tuple[Path, int]]:
    """Where the usable published voxels stand: file and row by name; of two the first."""
    found: dict[str, tuple[Path, int]] = {}
    for folder in shards:
        index = pd.read_csv(folder / "index.csv", dtype={"id": str}, keep_default_na=False)
        for name, row in zip(index["id"], index["row"], strict=True):
            found.setdefault(name, (folder / "energies.npy", int(row)))
    return found


def _computed(chosen, ours: pd.DataFrame, folder: Path, forcefield, spec: Mapping) -> Iterator:
    """Yield each structure's name and its energies in K, (2, n, n, n) for both endpoints, or a rejection."""
    channel, table = channel_from_dict(spec["channel"]), load_forcefield(forcefield)
    grids = [GridSpec.from_dict({**spec["grid"], "endpoint": endpoint}) for endpoint in ENDPOINTS]
    policy = ReadingPolicy(**spec["reading"])
    for shard, names in ours.loc[chosen].groupby("shard").groups.items():
        left = set(names)
        for name, content in read_pack(folder / pack_name(int(shard))):
            if name not in left:
                continue
            left.remove(name)
            try:
                structure = read_cif(content, name, policy)
                yield name, np.stack([channel.compute(structure, grid, table).values for grid in grids])
            except StructureRejected as rejection:
                yield name, rejection
            if not left:
                break


def _stored(place: tuple[Path, int], spec: Mapping) -> np.ndarray:
    """Published Boltzmann factors of one structure, (n, n, n) float64."""
    try:
        values = np.load(place[0], mmap_mode="r", allow_pickle=False)[place[1]]
    except (OSError, ValueError, IndexError) as error:
        raise PorevoxError(
            f"The voxels in {place[0]} cannot be read ({error}): run the stage again."
        ) from error
    return np.asarray(values, np.float64) if spec["holds"] == "boltzmann_factor" else _factors(values, spec)


def _factors(energies_K: np.ndarray, spec: Mapping) -> np.ndarray:
    """Boltzmann factors as they are stored, rounded to single precision, at most the largest number there."""
    with np.errstate(over="ignore", under="ignore"):
        factors = np.exp(-energies_K.astype(np.float64) / spec["temperature_K"])
    return to_single(np.minimum(factors, np.finfo(np.float32).max)).astype(np.float64)


def _compare(factors: np.ndarray, energies_K: np.ndarray, spec: Mapping, total: dict) -> dict:
    """One structure's row, its differences added to those of all."""
    row: dict[str, float | bool] = {}
    means = []
    for endpoint, energies in zip(ENDPOINTS, energies_K, strict=True):
        ours = _factors(energies, spec)
        absolute, larger = np.abs(ours - factors), np.maximum(ours, factors)
        reachable = larger >= _LEAST_FACTOR
        relative = absolute[reachable] / larger[reachable]
        total["absolute", endpoint].add(absolute.ravel())
        total["relative", endpoint].add(relative)
        means.append(float(absolute.mean()))
        at = f"endpoint_{str(endpoint).lower()}"
        row |= {f"mean_absolute_{at}": means[-1], f"max_absolute_{at}": float(absolute.max())}
        row[f"max_relative_{at}"] = float(relative.max(initial=0.0))
        row[f"share_same_{at}"] = float((relative <= _SAME_WITHIN).mean()) if relative.size else 1.0
        row |= {f"share_within_{limit:g}_{at}": float((absolute <= limit).mean()) for limit in CLOSE}
    return {
        "mean_published": float(factors.mean()),
        "closer_endpoint": ENDPOINTS[int(means[1] < means[0])],
        **row,
    }


def _verdict(table: pd.DataFrame, total: dict, spec: Mapping) -> tuple[pd.DataFrame, dict]:
    """Sort the structures, those first that differ most at the closer endpoint; say which one agrees."""
    closer = bool(table["closer_endpoint"].mean() >= 0.5)
    at = f"endpoint_{str(closer).lower()}"
    same = float((table[f"share_same_{at}"] >= _SAME).mean())
    agrees, declared = same >= _AGREES, spec["grid"]["endpoint"]
    n_closer = int((table["closer_endpoint"] == closer).sum())
    statement = (
        f"endpoint: {str(closer).lower()} is closer for {n_closer} of {len(table)} structures, and "
        f"{'agrees' if agrees else 'does not agree'}: {same:.0%} of them have {_SAME:.0%} of their Boltzmann "
        f"factors within {_SAME_WITHIN:.0%}; the source declares endpoint: {str(declared).lower()}."
    )
    (_log.info if agrees and closer == declared else _log.warning)("%s", statement)
    return table.sort_values(f"mean_absolute_{at}", ascending=False, ignore_index=True), {
        "statement": statement,
        "closer_endpoint": closer,
        "declared_endpoint": declared,
        "agrees": agrees,
        "share_same": same,
        "temperature_K": spec["temperature_K"],
        "differences": [
            {"difference": kind, "endpoint": endpoint, **total[kind, endpoint].summary()}
            for kind, endpoint in _KEYS
        ],
    }


def _write(stem: Path, table: pd.DataFrame, rejected: list, total: dict, summary: dict) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_table(table, f"{stem}_structures.csv")
    write_table(pd.DataFrame(rejected, columns=["id", "reason", "detail"]), f"{stem}_rejected.csv")
    parts = []
    for kind, endpoint in _KEYS:
        edges, shares = total[kind, endpoint].cumulative()
        part = pd.DataFrame({"at_most": edges, "share": shares})
        parts.append(
            part.assign(difference=kind, endpoint=endpoint)[["difference", "endpoint", "at_most", "share"]]
        )
    write_table(pd.concat(parts, ignore_index=True), f"{stem}.csv")
    with style():
        save_figure(_draw(total, len(table)), stem)
    with appearing(stem.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")


def _draw(total: dict, n_structures: int):
    """Cumulative distributions: absolute differences beside relative ones."""
    figure = new_figure(TWO_COLUMNS, 2.6)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, kind in zip(panels, ("absolute", "relative"), strict=True):
        for endpoint, colour, line in zip(ENDPOINTS, COLOURS, ("-", "--"), strict=False):
            edges, shares = total[kind, endpoint].cumulative()
            label = f"computed with endpoint: {str(endpoint).lower()}"
            axes.plot(edges[:-1], shares[:-1], color=colour, linestyle=line, label=label)
        for limit in CLOSE:
            axes.axvline(limit, color=INK, linewidth=0.5, linestyle=":")
        axes.set_xscale("log")
        largest = max(total[kind, endpoint].largest for endpoint in ENDPOINTS)
        axes.set_xlim(10.0 ** _DECADES[0], 10.0 ** max(0, math.ceil(math.log10(largest or 1.0))))
        axes.set_ylim(0, 1.02)
        axes.set_xlabel(f"{kind} difference of the Boltzmann factors")
    panels[0].set_ylabel("share of grid points with at most this")
    panels[0].set_title(f"{count_text(n_structures)} structures", loc="left", fontsize=8)
    add_legend(figure, panels[0].get_legend_handles_labels()[0], "lower")
    return figure
