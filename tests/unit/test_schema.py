"""The schema: closed, and every block completed and checked by it."""

import pytest
from jsonschema import Draft202012Validator

from porevox.errors import PorevoxError
from porevox.schema import check_block, load_schema


def test_schema_is_a_schema_and_closed_everywhere():
    schema = load_schema()
    Draft202012Validator.check_schema(schema)
    objects = {name: part for name, part in schema["$defs"].items() if part.get("type") == "object"}
    open_ones = [name for name, part in objects.items() if "additionalProperties" not in part]
    # these two are read twice: for their kind, and then as what they are, which is closed
    assert open_ones == ["channel", "model"]
    assert schema["additionalProperties"] is False


def test_every_kind_and_type_has_a_block_of_its_own():
    parts = load_schema()["$defs"]
    for name, key in (("channel", "kind"), ("model", "type")):
        kinds = parts[name]["properties"][key]["enum"]
        assert {f"{name}_{kind}" for kind in kinds} == {p for p in parts if p.startswith(f"{name}_")}
        for kind in kinds:
            assert parts[f"{name}_{kind}"]["properties"][key] == {"const": kind}


def test_every_property_is_described_or_says_it_by_its_name():
    parts = load_schema()["$defs"]
    for name in ("channel_lennard_jones", "channel_electrostatic", "channel_guest", "transform", "henry"):
        for key, part in parts[name]["properties"].items():
            part = parts[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            assert "description" in part or key in ("name", "kind"), (name, key)


def test_blocks_are_completed_in_a_copy():
    block = {"kind": "guest", "temperature_K": "273"}
    done = check_block(block, "channel_guest", "here")
    assert done["temperature_K"] == 273.0 and done["guest"] == "CO2"
    assert block == {"kind": "guest", "temperature_K": "273"}
    with pytest.raises(PorevoxError, match=r"`here.temperature_K` cannot be 'warm'"):
        check_block({"kind": "guest", "temperature_K": "warm"}, "channel_guest", "here")


def test_limits_of_faulty_rows_say_something():
    rule = {"column": "void_fraction", "reason": "absurd"}
    assert check_block(rule | {"max": "1"}, "bounds", "here")["max"] == 1
    with pytest.raises(PorevoxError, match="`here` cannot be .*: give a value for min or max"):
        check_block(rule, "bounds", "here")
