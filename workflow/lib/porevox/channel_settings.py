"""Voxel channels of the configuration: names of probes, guests and force fields turned into numbers."""

from pathlib import Path

from porevox import layout
from porevox.energy.charge_table import find_charge_table
from porevox.energy.probes import find_guest, find_probe
from porevox.errors import PorevoxError

#: What the voxels of each kind of channel hold, and in which unit.
QUANTITIES = {
    "lennard_jones": ("energy", "K"),
    "electrostatic": ("potential", "V"),
    "guest": ("effective_energy", "K"),
}
FORCEFIELDS = Path("resources", "forcefields")


def settings(channel: dict) -> dict:
    """Return all that determines a channel's values, apart from structures, grid and force field.

    Parameters
    ----------
    channel : dict
        A completed block of a grid's ``channels``.

    Returns
    -------
    dict
        ``kind`` and plain numbers: no name of a probe or a guest, since only what the tables say of
        them counts, and of the table that charges are equilibrated with its digest. See
        :func:`porevox.energy.channels.channel_from_dict`.

    Raises
    ------
    PorevoxError
        There is no such probe or guest, or a table is broken.
    """
    if "settings" in channel:
        return _as_recorded(channel)
    names = ("name", "forcefield", "probe", "guest")
    values = {key: value for key, value in channel.items() if key not in names}
    if channel["kind"] == "lennard_jones":
        given: tuple = (values["probe_sigma_A"], values["probe_epsilon_K"])
        if None in given:
            found = find_probe(channel["probe"], _tables("probes.csv"))
            given = tuple(f if g is None else g for g, f in zip(given, found, strict=True))
        values["probe_sigma_A"], values["probe_epsilon_K"] = given
    if channel["kind"] == "guest":
        values["sites"] = list(find_guest(channel["guest"], _tables("guests.csv")))
    return values | _charges(values)


def _as_recorded(channel: dict) -> dict:
    """Settings that a trained model brings along, in numbers already."""
    recorded = channel["settings"]
    here = find_charge_table().digest if "charge_table" in recorded else None
    if recorded.get("charge_table") != here:
        raise PorevoxError(
            f"The model's channel `{channel['name']}` has charges that were equilibrated with another table "
            "of "
            "ionisation energies than resources/ionisation.csv: restore the table that it was trained with."
        )
    return dict(recorded)


def _charges(values: dict) -> dict:
    """Where charges come from, taken out of a channel's settings; nothing where it goes without saying."""
    source = values.pop("charges", "cif")
    uncharged = not any(site["charge_e"] for site in values.get("sites", [{"charge_e": 1.0}]))
    if source == "cif" or uncharged:
        return {}
    return {"charges": source, "charge_table": find_charge_table().digest}


def forcefield_path(channel: dict) -> Path | None:
    """Return the file of a channel's force field.

    Parameters
    ----------
    channel : dict
        A completed block of a grid's ``channels``; one with ``settings`` and ``table`` comes from a
        trained model's record.

    Returns
    -------
    Path or None
        The table of that name in the working directory's ``resources/forcefields`` if there is one,
        else that of the repository; None for a channel that has no use for it.

    Raises
    ------
    PorevoxError
        There is none of that name.
    """
    if "table" in channel:
        # a trained model brings its own
        return None if channel["table"] is None else Path(channel["table"])
    if "forcefield" not in channel:
        return None
    name = channel["forcefield"]
    path = layout.shipped(FORCEFIELDS / f"{name}.csv")
    if not path.is_file():
        folders = (FORCEFIELDS, layout.ROOT / FORCEFIELDS)
        known = ", ".join(sorted({p.stem for folder in folders for p in folder.glob("*.csv")}))
        raise PorevoxError(f"There is no force field `{name}` in {FORCEFIELDS}; there are {known}.")
    return path


def _tables(name: str) -> list[Path]:
    """The repository's table, and on top of it the working directory's own if there is one."""
    own, shipped = Path("resources", name), layout.ROOT / "resources" / name
    return [shipped, own] if own.is_file() and not own.samefile(shipped) else [shipped]
