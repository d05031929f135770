"""Draw a net and building blocks worth assembling, from PORMAKE's library."""

import logging
from collections import Counter

import gemmi
import numpy as np
import pormake
from masses import MASSES
from screen import ANGLE_DEG, DENSITY_G_CM3, U_PER_A3, VOLUME_A3, Rejected

MAX_ATOMS = 300  # estimated before assembly; keeps one label at a few seconds
MAX_SLOTS = 44  # nodes plus edges in the cell of a net; larger nets rarely stay under MAX_ATOMS
MAX_TYPES = 4  # node types, and edge types, of a net
MAX_RMSD = 0.19  # misfit of a node's directions to its slot's (unit vectors)
MAX_STRAIN = 0.12  # misfit of wanted edge lengths to the scaled net's
EDGE_LENGTH_A = (6.0, 40.0)  # node centre to node centre
NO_EDGE_ODDS = 0.25  # an attempt whose nodes are joined directly, without edge blocks
UNIFORM_ODDS = 0.5  # one edge block for the whole net: few nets bear unequal edges
DRAWS = 100  # combinations of blocks tried on the drawn net within one attempt
MISFITS = 25  # of which so many may fail the (slower) fit of a node to its slot


def kabsch(target, points):
    """Rotation (applied as points @ rotation) that best fits `points` to `target`, and RMSD.

    The same least-squares fit as PORMAKE's own (SciPy's align_vectors), without its overhead:
    half the time of an assembly went there.
    """
    left, _, right = np.linalg.svd(points.T @ target)
    left[:, 2] *= np.sign(np.linalg.det(left) * np.linalg.det(right))
    rotation = left @ right
    return rotation, np.sqrt(np.mean(np.sum((points @ rotation - target) ** 2, axis=1)))


class Library:
    """PORMAKE's nets and building blocks, loaded once and on demand."""

    def __init__(self):
        pormake.log.logger.setLevel(logging.CRITICAL)
        pormake.locator.find_best_orientation = kabsch
        self.database = pormake.Database()
        nets = sorted(self.database.topology_list)
        folder = self.database.topo_dir
        self.topologies = [n for n in nets if 0 < count_slots(folder / f"{n}.cgd") <= MAX_SLOTS]
        self.blocks = {n: self.database.get_bb(n) for n in sorted(self.database.bb_list)}
        self.edges = [n for n, b in self.blocks.items() if n.startswith("E") and b.is_edge]
        self.nodes = {}
        for name, block in self.blocks.items():
            if name.startswith("N"):
                self.nodes.setdefault(block.n_connection_points, []).append(name)
        # connection points (X) vanish in the assembled framework
        symbols = {n: [s for s in b.atoms.symbols if s != "X"] for n, b in self.blocks.items()}
        self.sizes = {n: len(s) for n, s in symbols.items()}
        self.masses = {n: sum(MASSES[e] for e in s) for n, s in symbols.items()}
        # centre to connection point, mean for nodes; the halves of an edge are equally long
        self.reach = {n: b.lengths[0] if b.is_edge else b.lengths.mean() for n, b in self.blocks.items()}
        self.misfits, self.unusable = {}, set()

    def misfit(self, topology, kind, slot, block):
        """RMSD of a node block's unit directions to its slot's, remembered."""
        key = topology, kind, block
        if key not in self.misfits:
            self.misfits[key] = pormake.Locator().calculate_rmsd(slot, self.blocks[block], max_n_slices=4)
        return self.misfits[key]


def count_slots(path):
    """Nodes plus edges in a net's cell, from its file alone (0: unknown space group).

    Loading a net through PORMAKE takes up to seconds; counting orbits takes a millisecond.
    """
    rows = [line.split() for line in path.read_text().splitlines() if line.strip()]
    group = gemmi.find_spacegroup_by_name(next(r[1] for r in rows if r[0] == "GROUP"))
    if group is None:
        return 0
    points = [np.array(r[3:6], float) for r in rows if r[0] == "NODE"]
    points += [np.array(r[1:], float).reshape(2, 3).mean(0) for r in rows if r[0] == "EDGE"]
    operations = list(group.operations())
    orbits = (
        {tuple(round(v % 1.0, 3) % 1.0 for v in op.apply_to_xyz(p.tolist())) for op in operations}
        for p in points
    )
    return sum(len(orbit) for orbit in orbits)


def draw_net(library, rng, refusal):
    """Draw a net uniformly from those of at most `MAX_SLOTS` slots and load it.

    Raises
    ------
    Rejected
        `refusal` gave a reason, or the net cannot be loaded, has too many types, too skew a
        cell or a slot that no block can fill.
    """
    name = library.topologies[rng.integers(len(library.topologies))]
    if reason := refusal(name):
        raise Rejected(reason, name)
    topology = load_topology(library, name)
    if max(topology.n_node_types, topology.n_edge_types) > MAX_TYPES:
        raise Rejected("net_too_many_types", name)
    if any(int(c) not in library.nodes for c in topology.unique_cn):
        raise Rejected("no_block_of_connectivity", name)
    angles = topology.atoms.cell.angles()
    if angles.min() < ANGLE_DEG[0] - 3.0 or angles.max() > ANGLE_DEG[1] + 3.0:
        raise Rejected("net_angle", name)
    return topology


def draw_blocks(library, topology, rng):
    """Draw a node block per node type and an edge block (or none) per edge type.

    Combinations that are too large, have edges outside `EDGE_LENGTH_A` or nodes that do
    not fit their slots are redrawn, `DRAWS` times at most.

    Parameters
    ----------
    library : Library
    topology : pormake.Topology
    rng : numpy.random.Generator
        Seeded with (seed, attempt index).

    Returns
    -------
    nodes : dict
        node type -> block name.
    edges : dict
        edge type -> block name, or None where two nodes are joined directly.
    """
    misfits, reason, slots = 0, "", Slots(topology)
    # decided once: redrawing until something small fits would leave nearly all nets unlinked
    linked = rng.random() >= NO_EDGE_ODDS
    for _ in range(DRAWS):
        nodes, edges = draw_combination(library, topology, rng, linked)
        reason = unfit(library, topology, slots, nodes, edges)
        if not reason:
            return nodes, edges
        misfits += reason == "node_misfit"
        if misfits >= MISFITS:
            break
    raise Rejected(reason, topology.name)


def draw_combination(library, topology, rng, linked):
    """One draw of blocks; with `UNIFORM_ODDS` one edge block serves all edge types."""
    nodes, edges = {}, {}
    uniform = rng.random() < UNIFORM_ODDS
    for kind, cn in zip(topology.unique_node_types, topology.unique_cn, strict=True):
        choices = library.nodes[int(cn)]
        nodes[int(kind)] = choices[rng.integers(len(choices))]
    drawn = [library.edges[k] for k in rng.integers(len(library.edges), size=MAX_TYPES)]
    for k, kind in enumerate(topology.unique_edge_types):
        edges[edge_type(kind)] = drawn[0 if uniform else k] if linked else None
    return nodes, edges


def edge_type(kind):
    """Edge type as a tuple of plain ints."""
    return tuple(int(k) for k in kind)


def load_topology(library, name):
    """Load a net; PORMAKE refuses some with a bare Exception (and slowly: remembered)."""
    try:
        if name not in library.unusable:
            return library.database.get_topology(name)
    except Exception as error:
        library.unusable.add(name)
        raise Rejected("net_unusable", name) from error
    raise Rejected("net_unusable", name)


class Slots:
    """How often each node type and edge type occurs in a net's cell, and the edges' lengths."""

    def __init__(self, topology):
        self.nodes = Counter(int(topology.node_types[i]) for i in topology.node_indices)
        kinds = [edge_type(topology.edge_types[i]) for i in topology.edge_indices]
        self.edges = Counter(kinds)
        self.kinds = kinds
        self.lengths = np.array([topology.get_edge_length(i) for i in topology.edge_indices])

    def total(self, per_block, nodes, edges):
        """Sum of a quantity per block (atoms, mass) over all slots."""
        amount = sum(n * per_block[nodes[kind]] for kind, n in self.nodes.items())
        return amount + sum(n * per_block[edges[k]] for k, n in self.edges.items() if edges[k])


def unfit(library, topology, slots, nodes, edges):
    """Why a combination is not worth assembling: a reason code, or an empty string.

    The net's own embedding, scaled to the mean wanted edge length, foretells volume and
    strain without the (slow) optimisation.
    """
    if slots.total(library.sizes, nodes, edges) > MAX_ATOMS:
        return "too_many_atoms"
    lengths = edge_lengths(library, slots, nodes, edges)
    if lengths.min() < EDGE_LENGTH_A[0] or lengths.max() > EDGE_LENGTH_A[1]:
        return "edge_length"
    scale = lengths / slots.lengths
    if np.abs(scale / scale.mean() - 1.0).max() > MAX_STRAIN:
        return "edge_strain"
    volume = topology.atoms.get_volume() * scale.mean() ** 3
    if volume > 1.1 * VOLUME_A3[1]:
        return "cell_volume"
    density = slots.total(library.masses, nodes, edges) / volume * U_PER_A3
    if not 0.9 * DENSITY_G_CM3[0] <= density <= 1.1 * DENSITY_G_CM3[1]:
        return "density"
    structures = topology.unique_local_structures
    for kind, slot in zip(topology.unique_node_types, structures, strict=True):
        if library.misfit(topology.name, int(kind), slot, nodes[int(kind)]) > MAX_RMSD:
            return "node_misfit"
    return ""


def edge_lengths(library, slots, nodes, edges):
    """Wanted distance (A) between node centres for every edge of the net's cell."""
    reach = {kind: library.reach[n] for kind, n in nodes.items()}
    between = {
        (i, j): reach[i] + reach[j] + (2 * library.reach[n] if n else 0.0) for (i, j), n in edges.items()
    }
    return np.array([between[kind] for kind in slots.kinds])
