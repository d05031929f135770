"""``porevox show``: a picture, or one sentence on why there is none."""

import pytest

from porevox.figures import voxel_scene

SMALL = ("--grid", "unit_cell", "--n", 6)


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    """Surfaces of few triangles."""
    monkeypatch.setattr(voxel_scene, "_FINE", 12)


def test_a_cif_becomes_a_picture(command, cifs, tmp_path):
    with command("show", cifs / "good0.cif", "-o", "x.png", *SMALL, cwd=tmp_path) as process:
        said, complaint = process.communicate()
    assert (process.returncode, said, complaint) == (0, "", "")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cifs", "x.png"]


def test_stored_voxels_become_a_picture(in_process, cifs, tmp_path):
    in_process("voxelize", cifs, "-o", tmp_path / "out.npy", *SMALL)
    options = ("--cif", cifs, "--level", 100, "--planes", 0, 0.5, 1, "--boltzmann", 300)
    picture = ("-o", tmp_path / "x.pdf")
    assert in_process("show", tmp_path / "out.npy", "--row", 2, *picture, *options) == (0, "")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


def test_a_potential_becomes_a_picture(in_process, write_charged, tmp_path):
    file = write_charged(tmp_path / "charged.cif")
    arguments = ("show", file, "-o", tmp_path / "x.svg", *SMALL, "--channel", "electrostatic")
    assert in_process(*arguments) == (0, "")
    assert b"<svg" in (tmp_path / "x.svg").read_bytes()
    status, complaint = in_process(*arguments, "--force", "--boltzmann", 300)
    assert status == 1 and "no meaning for a potential" in complaint


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("cifs", "good0", "-o", "x.gif"), "must end in .png"),
        (("cifs", "good0", "-o", "there.png"), "there.png is there already"),
        (("cifs", "good0", "-o", "missing/x.png"), "missing does not exist"),
        (("cifs", "-o", "x.png"), "holds several structures"),
        (("cifs", "nix", "-o", "x.png"), "no structure named nix"),
        (("cifs", "good0", "--id", "good1", "-o", "x.png"), "leave one out"),
        (("cifs", "good0", "--row", "1", "-o", "x.png"), "holds no voxels"),
        (("cifs", "text", "-o", "x.png"), "text cannot be used, unreadable_cif"),
        (("cifs", "good0", "-o", "x.png", "--planes", "0", "0.5", "2"), "between 0 and 1"),
        (("cifs", "good0", "-o", "x.png", "--level", "nan"), "finite"),
        (("cifs", "good0", "-o", "x.png", "--boltzmann", "0"), "above 0 K"),
        (("nowhere.cif", "-o", "x.png"), "nowhere.cif does not exist"),
        (("nowhere.npy", "--row", "0", "-o", "x.png"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(in_process, cifs, monkeypatch, arguments, message):
    monkeypatch.chdir(cifs.parent)
    (cifs.parent / "there.png").touch()
    status, complaint = in_process("show", *arguments)
    assert status == 1
    assert complaint.startswith("porevox: ") and message in complaint and complaint.count("\n") == 1
    assert sorted(path.name for path in cifs.parent.iterdir()) == ["cifs", "there.png"]
