"""The page docs/configuration.md, made from the schema.

``python -m porevox.config_reference > docs/configuration.md``
"""

import json
from collections.abc import Iterator

from porevox.schema import load_schema

_INTRODUCTION = """\
# Reference: every key of the configuration

Made from [the schema](../workflow/schemas/config.schema.yaml) by `python -m porevox.config_reference`; not to
be edited by hand. Keys that are not listed are errors. A file given with `--configfile` is laid over
`config.yaml`: blocks are merged key by key, lists are replaced.
"""
#: Comparisons that JSON schema names, as a reader writes them.
_BOUNDS = {"minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}"}


def markdown(schema: dict | None = None) -> str:
    """Return the reference of the configuration as a page of Markdown.

    Parameters
    ----------
    schema : dict, optional
        JSON schema with ``properties`` and ``$defs``; by default that of the configuration.

    Returns
    -------
    str
        One table for the top level and one for each block that has keys of its own.
    """
    schema = load_schema() if schema is None else schema
    blocks = {name: part for name, part in schema["$defs"].items() if _keys(part)}
    parts = [_INTRODUCTION, "## The top level\n", _table(schema, schema)]
    for name, part in blocks.items():
        parts += [f"## {name}\n"] + ([f"{_plain(part['description'])}\n"] if "description" in part else [])
        parts.append(_table(part, schema))
    return "\n".join(parts)


def _keys(part: dict) -> dict:
    return part.get("properties", {})


def _table(block: dict, schema: dict) -> str:
    lines = ["| key | values | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*lines, *_rows(block, schema, "")]) + "\n"


def _rows(block: dict, schema: dict, prefix: str) -> Iterator[str]:
    required = block.get("required", [])
    for key, value in _keys(block).items():
        part = _resolved(value, schema)
        if "default" in part:
            default = f"`{json.dumps(part['default'], ensure_ascii=False)}`"
        else:
            default = "required" if key in required else ""
        cells = (f"`{prefix}{key}`", _values(value, schema), default, _plain(part.get("description", "")))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        if "$ref" not in value:  # a block that is described where it stands
            yield from _rows(part, schema, f"{prefix}{key}.")


def _resolved(part: dict, schema: dict) -> dict:
    """A part with what it refers to filled in; what stands beside the reference wins."""
    if "$ref" not in part:
        return part
    return {**schema["$defs"][_name(part)], **part}


def _name(part: dict) -> str:
    return part["$ref"].rsplit("/", 1)[1]


def _values(part: dict, schema: dict) -> str:
    """What a key may be, in a few words."""
    if "$ref" in part and _keys(schema["$defs"][_name(part)]):
        return f"[{_name(part)}](#{_name(part)})"
    part = _resolved(part, schema)
    for kind in ("anyOf", "oneOf"):
        if kind in part and "type" not in part:
            return " or ".join(filter(None, (_values(choice, schema) for choice in part[kind])))
    if "const" in part or "enum" in part:
        choices = part.get("enum", [part.get("const")])
        return ", ".join("null" if choice is None else f"`{choice}`" for choice in choices)
    kinds = part.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return " or ".join(_kind(kind, part, schema) for kind in kinds)


def _kind(kind: str, part: dict, schema: dict) -> str:
    if kind == "array":
        inner = _values(part["items"], schema) if "items" in part else ""
        return f"list of {inner}" if inner else "list"
    if kind == "object":
        rest = part.get("additionalProperties")
        if isinstance(rest, dict):
            return f"names with {_values(rest, schema) or 'a block'} each"
        return "block"
    bounds = [text.format(part[key]) for key, text in _BOUNDS.items() if key in part]
    return " ".join([kind, *bounds]) if kind in ("integer", "number") else kind


def _plain(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    print(markdown(), end="")
