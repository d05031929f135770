"""The configuration: checked against its schema, completed with defaults, errors in one sentence."""

import copy
import difflib
from collections.abc import Iterator
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from porevox.errors import PorevoxError

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"
#: Model types that look at voxels; the others look at descriptors, or at nothing.
VOXEL_MODELS = ("retnet",)


def load_schema() -> dict:
    """Return the schema of the configuration as a dictionary."""
    return yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def complete(config: dict, entries: dict) -> dict:
    """Check a configuration, fill in every default, and check what its parts say of each other.

    Parameters
    ----------
    config : dict
        The configuration as the user wrote it.
    entries : dict
        Dataset entries that come with the project; those of ``config["datasets"]`` win.

    Returns
    -------
    dict
        A new configuration in which every key is present; ``datasets`` holds all entries.

    Raises
    ------
    PorevoxError
        One sentence that names the key, what is wrong with it, and what is allowed.
    """
    schema = load_schema()
    config = _check(copy.deepcopy(config), schema, schema, "")
    entries_schema = {"type": "object", "additionalProperties": {"$ref": "#/$defs/dataset"}}
    shipped = _check(copy.deepcopy(entries), entries_schema, schema, "resources/datasets.yaml")
    config["datasets"] = shipped | config["datasets"]
    _add_own_study(config, schema)
    for name, model in config["models"].items():
        part = schema["$defs"][f"model_{model['type']}"]
        config["models"][name] = _check(model, part, schema, f"models.{name}")
    for name in config["run"]:
        _check_study(config, name)
    return config


def _check(value, schema: dict, root: dict, where: str):
    """Coerce, complete and validate one value; raise on the first error, the deepest key first."""
    value = _complete(value, schema, root)
    validator = Draft202012Validator({**schema, "$defs": root["$defs"]})
    errors = sorted(validator.iter_errors(value), key=lambda e: (len(e.absolute_path), str(e.path)))
    if errors:
        raise PorevoxError(_sentence(errors[0], where))
    return value


def _complete(value, schema: dict, root: dict):
    """Fill in defaults and turn strings from the command line into the numbers they mean."""
    schema = _resolve(schema, root)
    if isinstance(value, str):
        return _coerce(value, schema)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_complete(item, schema["items"], root) for item in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    for key, part in known.items():
        part = _resolve(part, root)
        if key not in value and "default" in part:
            value[key] = copy.deepcopy(part["default"])
    rest = schema.get("additionalProperties")
    for key in value:
        part = known.get(key, rest if isinstance(rest, dict) else None)
        if part is not None:
            value[key] = _complete(value[key], part, root)
    return value


def _resolve(schema: dict, root: dict) -> dict:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return {
        **root["$defs"][reference.rsplit("/", 1)[1]],
        **{k: v for k, v in schema.items() if k != "$ref"},
    }


def _coerce(value: str, schema: dict):
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "string" in types:
        return value
    for name, convert in (("integer", int), ("number", float)):
        if name in types or any(name == s.get("type") for s in schema.get("anyOf", [])):
            try:
                return convert(value)
            except ValueError:
                continue
    return {"true": True, "false": False}.get(value.lower(), value) if "boolean" in types else value


def _sentence(error, where: str) -> str:
    """Put a schema error into one sentence: which key, what is wrong, what is allowed."""
    path = ".".join([where, *map(str, error.absolute_path)] if where else map(str, error.absolute_path))
    place = f"`{path}`" if path else "the configuration"
    if error.validator == "additionalProperties":
        known = sorted(error.schema.get("properties", {}))
        unknown = sorted(set(error.instance) - set(known))
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"allowed are {', '.join(known)}."
        return f"Unknown key `{unknown[0]}` in {place}: {hint}"
    if error.validator == "required":
        return f"The key {error.message.split()[0]} is missing in {place}; add it."
    shown = repr(error.instance)
    shown = shown if len(shown) < 80 else shown[:77] + "..."
    allowed = error.schema.get("description")
    return f"{place} cannot be {shown}: {_expected(error)}." + (f" {allowed}" if allowed else "")


def _expected(error) -> str:
    value = error.validator_value
    words = {
        "enum": lambda: "allowed are " + ", ".join(map(str, value)),
        "type": lambda: "it must be of type " + (value if isinstance(value, str) else " or ".join(value)),
        "minimum": lambda: f"it must be at least {value}",
        "maximum": lambda: f"it must be at most {value}",
        "exclusiveMinimum": lambda: f"it must be greater than {value}",
        "exclusiveMaximum": lambda: f"it must be less than {value}",
        "minItems": lambda: f"it must list at least {value}",
        "uniqueItems": lambda: "an entry is listed twice",
        "pattern": lambda: f"it must match {value}",
        "anyOf": lambda: "it must be a whole number of at least 2 or a percentage such as '25%'",
        "oneOf": lambda: "give either `path` or `urls`",
    }
    return words.get(error.validator, lambda: error.message)()


def _add_own_study(config: dict, schema: dict) -> None:
    """Turn the short keys `structures`, `labels` and `target` into a dataset and a study."""
    given = [key for key in ("structures", "labels", "target") if config[key] is not None]
    if not given:
        return
    missing = [key for key in ("structures", "labels", "target") if config[key] is None]
    if missing:
        raise PorevoxError(
            f"`{given[0]}` is set but `{missing[0]}` is not: a study of your own needs structures "
            "(a folder or archive of CIFs), labels (a CSV) and target (one of its columns)."
        )
    table = {"file": {"path": config["labels"]}, "id_column": config["id_column"]}
    dataset = {
        "structures": {"path": config["structures"]},
        "tables": [table],
        "descriptors": config["descriptors"],
    }
    study = {
        "dataset": "own",
        "target": config["target"],
        "grid": next(iter(config["grids"])),
        "sizes": ["12%", "25%", "50%", "100%"],
        "models": ["retnet", "rf", "mean"] if config["descriptors"] else ["retnet", "mean"],
    }
    config["datasets"]["own"] = _check(dataset, schema["$defs"]["dataset"], schema, "datasets.own")
    config["studies"]["own"] = _check(study, schema["$defs"]["study"], schema, "studies.own")
    config["run"] = ["own"]


def _check_study(config: dict, name: str) -> None:
    """Check that the names a study uses exist, and that its options go together."""
    study = _lookup(config, "studies", name, "run")
    where = f"studies.{name}"
    dataset = _lookup(config, "datasets", study["dataset"], f"{where}.dataset")
    _lookup(config, "grids", study["grid"], f"{where}.grid")
    for model in study["models"]:
        options = _lookup(config, "models", model, f"{where}.models")
        if options["type"] == "random_forest" and not descriptors_of(config, study, options):
            raise PorevoxError(
                f"`models.{model}` in `{where}` needs descriptors, but dataset `{study['dataset']}` lists "
                "none: add `descriptors` (column names) to the dataset, or leave the model out."
            )
    split = study["split"]
    if split["kind"] == "group" and split["group_column"] is None:
        raise PorevoxError(
            f"`{where}.split.group_column` is missing: a split of kind group needs the column's name."
        )
    if split["kind"] == "files" and None in (split["train_file"], split["test_file"]):
        raise PorevoxError(f"`{where}.split` of kind files needs train_file and test_file (one id a line).")
    if dataset["structures"].get("urls") and dataset["n_structures"] is None:
        raise PorevoxError(
            f"`datasets.{study['dataset']}.n_structures` is missing: give the number of CIFs in the "
            "download, so that the number of jobs is known before it."
        )


def _lookup(config: dict, section: str, name: str, where: str) -> dict:
    known = config[section]
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}."
        raise PorevoxError(f"`{where}` names `{name}`, which is not in `{section}`: {hint}")
    return known[name]


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
        if model["type"] == "random_forest":
            yield from ((column, "descriptors") for column in descriptors_of(config, study, model))
        yield from ((column, f"models.{name}.scalars") for column in model.get("scalars", []))
