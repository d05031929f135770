"""The configuration's schema: values checked against it, completed with defaults, errors in one sentence."""

import copy
import difflib
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from porevox.errors import PorevoxError

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "schemas" / "config.schema.yaml"


@cache
def load_schema() -> dict:
    """Return the schema of the configuration as a dictionary; not to be changed."""
    return yaml.load(SCHEMA_FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def check_block(value, part: str | dict, where: str):
    """Complete and check one block of the configuration.

    Parameters
    ----------
    value : object
        The block as the user wrote it; left alone.
    part : str or dict
        Name in the schema's ``$defs``, or a schema that may refer to them.
    where : str
        Where the block stands in the configuration, for the messages; empty for all of it.

    Returns
    -------
    object
        A copy with every default filled in, and with strings turned into the numbers they mean
        where numbers are wanted (command lines know only strings).

    Raises
    ------
    PorevoxError
        One sentence on the first error.
    """
    root = load_schema()
    schema = root["$defs"][part] if isinstance(part, str) else part
    value = _complete(copy.deepcopy(value), schema, root)
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


def _any_of(options: list[dict]) -> str:
    """Keys that belong together, or the values that a training-set size may have."""
    together = [" and ".join(option["required"]) for option in options if "required" in option]
    if together:
        return f"it needs {', or '.join(together)}"
    return "it must be a whole number of at least 2 or a percentage such as '25%'"


def _expected(error) -> str:
    value = error.validator_value
    words = {
        "enum": lambda: "allowed are " + ", ".join(str(v) for v in value if v is not None),
        "type": lambda: "it must be of type " + (value if isinstance(value, str) else " or ".join(value)),
        "minimum": lambda: f"it must be at least {value}",
        "maximum": lambda: f"it must be at most {value}",
        "exclusiveMinimum": lambda: f"it must be greater than {value}",
        "exclusiveMaximum": lambda: f"it must be less than {value}",
        "minItems": lambda: f"it must list at least {value}",
        "uniqueItems": lambda: "an entry is listed twice",
        "pattern": lambda: f"it must match {value}",
        "anyOf": lambda: _any_of(value),
        "not": lambda: "give a value for " + " or ".join(value["properties"]),
        "oneOf": lambda: "give either `path` or `urls`",
    }
    return words.get(error.validator, lambda: error.message)()
