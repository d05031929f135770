"""Voxels in space: an isosurface and the framework, projected and sorted by their depth."""

from dataclasses import dataclass

import gemmi
import numpy as np
from matplotlib.colors import to_rgb
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from porevox.crystal.structure import Structure
from porevox.figures.isosurface import isosurface
from porevox.figures.voxel_box import VoxelBox

#: How far the camera is turned towards the faces at the ends of the three edges.
_TOWARDS = (0.78, 0.40, 0.48)
#: Steps along an axis of the refined field: a smoother surface would not be seen at a column's width.
_FINE = 44
#: Radii of sticks and of balls, A.
_STICK_A, _BALL_A = 0.11, 0.30
_BALL_CORNERS = 10
#: Atoms are bonded when nearer than this times the sum of their covalent radii.
_BOND = 1.2
#: More atoms than this would hide the surface.
_MOST_ATOMS = 6000
#: How much of the colour is lost at the far end, and how much of the framework's everywhere.
_HAZE, _FAINT = 0.45, 0.25
#: Common colours of the elements; all others have that of a metal.
_ELEMENT_COLOURS = {
    "H": "#d0d0d0",
    "B": "#e8a1a1",
    "C": "#6f6f6f",
    "N": "#3050d8",
    "O": "#d8301f",
    "F": "#6cc24a",
    "Si": "#d9b382",
    "P": "#e68a19",
    "S": "#d9b72b",
    "Cl": "#38b838",
    "Br": "#a0402c",
    "I": "#8a2fb0",
}
_METAL_COLOUR = "#7d80b0"


@dataclass(frozen=True, eq=False)
class Camera:
    """Directions in space, (3,) unit vectors, that are near, right and up on the page."""

    near: np.ndarray
    right: np.ndarray
    up: np.ndarray

    def project(self, places_A: np.ndarray) -> np.ndarray:
        """Return positions on the page, (..., 2), of positions in space, (..., 3); angstrom.

        Parameters
        ----------
        places_A : numpy.ndarray, shape (..., 3)
            Cartesian, angstrom.

        Returns
        -------
        numpy.ndarray, shape (..., 2)
            To the right and upwards, angstrom.
        """
        return places_A @ np.stack([self.right, self.up], axis=1)


@dataclass(frozen=True, eq=False)
class Polygons:
    """Flat polygons in space: m arrays of corners (k, 3), angstrom, and their colours, (m, 3)."""

    corners: list
    rgb: np.ndarray

    def __add__(self, other: "Polygons") -> "Polygons":
        return Polygons(self.corners + other.corners, np.concatenate([self.rgb, other.rgb]))


_NOTHING = Polygons([], np.empty((0, 3)))


def camera(edges_A: np.ndarray) -> Camera:
    """Return a camera that sees the faces at the ends of a box's three edges; the third one is upright.

    Parameters
    ----------
    edges_A : (3, 3) float64
        Rows: edges of the box, angstrom.

    Returns
    -------
    Camera
    """
    outward = np.linalg.inv(edges_A).T
    near = np.array(_TOWARDS) @ (outward / np.linalg.norm(outward, axis=1, keepdims=True))
    near /= np.linalg.norm(near)
    right = np.cross(edges_A[2], near)
    right /= np.linalg.norm(right)
    return Camera(near, right, np.cross(near, right))


def seen(polygons: Polygons, eye: Camera) -> tuple[list, np.ndarray]:
    """Project polygons, the farthest first; what is far fades.

    Parameters
    ----------
    polygons : Polygons
    eye : Camera

    Returns
    -------
    corners : list of (k, 2) float64
        On the page, angstrom.
    rgb : (m, 3) float64
    """
    if not polygons.corners:
        return [], polygons.rgb
    sizes = np.array([len(corners) for corners in polygons.corners])
    stops = np.cumsum(sizes)
    points = np.concatenate(polygons.corners)
    depth = np.add.reduceat(points @ eye.near, stops - sizes) / sizes
    order = np.argsort(depth, kind="stable")
    haze = _HAZE * (depth.max() - depth) / max(np.ptp(depth), 1e-9)
    rgb = polygons.rgb + haze[:, None] * (1.0 - polygons.rgb)
    flat = eye.project(points)
    return [flat[stops[k] - sizes[k] : stops[k]] for k in order], rgb[order]


def surface(
    box: VoxelBox, level: float, colours: tuple[str, str], eye: Camera, steps: int | None = None
) -> Polygons:
    """Shaded isosurface of a field.

    Parameters
    ----------
    box : VoxelBox
        Its field must be finite.
    level : float
        Value of the field on the surface.
    colours : pair of str
        Of the side where the field is below the level, and of the other.
    eye : Camera
    steps : int, optional
        Of the refined field along an axis; fewer do for a small picture.

    Returns
    -------
    Polygons
        None where the level is not met.
    """
    steps = steps or _FINE
    field = _refined(box.field, steps)
    triangles = isosurface(field, level)
    if not len(triangles):
        return _NOTHING
    normals = _normals(field, triangles.mean(axis=1), box.edges_A / steps)
    corners = triangles / steps @ box.edges_A + box.origin_A
    return Polygons(list(corners), _shaded(normals, colours, eye))


def _refined(field: np.ndarray, steps: int) -> np.ndarray:
    """The field on a grid of the same fineness in every picture."""
    where = [np.linspace(0, size - 1, steps + 1) for size in field.shape]
    return map_coordinates(field, np.meshgrid(*where, indexing="ij"), order=3, mode="nearest")


def _normals(field: np.ndarray, points: np.ndarray, steps_A: np.ndarray) -> np.ndarray:
    """Unit normals at points given in steps: they vary smoothly from triangle to triangle."""
    slopes = [map_coordinates(slope, points.T, order=1) for slope in np.gradient(field)]
    normals = np.stack(slopes, axis=-1) @ np.linalg.inv(steps_A).T
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)


def _shaded(normals: np.ndarray, colours: tuple[str, str], eye: Camera) -> np.ndarray:
    lamp = eye.near + 0.5 * eye.up - 0.4 * eye.right
    light = 0.45 + 0.55 * np.abs(normals @ lamp) / np.linalg.norm(lamp)
    below, above = (np.array(to_rgb(colour)) for colour in colours)
    # normals point to higher values: a triangle whose normal comes near is seen from there
    rgb = np.where((normals @ eye.near > 0)[:, None], above, below)
    return rgb * np.minimum(light, 1.0)[:, None]


def atoms_in_box(
    structure: Structure, edges_A: np.ndarray, origin_A: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """All images of a structure's atoms that lie in a box.

    Parameters
    ----------
    structure : Structure
    edges_A : (3, 3) float64
        Rows: edges of the box, angstrom.
    origin_A : (3,) float64
        Its first corner, angstrom.

    Returns
    -------
    elements : list of str, length m
    places_A : (m, 3) float64
        Of atoms on a face of a periodic box, the images on the opposite face are there, too.
    """
    to_lattice, to_box = np.linalg.inv(structure.lattice_A), np.linalg.inv(edges_A)
    corners = (np.indices((2, 2, 2)).reshape(3, -1).T @ edges_A + origin_A) @ to_lattice
    low, high = np.floor(corners.min(axis=0) - 1.0), np.ceil(corners.max(axis=0) + 1.0)
    cells = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3)
    elements, places = [], []
    for element, frac in zip(structure.elements, structure.frac, strict=True):
        images = (cells + frac) @ structure.lattice_A
        inside = (images - origin_A) @ to_box
        images = images[((inside > -1e-3) & (inside < 1 + 1e-3)).all(axis=1)]
        elements += [element] * len(images)
        places.append(images)
    return elements, np.concatenate(places)


def element_rgb(elements: list[str]) -> np.ndarray:
    """Colours of elements; (m, 3), between 0 and 1.

    Parameters
    ----------
    elements : list of str, length m
        Symbols; metals without a colour of their own share one.

    Returns
    -------
    numpy.ndarray, shape (m, 3), float64
        Red, green, blue, between 0 and 1.
    """
    return np.array([to_rgb(_ELEMENT_COLOURS.get(element, _METAL_COLOUR)) for element in elements])


def framework(box: VoxelBox, eye: Camera) -> Polygons:
    """Balls and sticks of the atoms in a box, as flat polygons that face the camera.

    Parameters
    ----------
    box : VoxelBox
    eye : Camera

    Returns
    -------
    Polygons
        None where there is no structure, or too many atoms to be told apart.
    """
    if box.structure is None:
        return _NOTHING
    elements, places = atoms_in_box(box.structure, box.edges_A, box.origin_A)
    if not 0 < len(elements) <= _MOST_ATOMS:
        return _NOTHING
    rgb = element_rgb(elements)
    rgb += _FAINT * (1.0 - rgb)
    turn = np.linspace(0, 2 * np.pi, _BALL_CORNERS, endpoint=False)[:, None]
    disc = _BALL_A * (np.cos(turn) * eye.right + np.sin(turn) * eye.up + eye.near)
    balls = Polygons(list(places[:, None, :] + disc), rgb)
    return balls + _sticks(_bonds(elements, places), places, rgb, eye)


def _bonds(elements: list[str], places_A: np.ndarray) -> np.ndarray:
    """Pairs of bonded atoms; (m, 2) int."""
    radii = np.array([gemmi.Element(element).covalent_r for element in elements])
    pairs = cKDTree(places_A).query_pairs(2 * _BOND * radii.max(), output_type="ndarray")
    near = np.linalg.norm(places_A[pairs[:, 0]] - places_A[pairs[:, 1]], axis=1)
    return pairs[near < _BOND * radii[pairs].sum(axis=1)]


def _sticks(pairs: np.ndarray, places_A: np.ndarray, rgb: np.ndarray, eye: Camera) -> Polygons:
    """Each bond in two halves of its atoms' colours, as wide as a stick and turned to the camera."""
    atom, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    start, middle = places_A[atom], (places_A[atom] + places_A[other]) / 2
    side = np.cross(middle - start, eye.near)
    side *= _STICK_A / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    quads = np.stack([start - side, start + side, middle + side, middle - side], axis=1)
    return Polygons(list(quads), rgb[atom])
