"""The stage *screen*: what a trained model says of new structures, one shard at a time."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from porevox.crystal.cif import ReadingPolicy
from porevox.dataset import add_voxels
from porevox.energy.channels import channel_from_dict
from porevox.energy.grid import GridSpec
from porevox.errors import PorevoxError
from porevox.handover.intervals import half_widths
from porevox.handover.members import (
    TrainedModel,
    columns_of,
    load_model,
    predict_members,
    session,
    usable_rows,
)
from porevox.handover.record import RECORD, record_digest
from porevox.learning.runs import write_csv
from porevox.learning.voxelset import Dataset
from porevox.model_inputs import SCALE_COLUMNS
from porevox.tables import check_columns, read_table, to_numbers

#: Columns of the table of a shard, before those that bear the target's unit.
FACTS = ("n_atoms", "volume_A3", "density_g_cm3")
COLUMNS = ("distance", "nearest_training_id", "beyond_labels", "pc1", "pc2", "shard", *FACTS)
NUMBERS = ("predicted", "spread", "low", "high")
REJECTED = ("id", "reason", "detail")


def screen_shard(
    model_dir: str | Path,
    shards: Mapping[str, str | Path],
    out_csv: str | Path,
    rejected_csv: str | Path,
    level: float,
    expected: str | None = None,
    table: str | Path | None = None,
    id_column: str = "id",
    threads: int = 1,
) -> None:
    """Do the whole stage for one shard.

    Parameters
    ----------
    model_dir : path
        A model's folder.
    shards : mapping
        For each channel the folder of the shard: energies.npy, index.csv, ledger.csv, shard.json.
    out_csv, rejected_csv : path
        Written: see :func:`predict_structures`.
    level : float
        Nominal coverage of the intervals.
    expected : str or None
        Digest of the model that the run was planned for; None: whichever is there.
    table, id_column
        As for :func:`read_columns`.
    threads : int

    Raises
    ------
    PorevoxError
        The model or the voxels cannot be used, or do not belong together.
    """
    if expected is not None and record_digest(model_dir) != expected:
        raise PorevoxError(
            f"The model in {model_dir} was changed while the run was going on: start the run again."
        )
    model = load_model(model_dir)
    cells = None if table is None else read_columns(model, table, id_column)
    with session(threads):
        found, rejected = predict_structures(model, shards, level, cells)
    write_csv(out_csv, found)
    write_csv(rejected_csv, rejected)


def predict_structures(
    model: TrainedModel, shards: Mapping[str, str | Path], level: float, cells: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ask a model about the structures of one shard.

    Parameters
    ----------
    model : TrainedModel
    shards : mapping
        As for :func:`screen_shard`.
    level : float
        Nominal coverage of the intervals.
    cells : pandas.DataFrame, optional
        From :func:`read_columns`, for a model that looks at columns of a table.

    Returns
    -------
    found : pandas.DataFrame
        One row per structure: id, :data:`NUMBERS` (in the target's unit; spread is empty with one
        seed), :data:`COLUMNS`.
    rejected : pandas.DataFrame
        id, reason (of :data:`porevox.errors.REASONS`) and detail.

    Raises
    ------
    PorevoxError
        The voxels were made with other settings than the model's, or none can be predicted.
    """
    folders = {name: Path(folder) for name, folder in shards.items()}
    for channel in model.record["channels"]:
        check_voxels(folders[channel["name"]], channel, model)
    dataset, rejected = _dataset(model, folders, cells)
    rows = usable_rows(model.members, dataset, dataset.table)
    lost = dataset.table[~dataset.table["id"].isin(rows["id"])]
    rejected = pd.concat([rejected, _without_numbers(lost, columns_of(model.members))])
    predicted, vectors = predict_members(model.members, dataset, rows)
    good = np.isfinite(predicted).all(axis=0)
    rejected = pd.concat([rejected, _beyond_numbers(rows[~good])], ignore_index=True)
    return _table(model, rows[good], predicted[:, good], vectors[good], level), rejected


def check_voxels(folder: Path, channel: dict, model: TrainedModel) -> None:
    """Refuse voxels that were made otherwise than those a model was trained on.

    Parameters
    ----------
    folder : Path
        Of one shard.
    channel : dict
        Of the model's record.
    model : TrainedModel

    Raises
    ------
    PorevoxError
        Names the first setting that differs, and both values.
    """
    made = json.loads((folder / "shard.json").read_text(encoding="utf-8"))
    record = model.record
    pairs = {
        "grid": (GridSpec.from_dict(made["grid"]).to_dict(), GridSpec.from_dict(record["grid"]).to_dict()),
        "channel": (_channel(made["channel"]), _channel(channel["settings"])),
        "reading": (asdict(ReadingPolicy(**made["reading"])), asdict(ReadingPolicy(**record["reading"]))),
        "forcefield": (made["forcefield"] or {}, {"digest": channel["forcefield_digest"]}),
    }
    for part, (there, wanted) in pairs.items():
        # a force field's name counts as little as a probe's
        keys = [key for key in {**there, **wanted} if key != "name"]
        differing = [key for key in keys if there.get(key) != wanted.get(key)]
        if differing:
            key = differing[0]
            raise PorevoxError(
                f"The voxels in {folder} were made with {part}.{key} = {there.get(key)!r}, but the model in "
                f"{model.folder} was trained with {wanted.get(key)!r}: compute them with the model's "
                "settings."
            )


def _channel(settings: Mapping) -> dict:
    return channel_from_dict({k: v for k, v in settings.items() if k != "name"}).to_dict()


def _dataset(model: TrainedModel, folders: dict[str, Path], cells) -> tuple[Dataset, pd.DataFrame]:
    """The shard as the learners see a dataset, and what of it has no voxels."""
    text = {"dtype": {"id": str}, "keep_default_na": False}
    index = pd.concat([pd.read_csv(f / "index.csv", **text) for f in folders.values()])
    index = index.drop_duplicates("id").sort_values("id", ignore_index=True)
    # a model may look at a column `n_atoms` of its own
    table = index[["id"]].assign(subset="new", position=range(len(index)), y=np.nan)
    table["cif_n_atoms"] = index["n_atoms"]
    for name, folder in folders.items():
        table = add_voxels(table, name, {_number(folder): folder})
    ledger = pd.concat(
        [pd.read_csv(f / "ledger.csv", dtype=str, keep_default_na=False) for f in folders.values()]
    )
    ledger = ledger.drop_duplicates("id")[list(REJECTED)]
    if len(folders) > 1:
        table = table[~table["id"].isin(ledger["id"])].reset_index(drop=True)
    if cells is not None:
        table = table.join(cells, on="id")
    channels = [
        {
            **channel,
            "shards": {
                str(_number(folders[channel["name"]])): str(folders[channel["name"]] / "energies.npy")
            },
        }
        for channel in model.record["channels"]
    ]
    meta = {key: model.record[key] for key in ("grid", "transform", "target")}
    return Dataset(table, {**meta, "channels": channels, "digest": "", "n_train": 0}), ledger


def _number(folder: Path) -> int:
    digits = folder.name.removeprefix("shard")
    return int(digits) if digits.isdecimal() else 0


def _without_numbers(lost: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    rows = []
    for _, row in lost.iterrows():
        bad = [name for name in columns if not np.isfinite(row.get(name, np.nan))]
        detail = f"{bad[0]} is not given or not finite" if bad else "it has no voxels in some channel"
        rows.append((row["id"], "descriptor_not_finite", detail))
    return pd.DataFrame(rows, columns=REJECTED)


def _beyond_numbers(rows: pd.DataFrame) -> pd.DataFrame:
    detail = "its energies are beyond what the model's transform can express"
    return pd.DataFrame([(name, "input_not_finite", detail) for name in rows["id"]], columns=REJECTED)


def _table(
    model: TrainedModel, rows, predicted: np.ndarray, vectors: np.ndarray, level: float
) -> pd.DataFrame:
    mean = predicted.mean(axis=0)
    spread = predicted.std(axis=0, ddof=1) if len(predicted) > 1 else np.full(len(mean), np.nan)
    half = half_widths(spread, model.record["calibration"], level)
    distance, nearest = model.domain.nearest(vectors, model.record["domain"]["unit"])
    places, _ = model.domain.map(vectors) if len(rows) else (np.empty((0, 2)), None)
    labels = model.domain.labels
    columns = {"id": rows["id"], "predicted": mean, "spread": spread, "low": mean - half, "high": mean + half}
    columns |= {"distance": distance, "nearest_training_id": nearest}
    columns["beyond_labels"] = np.select([mean > labels.max(), mean < labels.min()], ["above", "below"], "")
    columns |= {
        "pc1": places[:, 0],
        "pc2": places[:, 1],
        "shard": rows["shard"],
        "n_atoms": rows["cif_n_atoms"],
    }
    columns |= {there: rows[here] for here, there in SCALE_COLUMNS.items()}
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})


def read_columns(model: TrainedModel, table: str | Path, id_column: str = "id") -> pd.DataFrame:
    """Read the columns of a table that a model looks at beside the voxels.

    Parameters
    ----------
    model : TrainedModel
    table : path
        CSV with one row per structure.
    id_column : str
        Column that names the structure.

    Returns
    -------
    pandas.DataFrame
        Numbers by id; what is no number is NaN.

    Raises
    ------
    PorevoxError
        The table cannot be read, or lacks a column.
    """
    columns = model.record["columns"]
    spec = {"id_column": id_column, "aliases": {}}
    check_columns([(Path(table), spec)], [(name, "columns") for name in columns], f"{model.folder}/{RECORD}")
    cells = read_table(Path(table), id_column, {})
    cells = cells[~cells.index.duplicated()]
    return pd.DataFrame({name: to_numbers(cells[name]) for name in columns}, index=cells.index)
