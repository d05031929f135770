"""The stage *candidates*: the best structures of a screening on one page that needs no other file."""

import base64
import io
import json
from collections import Counter
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from porevox.crystal.cif import ReadingPolicy, read_cif
from porevox.crystal.structure import Structure
from porevox.energy.grid import GridSpec
from porevox.errors import StructureRejected
from porevox.figures.figure_style import new_figure, style
from porevox.figures.voxel_box import VoxelBox, pore_middle, voxel_box
from porevox.figures.voxel_planes import draw_plane
from porevox.handover.record import read_record
from porevox.learning.runs import write_atomically
from porevox.learning.transform import transform_values
from porevox.screen_map import read_ranked
from porevox.structures import pack_name, read_pack

#: Resolution of the pictures, dots per inch: enough for a screen, and small.
_DPI = 110
#: Energy from which on a point is no part of a pore, K.
_PORE_K = 298.0
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;max-width:64rem;margin:1.5rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}
.warning{background:#fff3cd;border:1px solid #d9b64a;padding:.6rem .9rem;margin:1rem 0}
article{border-top:1px solid #bbb;padding:1rem 0;break-inside:avoid}
.value{font-size:1.25rem;margin:.2rem 0}.flag{color:#9b3a2c;font-weight:600}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0}
dt{color:#555}dd{margin:0;overflow-wrap:anywhere}img{max-width:100%;height:auto}
table{border-collapse:collapse;font-size:.9rem}td,th{padding:.1rem .7rem .1rem 0;text-align:right}
td:nth-child(2),th:nth-child(2),td:last-child{text-align:left;overflow-wrap:anywhere}
td:nth-child(2){min-width:12rem}td:nth-child(n+3):nth-child(-n+5){white-space:nowrap}
table+h2{margin-top:1.5rem}td{vertical-align:top}td .flag{font-weight:400}
"""


def candidates_page(
    model_dir: str | Path,
    ranked_csv: str | Path,
    summary_json: str | Path,
    packs: str | Path,
    voxels: str | Path,
    out_html: str | Path,
    top: int = 20,
    name: str = "",
) -> None:
    """Write the page.

    Parameters
    ----------
    model_dir : path
        The model's folder.
    ranked_csv, summary_json : path
        See :func:`porevox.ranking.rank_shards`.
    packs : path
        Folder of the packs of CIFs, ``shard0000.zip`` ...
    voxels : path
        Folder of the shards of the channel that is drawn, ``shard<k>/``: the model's first one.
    out_html : path
        One file, without scripts and without anything from elsewhere.
    top : int
        How many structures: the highest predictions in the model's domain; those outside it are
        listed without pictures, unless all are.
    name : str
        Of the screening.

    Raises
    ------
    PorevoxError
        A file is missing or broken.
    """
    record = read_record(model_dir)
    summary = json.loads(Path(summary_json).read_text(encoding="utf-8"))
    ranked = read_ranked(ranked_csv)
    outside = (ranked["out_of_domain"] == "yes").to_numpy()
    # what is highest is often what the model knows nothing of: that is listed, but not put forward
    best = (ranked if outside.all() else ranked[~outside]).head(top)
    cifs = _find_cifs(Path(packs), best)
    parts = [_head(name, record, summary, len(best)), _table(best, record)]
    if outside.any() and not outside.all():
        others = ranked[outside].head(top)
        parts += [f"<h2>The {len(others)} highest out of domain</h2>", _table(others, record, linked=False)]
    for row in best.to_dict("records"):
        structure = _structure(row["id"], cifs.get(row["id"]), record)
        picture = _picture(row, structure, record, Path(voxels))
        parts.append(_article(row, structure, picture, record))
    write_atomically(out_html, _document(f"Candidates of {name}", "\n".join(parts)))


def _document(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{_STYLE}</style></head><body>\n{body}\n</body></html>\n"
    )


def _find_cifs(packs: Path, best: pd.DataFrame) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for shard, rows in best.groupby("shard"):
        wanted = set(rows["id"])
        found |= {id: cif for id, cif in read_pack(packs / pack_name(int(shard))) if id in wanted}
    return found


def _structure(id: str, cif: bytes | None, record: dict) -> Structure | None:
    try:
        return None if cif is None else read_cif(cif, id, ReadingPolicy(**record["reading"]))
    except StructureRejected:
        return None


def _picture(row: dict, structure: Structure | None, record: dict, voxels: Path) -> str:
    """Three planes through the middle of the largest pore, as the model sees them; a data URI."""
    channel, folder = record["channels"][0], voxels / f"shard{int(row['shard'])}"
    index = pd.read_csv(folder / "index.csv", dtype={"id": str}, keep_default_na=False, usecols=["id", "row"])
    place = int(index.loc[index["id"] == row["id"], "row"].iloc[0])
    stored = np.array(np.load(folder / "energies.npy", mmap_mode="r", allow_pickle=False)[place])
    cutoff_A = channel["settings"].get("cutoff_A") or 10.0
    grid = GridSpec.from_dict(record["grid"])
    energies = voxel_box(stored, grid, structure, cutoff_A)
    seen = voxel_box(transform_values(stored, channel, record["transform"]), grid, structure, cutoff_A).field
    planes = pore_middle(energies, _PORE_K) if channel["unit"] == "K" else (0.5, 0.5, 0.5)
    return _planes(
        energies, np.nan_to_num(seen, posinf=np.nanmax(seen[np.isfinite(seen)])), planes, channel, record
    )


def _planes(box: VoxelBox, seen: np.ndarray, planes, channel: dict, record: dict) -> str:
    norm = Normalize(*_range(seen))
    with style():
        figure = new_figure(7.0, 2.5)
        panels = figure.subplots(1, 3)
        for axis, axes in enumerate(panels):
            image = draw_plane(axes, box, axis, planes[axis], seen, _colours(), norm)
        bar = figure.colorbar(image, ax=panels, pad=0.02, aspect=25, extend="max")
        kind = record["transform"]["kind"].replace("_", " ")
        bar.set_label(channel["quantity"] if channel["quantity"] == "potential" else kind, fontsize=7)
        bar.outline.set_linewidth(0.6)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=_DPI)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def _range(seen: np.ndarray) -> tuple[float, float]:
    low, high = float(seen.min()), float(np.quantile(seen, 0.99))
    return low, high if high > low else low + 1.0


def _colours():
    from matplotlib import colormaps

    return colormaps["viridis"]


def _head(name: str, record: dict, summary: dict, n_shown: int) -> str:
    about = f"{record['type']}, {record['n_train']} training structures, study {record['study']}"
    model = f"{record['model']} ({about})"
    lost = ", ".join(f"{n} {reason}" for reason, n in summary["rejected"].items())
    inside = " in the model's domain" if summary["n_out_of_domain"] < summary["n_predicted"] else ""
    lines = [
        f"<h1>Screening {escape(name)}: the best {n_shown}{inside}</h1>",
        f"<p>{escape(_target(record))}, predicted by {escape(model)} of porevox {escape(record['porevox'])}. "
        f"{summary['n_structures']} structures in, {summary['n_predicted']} predicted"
        + (f"; not used: {escape(lost)}" if lost else "")
        + f". {summary['n_out_of_domain']} are out of the model's domain, {summary['n_in_training_set']} in "
        "its "
        "training set.</p>",
    ]
    lines += [f'<p class="warning">{escape(remark)}</p>' for remark in summary["remarks"]]
    return "\n".join(lines)


def _target(record: dict) -> str:
    target = record["target"]
    return (target.get("label") or target["column"]) + (f", {target['unit']}" if target.get("unit") else "")


def _names(row: dict) -> dict[str, str]:
    """Columns of a ranked table by what they mean."""
    stems = ("predicted", "spread", "low", "high")
    return {stem: next(name for name in row if name.startswith(stem)) for stem in stems}


def _table(best: pd.DataFrame, record: dict, linked: bool = True) -> str:
    names = _names(dict.fromkeys(best.columns))
    unit = escape(record["target"].get("unit") or "")
    share = "".join(filter(str.isdigit, names["low"].split("_")[0]))
    heads = (
        "",
        "structure",
        f"predicted ({unit})" if unit else "predicted",
        f"{share} % interval",
        "distance",
        "",
    )
    rows = []
    for row in best.to_dict("records"):
        flags = "; ".join(filter(None, [row["why"], _training_text(row)]))
        cells = [
            f"{row['rank']:.0f}",
            f'<a href="#s{row["rank"]:.0f}">{escape(row["id"])}</a>' if linked else escape(row["id"]),
            f"{row[names['predicted']]:.4g}",
            f"{row[names['low']]:.4g} to {row[names['high']]:.4g}",
            f"{row['distance']:.2f}",
            f'<span class="flag">{escape(flags)}</span>',
        ]
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    head = "<tr>" + "".join(f"<th>{text}</th>" for text in heads) + "</tr>"
    return f"<table>{head}{''.join(rows)}</table>"


def _training_text(row: dict) -> str:
    return "" if row["in_training_set"] == "no" else f"in the training set ({row['in_training_set']})"


def _article(row: dict, structure: Structure | None, picture: str, record: dict) -> str:
    names, unit = _names(row), record["target"].get("unit") or ""
    spread = row[names["spread"]]
    value = f"{row[names['predicted']]:.4g} {unit}, {row[names['low']]:.4g} to {row[names['high']]:.4g}"
    facts = {
        "formula of the cell": "" if structure is None else formula(structure.elements),
        "atoms": f"{row['n_atoms']:.0f}",
        "volume": f"{row['volume_A3']:.1f} Å³",
        "density": f"{row['density_g_cm3']:.3f} g/cm³",
        "spread over seeds": "" if np.isnan(spread) else f"{spread:.3g} {unit}",
        "distance to the training set": f"{row['distance']:.2f} (nearest: {row['nearest_training_id']})",
        "out of domain": row["why"],
        "known": _training_text(row),
    }
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in facts.items() if text)
    flag = ' <span class="flag">out of domain</span>' if row["why"] else ""
    return (
        f'<article id="s{row["rank"]:.0f}"><h2>{row["rank"]:.0f}. {escape(row["id"])}{flag}</h2>'
        f'<p class="value">{escape(value)}</p><dl>{listed}</dl>'
        f'<img src="{picture}" alt="Planes through the voxels of {escape(row["id"], quote=True)}"></article>'
    )


def formula(elements) -> str:
    """Formula of a cell in Hill's order: carbon, hydrogen, then the others by their names.

    Parameters
    ----------
    elements : sequence of str
        Element of each atom.

    Returns
    -------
    str
        Such as ``C24 H12 O13 Zn4``.
    """
    counts = Counter(elements)
    first = [name for name in ("C", "H") if name in counts and "C" in counts]
    others = sorted(name for name in counts if name not in first)
    return " ".join(name + (str(counts[name]) if counts[name] > 1 else "") for name in (*first, *others))
