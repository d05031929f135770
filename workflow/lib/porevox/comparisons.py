"""Which voxels of our own are compared with published ones: names looked up, settings gathered.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import difflib
from pathlib import Path

from porevox import channel_settings, layout
from porevox.errors import PorevoxError

#: Temperature of the Boltzmann factors where the published voxels are energies, K (thesis, section 3.2).
ROOM_TEMPERATURE_K = 298.0


def check(config: dict, name: str) -> None:
    """Check that a comparison names published voxels and CIFs.

    Parameters
    ----------
    config : dict
        A completed configuration.
    name : str
        Name of the comparison.

    Raises
    ------
    PorevoxError
        Names the key and what is wrong with it.
    """
    entry, where = config["voxel_comparisons"][name], f"voxel_comparisons.{name}"
    for key, needed in (("published", "voxels"), ("structures", "structures")):
        datasets, wanted = config["datasets"], entry[key]
        if wanted not in datasets:
            close = difflib.get_close_matches(wanted, datasets, n=1)
            hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(datasets)}."
            raise PorevoxError(f"`{where}.{key}` names `{wanted}`, which is not in `datasets`: {hint}")
        if datasets[wanted][needed] is None:
            raise PorevoxError(
                f"`{where}.{key}` names `{wanted}`, a dataset without `{needed}`: name one with."
            )
    source = config["datasets"][entry["published"]]["voxels"]
    if (
        entry["temperature_K"] not in (None, source["temperature_K"])
        and source["holds"] == "boltzmann_factor"
    ):
        raise PorevoxError(
            f"`{where}.temperature_K` is {entry['temperature_K']:g}, but the published voxels of "
            f"`datasets.{entry['published']}` hold Boltzmann factors at {source['temperature_K']:g} K: make "
            "them equal, or leave it out."
        )


def spec(config: dict, name: str) -> dict:
    """Return all that determines a comparison, apart from the voxels and the CIFs.

    Parameters
    ----------
    config : dict
        A completed configuration.
    name : str
        Name of the comparison.

    Returns
    -------
    dict
        ``published``, ``structures`` (names of the datasets), ``n_structures``, ``temperature_K``,
        ``holds``, ``grid`` (with the ``endpoint`` that the source declares), ``channel`` and
        ``reading``.
    """
    entry = config["voxel_comparisons"][name]
    source = config["datasets"][entry["published"]]["voxels"]
    keys = ("probe_sigma_A", "probe_epsilon_K", "cutoff_A", "truncation")
    return {
        "published": entry["published"],
        "structures": entry["structures"],
        "n_structures": entry["n_structures"],
        "temperature_K": source["temperature_K"] or entry["temperature_K"] or ROOM_TEMPERATURE_K,
        "holds": source["holds"],
        "grid": layout.geometry(source["grid"]),
        "channel": {"kind": "lennard_jones", **{key: source[key] for key in keys}},
        "reading": config["datasets"][entry["structures"]]["reading"],
    }


def forcefield(config: dict, name: str) -> Path:
    """Return the table of the force field that the published voxels were computed with."""
    source = config["datasets"][config["voxel_comparisons"][name]["published"]]["voxels"]
    path = channel_settings.forcefield_path({"forcefield": source["forcefield"]})
    assert path is not None  # a name was given
    return path


def targets(config: dict) -> list[str]:
    """Return the files that all comparisons end in, after a look at what they name.

    Parameters
    ----------
    config : dict
        A completed configuration.

    Returns
    -------
    list of str
        Paths relative to the working directory.

    Raises
    ------
    PorevoxError
        There are none, or one of them cannot be made.
    """
    names = config["voxel_comparisons"]
    if not names:
        raise PorevoxError(
            "There is nothing to compare: name published voxels and CIFs in `voxel_comparisons`."
        )
    for name in names:
        check(config, name)
    return [str(layout.voxel_comparison_dir(name) / "voxel_comparison.png") for name in names]
