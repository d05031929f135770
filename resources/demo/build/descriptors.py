"""Zeo++ descriptors of one CIF, in a process of its own; prints one JSON object."""

import argparse
import json
import re
import tempfile
from pathlib import Path

import numpy as np
from common import lattice, read_cif
from masses import MASSES
from pyzeo import AtomNetwork, surface_area, volume

SURFACE_PROBE_A = 1.86  # kinetic radius of N2, as is usual for surface areas
VOID_PROBE_A = 0.0
SAMPLES_SURFACE = 2000  # per atom
SAMPLES_VOLUME = 50000  # per cell
MIN_PLD_A = 3.8  # methane (3.73 A) can pass
U_PER_A3 = 1.66053907  # g/cm3


def diameters(network):
    """LCD and PLD in A: Zeo++ writes them to a file whose last three numbers they begin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "free_sphere.res"
        network.calculate_free_sphere_parameters(str(path))
        lcd, pld, _ = path.read_text().split()[-3:]
    return float(lcd), float(pld)


def sum_of(text, keys):
    """Sum of the numbers that follow `keys` in Zeo++'s one-line report."""
    return sum(float(re.search(rf"\b{re.escape(k)}:?\s+(\S+)", text).group(1)) for k in keys)


def density(cif):
    """Framework density (g/cm3) from masses and cell, independent of Zeo++."""
    cellpar, symbols, _ = read_cif(cif)
    return sum(MASSES[s] for s in symbols) / np.linalg.det(lattice(cellpar)) * U_PER_A3


def describe(cif, min_pld=MIN_PLD_A):
    """Geometric descriptors, accessible and non-accessible parts added.

    Parameters
    ----------
    cif : Path
        Shipped structure.
    min_pld : float
        Below this PLD (A) only the diameters are computed.

    Returns
    -------
    dict
        PLD_A, LCD_A and, for pores that methane can pass, void_fraction (probe 0 A),
        gravimetric_surface_area_m2_per_g (probe 1.86 A) and two densities in g/cm3.
    """
    network = AtomNetwork.read_from_CIF(str(cif), rad_flag=True)
    lcd, pld = diameters(network)
    record = {"LCD_A": lcd, "PLD_A": pld}
    if pld < min_pld:
        return record
    area = text_of(surface_area(network, SURFACE_PROBE_A, SURFACE_PROBE_A, SAMPLES_SURFACE))
    void = text_of(volume(network, VOID_PROBE_A, VOID_PROBE_A, SAMPLES_VOLUME))
    return record | {
        "void_fraction": sum_of(void, ["AV_Volume_fraction", "NAV_Volume_fraction"]),
        "gravimetric_surface_area_m2_per_g": sum_of(area, ["ASA_m^2/g", "NASA_m^2/g"]),
        "density_g_per_cm3": density(cif),
        "density_zeo_g_per_cm3": sum_of(area, ["Density"]),
    }


def text_of(report):
    """Zeo++ reports come as bytes from some builds."""
    return report.decode() if isinstance(report, bytes) else report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cif")
    print("RESULT " + json.dumps(describe(parser.parse_args().cif)))
