"""A dataset folder as the learners see it: its table, and its voxels as one array.

Energies stay memory-mapped on disk; only the rows asked for are read, turned into the network's
input a few structures at a time, and written into one float32 array.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.errors import PorevoxError
from porevox.learning.scratch import room
from porevox.learning.transform import check_transform, transform_values

#: Structures read and transformed at a time: 16 MB in float64 for n = 25.
CHUNK = 128
#: Columns of table.csv that are not numbers of a structure.
_TEXT_COLUMNS = {"id": str, "subset": str}


@dataclass(frozen=True)
class Dataset:
    """One dataset folder: table.csv and dataset.json.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per structure: id, subset, position, y, shard, row_<channel>..., descriptors.
    meta : dict
        Content of dataset.json.
    """

    table: pd.DataFrame
    meta: dict

    @property
    def n_train(self) -> int:
        """Length of the train list, names without a usable row included."""
        return int(self.meta["n_train"])

    @property
    def channels(self) -> list[str]:
        """Names of the voxel channels, in the order of the network's input."""
        return [channel["name"] for channel in self.meta["channels"]]

    def has_voxels(self, channels: Sequence[str] | None = None) -> pd.Series:
        """Which rows of the table have voxels.

        Parameters
        ----------
        channels : sequence of str, optional
            Channels that must have them; every one where not given.

        Returns
        -------
        pandas.Series of bool
            Aligned with the table.
        """
        names = self.channels if channels is None else channels
        columns = ["shard", *(f"row_{name}" for name in names)]
        return self.table[columns].notna().all(axis=1)

    def train_rows(self, n: int) -> pd.DataFrame:
        """The training subset of size n: the first n names of the ordered train list.

        Parameters
        ----------
        n : int

        Returns
        -------
        pandas.DataFrame
            In the order of the list, so a larger subset starts with the smaller one.
        """
        train = self.table[(self.table["subset"] == "train") & (self.table["position"] < n)]
        return train.sort_values("position")

    def held_out_rows(self) -> pd.DataFrame:
        """Rows of the fixed validation and test sets, in this order.

        Returns
        -------
        pandas.DataFrame
        """
        subsets = [self.table[self.table["subset"] == s] for s in ("validation", "test")]
        return pd.concat([s.sort_values("position") for s in subsets])


def load_dataset(folder: str | Path) -> Dataset:
    """Read a dataset folder.

    Parameters
    ----------
    folder : path-like
        Holds table.csv and dataset.json.

    Returns
    -------
    Dataset

    Raises
    ------
    PorevoxError
        When a file is missing or cannot be read.
    """
    folder = Path(folder)
    try:
        # An id may read "NA" or "007": only empty cells are missing, and ids stay text.
        table = pd.read_csv(
            folder / "table.csv",
            dtype=_TEXT_COLUMNS,
            keep_default_na=False,
            na_values=[""],
        )
        meta = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PorevoxError(
            f"The dataset in {folder} cannot be read ({error}): run the dataset stage again."
        ) from error
    return Dataset(table, meta)


def _open_shard(channel, shard, n):
    """Memory-mapped store of one shard, (m, n, n, n), with its shape checked."""
    path = channel["shards"].get(str(shard))
    if path is None:
        raise PorevoxError(f"Shard {shard} of channel {channel['name']!r} is not in dataset.json.")
    try:
        store = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise PorevoxError(
            f"The voxels in {path} cannot be read ({error}): run the voxels stage again."
        ) from error
    if store.ndim != 4 or store.shape[1:] != (n, n, n):
        raise PorevoxError(
            f"The voxels in {path} have the shape {store.shape}, but the dataset's grid has {n} "
            "points per axis: run the voxels stage again."
        )
    return store


def stored_values(rows: pd.DataFrame, channel: dict, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read what is stored of some structures, shard by shard and a few structures at a time.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of a dataset's table, each with voxels in this channel.
    channel : dict
        One of meta["channels"].
    n : int
        Grid points per axis.

    Yields
    ------
    places : numpy.ndarray, shape (k,), int
        Positions in rows; each occurs once in all.
    values : numpy.ndarray, shape (k, n, n, n)
        As stored, k at most CHUNK.

    Raises
    ------
    PorevoxError
        When a store cannot be read or does not fit the table.
    """
    order = pd.DataFrame({"to": np.arange(len(rows)), "shard": rows["shard"].to_numpy(int)})
    order["from"] = rows[f"row_{channel['name']}"].to_numpy(int)
    for shard, part in order.groupby("shard"):
        part = part.sort_values("from")
        store = _open_shard(channel, shard, n)
        if part["from"].iloc[-1] >= len(store):
            raise PorevoxError(
                f"Shard {shard} of channel {channel['name']!r} has only {len(store)} structures, "
                "fewer than the dataset's table expects: run the dataset stage again."
            )
        for start in range(0, len(part), CHUNK):
            chunk = part.iloc[start : start + CHUNK]
            yield chunk["to"].to_numpy(), store[chunk["from"].to_numpy()]


def _fill(voxels, rows, number, channel, transform):
    """Write one channel of all rows into voxels (m, C, n, n, n)."""
    for places, stored in stored_values(rows, channel, voxels.shape[-1]):
        values = transform_values(stored, channel, transform)
        with np.errstate(over="ignore"):
            voxels[places, number] = values
        _check_finite(voxels, number, places, rows, channel, transform)


def _check_finite(voxels, number, places, rows, channel, transform):
    finite = np.isfinite(voxels[places, number]).all(axis=(1, 2, 3))
    if not finite.all():
        faulty = rows["id"].iloc[places[~finite][0]]
        raise PorevoxError(
            f"The voxels of {faulty!r} (channel {channel['name']!r}) are not finite after the "
            f"transform {transform['kind']}: leave the structure out or choose another transform "
            "or temperature."
        )


def load_voxels(dataset: Dataset, rows: pd.DataFrame | Sequence[str]) -> np.ndarray:
    """Network input of some structures (thesis 3.2: exp(-V/T), 0 where atoms overlap).

    The study's transform is for energies and effective energies; potentials are clipped.

    Parameters
    ----------
    dataset : Dataset
        Its meta["transform"] says what becomes of the stored values; its shard paths are relative
        to the working directory.
    rows : pandas.DataFrame or sequence of str
        Rows of dataset.table, or ids; each must have voxels.

    Returns
    -------
    numpy.ndarray, shape (m, C, n, n, n), float32
        In the order of rows; dimensionless, K for the identity transform of energies, or V for
        potentials. A large one lies in a file, see :func:`porevox.learning.scratch.room`.

    Raises
    ------
    PorevoxError
        When a structure is unknown or has no voxels, a store cannot be read, the transform does
        not suit what is stored, or a result is not finite (the structure is named).
    """
    if not isinstance(rows, pd.DataFrame):
        known = dataset.table.set_index("id", drop=False)
        unknown = sorted(set(rows) - set(known.index))
        if unknown:
            raise PorevoxError(f"The dataset has no structure named {unknown[0]!r}.")
        rows = known.loc[list(rows)]
    columns = ["shard", *(f"row_{name}" for name in dataset.channels)]
    missing = rows.loc[rows[columns].isna().any(axis=1), "id"]
    if len(missing):
        raise PorevoxError(f"The structure {missing.iloc[0]!r} has no voxels.")
    n = int(dataset.meta["grid"]["n"])
    channels, transform = dataset.meta["channels"], dataset.meta["transform"]
    for channel in channels:
        check_transform(channel, transform)
    voxels = room((len(rows), len(channels), n, n, n))
    for number, channel in enumerate(channels):
        _fill(voxels, rows, number, channel, transform)
    return voxels
