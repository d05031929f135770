"""What the models of a study look at, as the configuration tells before anything is computed."""

from collections.abc import Iterator

from porevox.errors import PorevoxError

#: Columns that a dataset's table has of itself, from the voxels' index: the scale that voxels have lost.
SCALE_COLUMNS = {"cif_volume_A3": "volume_A3", "cif_density_g_cm3": "density_g_cm3"}
#: What else it has of itself, beside a ``row_<channel>`` for each channel: a descriptor of such a name
#: would stand in its place, as the label, say.
OWN_COLUMNS = ("id", "subset", "position", "y", "shard")


def needs_voxels(model: dict) -> bool:
    """Return whether a model looks at voxels, whatever it makes of them.

    Parameters
    ----------
    model : dict
        One of the completed configuration's ``models``.

    Returns
    -------
    bool
    """
    return model["type"] in ("retnet", "physics") or model.get("features") in ("histogram", "both", "physics")


def needs_descriptors(model: dict) -> bool:
    """Return whether a model looks at the study's descriptors.

    Parameters
    ----------
    model : dict
        One of the completed configuration's ``models``.

    Returns
    -------
    bool
        The scalars that RetNet is given have names of their own, and do not count.
    """
    return model["type"] == "random_forest" or model.get("features") in ("descriptors", "both")


def descriptors_of(config: dict, study: dict, model: dict | None = None) -> list[str]:
    """Return the descriptor columns of a study, or of one of its models when it lists its own.

    Parameters
    ----------
    config, study : dict
        A completed configuration and one of its studies.
    model : dict, optional
        One of its models.

    Returns
    -------
    list of str
        Column names, in order.
    """
    own = (model or {}).get("descriptors")
    if own is not None:
        return own
    if study["descriptors"] is not None:
        return study["descriptors"]
    return config["datasets"][study["dataset"]]["descriptors"]


def columns_needed(config: dict, study: dict) -> Iterator[tuple[str, str]]:
    """Yield every table column that a study reads, with the key that names it.

    Parameters
    ----------
    config, study : dict
        A completed configuration and one of its studies.

    Yields
    ------
    tuple of str
        Column name and the configuration key to blame when it is missing.
    """
    yield study["target"], "target"
    if study["split"]["kind"] == "group":
        yield study["split"]["group_column"], "split.group_column"
    for name in study["models"]:
        model = config["models"][name]
        if needs_descriptors(model):
            yield from ((column, "descriptors") for column in descriptors_of(config, study, model))
        scalars = [column for column in model.get("scalars", []) if column not in SCALE_COLUMNS]
        yield from ((column, f"models.{name}.scalars") for column in scalars)


def check_names(config: dict, study: dict, where: str) -> None:
    """Refuse descriptors and scalars that bear the name of a column that the dataset's table has of itself.

    Parameters
    ----------
    config, study : dict
        As for :func:`descriptors_of`.
    where : str
        Place of the study in the configuration.

    Raises
    ------
    PorevoxError
        Names the column.
    """
    channels = [f"row_{channel['name']}" for channel in config["grids"][study["grid"]]["channels"]]
    for column, key in columns_needed(config, study):
        if key not in ("target", "split.group_column") and column in (*OWN_COLUMNS, *channels):
            raise PorevoxError(
                f"`{where}` looks at a column `{column}` ({key}), a name that the dataset's own table uses: "
                "rename the column in your table."
            )
