"""The house: rules have logs, environments and scripts of their name, and all of it stays short."""

import re

import yaml


def test_every_rule_has_a_log_an_environment_and_a_script_of_its_name(root):
    scripts = set()
    for path in (root / "workflow/rules").glob("*.smk"):
        text = path.read_text()
        for name, body in re.findall(r"^(?:rule|checkpoint) (\w+):\n((?:(?: .*)?\n)+)", text, re.M):
            if path.stem == "targets":
                assert set(re.findall(r"^    (\w+):", body, re.M)) <= {"input"}, name
                continue
            assert f'"../scripts/{name}.py"' in body and "log:" in body, name
            environments = re.findall(r"envs/(\w+\.yaml)", body)
            assert environments and all((root / "envs" / env).is_file() for env in environments), name
            scripts.add(name)
    assert scripts == {path.stem for path in (root / "workflow/scripts").glob("*.py")}


def test_a_run_without_a_target_makes_all(root):
    """Snakemake takes the Snakefile's first rule, but none of what an included file calls the default."""
    text = (root / "Snakefile").read_text()
    first, body = re.search(r"^(?:rule|checkpoint) (\w+):\n((?:(?: .*)?\n)+)", text, re.M).groups()
    assert first == "all" and 'config["run"]' in body
    for path in (root / "workflow/rules").glob("*.smk"):
        assert "default_target" not in path.read_text(), path
        assert not re.search(r"^rule all:", path.read_text(), re.M), path


def test_snakefile_and_scripts_are_short(root):
    assert len((root / "Snakefile").read_text().splitlines()) <= 50
    for script in (root / "workflow/scripts").glob("*.py"):
        assert len(script.read_text().splitlines()) <= 35, script


def test_the_library_never_mentions_the_workflow_engine_nor_gpl_packages(root):
    for path in (root / "workflow/lib").rglob("*.py"):
        assert "snakemake" not in path.read_text().lower(), path
        assert not re.search(r"^\s*(?:import|from) (moxel|aidsorb|retnext)\b", path.read_text(), re.M), path


def test_profiles_parse_and_the_link_points_at_one(root):
    for name in ("default", "slurm"):
        assert yaml.safe_load((root / "profiles" / name / "config.yaml").read_text())
    assert (root / "slurm/config.yaml").is_file()
