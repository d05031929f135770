"""The reference of the configuration says what the schema says."""

import pytest

from porevox.config_reference import markdown
from porevox.schema import load_schema

SCHEMA = {
    "required": ["run"],
    "properties": {
        "run": {"type": "array", "items": {"type": "string"}, "description": "What to\n  compute."},
        "grids": {"type": "object", "additionalProperties": {"$ref": "#/$defs/grid"}, "default": {}},
    },
    "$defs": {
        "grid": {
            "properties": {
                "kind": {"enum": ["a", "b"], "default": "a"},
                "n": {"type": ["integer", "null"], "minimum": 2, "default": 25},
                "size": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "box": {"type": "object", "properties": {"x_A": {"type": "number"}}},
                "unit": {"$ref": "#/$defs/unit", "default": "x|y"},
            }
        },
        "unit": {"type": "string", "description": "A unit."},
    },
}


def row(page, key):
    return next(line for line in page.splitlines() if line.startswith(f"| `{key}` |"))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("run", "| `run` | list of string | required | What to compute. |"),
        ("grids", "| `grids` | names with [grid](#grid) each | `{}` |  |"),
        ("kind", '| `kind` | `a`, `b` | `"a"` |  |'),
        ("n", "| `n` | integer ≥ 2 or null | `25` |  |"),
        ("size", "| `size` | integer or string |  |  |"),
        ("box.x_A", "| `box.x_A` | number |  |  |"),
        ("unit", '| `unit` | string | `"x\\|y"` | A unit. |'),
    ],
)
def test_a_key_is_one_row_with_values_default_and_meaning(key, expected):
    assert row(markdown(SCHEMA), key) == expected


def test_blocks_without_keys_have_no_section_of_their_own():
    page = markdown(SCHEMA)
    assert "## grid\n" in page and "## unit" not in page


def test_the_page_in_docs_is_that_of_the_schema(root):
    page = (root / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m porevox.config_reference > docs/configuration.md"


def test_every_key_of_the_schema_is_on_the_page():
    page, schema = markdown(), load_schema()
    for block in (schema, *schema["$defs"].values()):
        for key in block.get("properties", {}):
            assert f"`{key}`" in page or f".{key}`" in page
