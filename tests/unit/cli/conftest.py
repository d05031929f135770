"""CIFs and a force field small enough to compute in no time, and the command in a process of its own."""

import os
import subprocess
import sys

import pytest

from porevox.cli import main

_HEAD = """data_{name}
_cell_length_a {length}
_cell_length_b {length}
_cell_length_c 9.5
_cell_angle_alpha 90
_cell_angle_beta 96
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
"""


def cif(length=12.0, element="C", occupancy=1):
    """Two atoms in a monoclinic cell."""
    atoms = f"{element}1 {element} 0.1 0.2 0.3 1\nO1 O 0.6 0.5 0.8 {occupancy}\n"
    return _HEAD.format(name="x", length=length) + atoms


@pytest.fixture
def write_cif():
    """Write a CIF; keywords are those of :func:`cif`."""

    def write(path, **changed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(cif(**changed))
        return path

    return write


@pytest.fixture
def write_charged():
    """Write a CIF with partial charges."""

    def write(path):
        head = _HEAD.format(name="x", length=12.0).replace("occupancy", "charge")
        path.write_text(head + "C1 C 0.1 0.2 0.3 0.4\nO1 O 0.6 0.5 0.8 -0.4\n")
        return path

    return write


@pytest.fixture
def cifs(tmp_path, write_cif):
    """A folder of three good CIFs, one partly occupied and one that is none."""
    folder = tmp_path / "cifs"
    for number in range(3):
        write_cif(folder / f"good{number}.cif", length=11.0 + number)
    write_cif(folder / "partial.cif", occupancy=0.5)
    (folder / "text.cif").write_text("this is no CIF")
    return folder


@pytest.fixture
def in_process(capsys):
    """Run the command here; returns exit status and what it said on stderr."""

    def run(*arguments):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = stop.code
        return status, capsys.readouterr().err

    return run


@pytest.fixture
def command(root):
    """Start the command in a process of its own."""

    def start(*arguments, **options):
        environment = os.environ | {"PYTHONPATH": str(root / "workflow" / "lib"), "MPLBACKEND": "agg"}
        return subprocess.Popen(
            [sys.executable, "-m", "porevox", *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start
