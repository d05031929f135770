"""Check the shipped dataset: energies, units, labels with another seed, structures, descriptors.

Each check prints its figures and PASS or FAIL; the exit code tells whether all passed.
"""

import argparse
import csv
import os
import sys
import tarfile
from pathlib import Path

import numpy as np
from common import ENVIRONMENT, SEED, STP_CM3_PER_MOL, UFF_CSV, read_uff

UPTAKE = "CH4_uptake_5.8bar_298K"
DEMO = Path(__file__).resolve().parents[1]
SEED_SHIFT = 500_000_000
KB_PER_INTERNAL = 0.831446261815324  # RASPA's energies are in 10 J/mol
DEGREES_OF_FREEDOM = 18  # two errors from ten blocks each


def read_table(path):
    """Rows of a CSV file as dictionaries, keyed by id."""
    with path.open(newline="") as handle:
        return {row["id"]: row for row in csv.DictReader(handle)}


def report(name, passed, figures):
    """Print one line and pass the verdict on."""
    print(f"{'PASS' if passed else 'FAIL'}  {name}: {figures}", flush=True)
    return passed


def check_units(labels, descriptors):
    """cm3(STP)/cm3 is mmol/g times density times the molar volume, for every row."""
    worst = 0.0
    for name, row in labels.items():
        expected = float(row[f"{UPTAKE}_mmol_per_g"]) * STP_CM3_PER_MOL / 1000.0
        expected *= float(descriptors[name]["density_g_per_cm3"])
        worst = max(worst, abs(float(row[f"{UPTAKE}_cm3STP_per_cm3"]) / expected - 1.0))
    return report("units", worst < 2e-5, f"{len(labels)} rows, largest deviation {worst:.1e}")


def check_energy(cifs, uff, rng):
    """Framework-methane energy of one molecule: RASPA against a brute-force sum."""
    import gcmc
    from reference import Box

    worst = 0.0
    for cif in cifs:
        box = Box(cif, uff)
        points = rng.random((200, 3))
        energies = [box.energy(p, ()) for p in points]
        k = int(np.argmin(energies))
        system = gcmc.make_system(cif, uff, [points[k] @ box.lattice])
        value = system.compute_total_energies().framework_molecule_vdw / KB_PER_INTERNAL
        worst = max(worst, abs(value / energies[k] - 1.0))
    # RASPA's gas constant differs from CODATA 2018 by 6e-7
    figures = f"{len(cifs)} structures, largest relative deviation {worst:.1e}"
    return report("energy of one methane", worst < 2e-6, figures)


def judge(name, scores):
    """Student-t z-scores: none beyond 4.5, mean square within three standard deviations."""
    scores = np.array(scores)
    nu = DEGREES_OF_FREEDOM
    mean = nu / (nu - 2)
    spread = np.sqrt((3 * nu**2 / ((nu - 2) * (nu - 4)) - mean**2) / len(scores))
    square = float(np.mean(scores**2))
    passed = np.abs(scores).max() < 4.5 and square < mean + 3 * spread
    figures = f"{len(scores)} structures, mean z {scores.mean():+.2f}, mean z^2 {square:.2f} "
    figures += f"(expected {mean:.2f}, limit {mean + 3 * spread:.2f}), "
    return report(name, passed, figures + f"largest |z| {np.abs(scores).max():.2f}")


def check_labels(cifs, labels, uff_csv, factor=1):
    """Simulate again with another seed (and `factor` times the cycles): within the errors."""
    from labels import run_gcmc

    scores = []
    for cif in cifs:
        row = labels[cif.stem]
        cycles = [factor * int(row[f"gcmc_{k}_cycles"]) for k in ("initialisation", "production")]
        again = run_gcmc(cif, int(row["gcmc_seed"]) + SEED_SHIFT, uff_csv, cycles)
        if "error" in again:
            return report("labels with another seed", False, f"{cif.stem}: {again['error']}")
        error = np.hypot(float(row[f"{UPTAKE}_mmol_per_g_se"]), again["mmol_per_g_se"])
        scores.append((again["mmol_per_g"] - float(row[f"{UPTAKE}_mmol_per_g"])) / error)
    return judge(f"labels with another seed, {factor} x cycles", scores)


def check_reference(cifs, labels, uff, moves):
    """The labels against the independent Monte Carlo of reference.py."""
    import gcmc
    from reference import simulate

    scores = []
    for cif in cifs:
        mean, error = simulate(cif, uff, moves, SEED)
        own = gcmc.to_record(cif, mean, error)
        row = labels[cif.stem]
        spread = np.hypot(float(row[f"{UPTAKE}_mmol_per_g_se"]), own["mmol_per_g_se"])
        scores.append((float(row[f"{UPTAKE}_mmol_per_g"]) - own["mmol_per_g"]) / spread)
    return judge("labels against the independent Monte Carlo", scores)


def check_structures(cifs, provenance):
    """Assemble again from (seed, attempt index): the very bytes of the archive."""
    from draw import Library
    from structures import make_structure

    library, same = Library(), 0
    for cif in cifs:
        _, text = make_structure(library, int(provenance[cif.stem]["attempt"]))
        same += text == cif.read_text()
    figures = f"{same} of {len(cifs)} byte-identical"
    return report("structures from seed and attempt", same == len(cifs), figures)


def check_descriptors(cifs, descriptors):
    """Zeo++ again: same values; its density agrees with masses over cell volume."""
    from structures import describe

    worst = density = 0.0
    for cif in cifs:
        again = describe(cif)
        for key, value in descriptors[cif.stem].items():
            if key != "id":
                worst = max(worst, abs(again[key] / float(value) - 1.0))
        density = max(density, abs(again["density_zeo_g_per_cm3"] / again["density_g_per_cm3"] - 1))
    figures = f"{len(cifs)} structures, largest deviation {worst:.1e}, of densities {density:.1e}"
    return report("descriptors", worst < 1e-4 and density < 1e-3, figures)


def main(args):
    """Unpack a random sample and run the checks on it; True when all pass."""
    args.demo, args.work, args.uff = (p.resolve() for p in (args.demo, args.work, args.uff))
    args.work.mkdir(parents=True, exist_ok=True)
    os.environ.update(ENVIRONMENT)
    os.chdir(args.work)  # PORMAKE writes runtime.log where it is imported
    labels = read_table(args.demo / "labels.csv")
    descriptors = read_table(args.demo / "descriptors.csv")
    provenance = read_table(args.demo / "provenance.csv")
    rng, uff = np.random.default_rng(args.seed), read_uff(args.uff)
    names = sorted(rng.choice(sorted(labels), size=args.sample, replace=False))
    with tarfile.open(args.demo / "cifs.tar.gz") as tar:
        complete = sorted(tar.getnames()) == [f"{name}.cif" for name in sorted(labels)]
        tar.extractall(args.work, [tar.getmember(f"{n}.cif") for n in names], filter="data")
    cifs = [args.work / f"{name}.cif" for name in names]
    results = [report("archive and tables", complete, f"{len(labels)} structures")]
    results += [check_units(labels, descriptors)]
    results += [check_structures(cifs, provenance), check_descriptors(cifs, descriptors)]
    results += [check_energy(cifs[:5], uff, rng)]
    results += [check_labels(cifs, labels, args.uff, args.factor)]
    if args.reference:
        results += [check_reference(cifs[: args.reference], labels, uff, args.moves)]
    return all(results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", type=Path, default=DEMO, help="the dataset's folder")
    parser.add_argument("--work", type=Path, required=True, help="folder for unpacked structures")
    parser.add_argument("--sample", type=int, default=10, help="structures to check")
    parser.add_argument("--factor", type=int, default=1, help="times the cycles of the labels")
    parser.add_argument("--reference", type=int, default=0, help="of them, for the slow check")
    parser.add_argument("--moves", type=int, default=400_000, help="moves of the slow check")
    parser.add_argument("--seed", type=int, default=1, help="seed of the sample")
    parser.add_argument("--uff", type=Path, default=UFF_CSV)
    sys.exit(0 if main(parser.parse_args()) else 1)
