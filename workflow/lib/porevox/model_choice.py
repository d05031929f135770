"""Which trained model a configuration names: a folder, an archive, an address, or one of its studies.

Imports nothing heavy: on a cluster every job asks these questions again.
"""

import difflib
import re
from pathlib import Path

from porevox import layout
from porevox.errors import PorevoxError
from porevox.handover.locate import is_model, locate
from porevox.handover.record import read_record, record_digest

_RUN = re.compile(r"split(\d+)")


def find_model(config: dict, model: str | dict, where: str) -> dict:
    """Find the model that a configuration names.

    Parameters
    ----------
    config : dict
        A completed configuration.
    model : str or dict
        Path of its folder or archive, or a block of the schema's ``trained_model``.
    where : str
        Its place in the configuration.

    Returns
    -------
    dict
        ``folder``; of a model that is there ``record`` and ``expected`` (digest of the record), of one
        that is made in the same run ``ref`` (study, model, size and split). What does not apply is None.

    Raises
    ------
    PorevoxError
        There is no such model, or it cannot be used.
    """
    if isinstance(model, dict) and "study" in model:
        return _of_study(config, model, where)
    if isinstance(model, str) or model.get("url") is None:
        path = Path(model if isinstance(model, str) else model["path"]).expanduser()
        folder = path / "bundle" if is_model(path / "bundle") else path
        if not is_model(folder) and not folder.is_file():
            return _of_study(config, _by_path(config, path, where), where)
        model = {"path": str(folder)} if isinstance(model, str) else {**model, "path": str(folder)}
    folder = locate(model)
    return {
        "folder": str(folder),
        "record": read_record(folder),
        "expected": record_digest(folder),
        "ref": None,
    }


def _by_path(config: dict, path: Path, where: str) -> dict:
    """Study, model and size that a path in results/ means."""
    parts = path.parts
    if len(parts) > 1 and parts[0] == str(layout.RESULTS) and parts[1] in config["studies"]:
        study = config["studies"][parts[1]]
        rest = [part for part in parts[2:] if part != "bundle"]
        split = _RUN.fullmatch(rest[0]) if rest else None
        if split and len(rest) == 3 and rest[2].startswith("n"):
            try:
                return {
                    "study": parts[1],
                    "split": int(split[1]),
                    "model": rest[1],
                    "size": layout.size_of(rest[2][1:]),
                }
            except ValueError:
                pass
        size = layout.size_token(layout.largest_size(study["sizes"]))
        example = layout.bundle_dir(parts[1], 0, study["models"][0], size)
        raise PorevoxError(f"`{where}` names {path}, which is no model: name one, such as {example.parent}.")
    # says what is wrong with it
    read_record(path)
    raise PorevoxError(f"`{where}` names {path}, which is no model's folder.")


def _of_study(config: dict, given: dict, where: str) -> dict:
    """A model that is trained and made into a folder in the same run, if that is not done yet."""
    study = config["studies"][choose(given["study"], config["studies"], f"{where}.study")]
    choose(given["model"], study["models"], f"{where}.model")
    choose(given["size"], study["sizes"], f"{where}.size")
    split = given.get("split", 0)
    if not 0 <= split < study["split"]["folds"]:
        raise PorevoxError(f"`{where}.split` is {split}, but the study has {study['split']['folds']} splits.")
    if config["models"][given["model"]]["type"] == "mean":
        raise PorevoxError(f"`{where}` names a model of type mean, which predicts the same of everything.")
    folder = layout.bundle_dir(given["study"], split, given["model"], layout.size_token(given["size"]))
    return {"folder": str(folder), "record": None, "expected": None, "ref": {**given, "split": split}}


def choose(name, known, where: str):
    """Return a name if it is known.

    Parameters
    ----------
    name : object
    known : iterable
    where : str
        Its place in the configuration.

    Returns
    -------
    object
        The name.

    Raises
    ------
    PorevoxError
        It is not known; the nearest one is offered.
    """
    known = list(known)
    if name in known:
        return name
    texts = list(map(str, known))
    close = difflib.get_close_matches(str(name), texts, n=1)
    hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(texts)}."
    raise PorevoxError(f"`{where}` names `{name}`, which is not there: {hint}")
