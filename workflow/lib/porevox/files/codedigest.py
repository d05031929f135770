"""Digest of code: a real edit of a stage's modules changes it, a comment does not."""

import ast
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from porevox.errors import PorevoxError

_DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
#: Fields that tell nothing of what the code does: contexts follow from the place in the tree.
_SILENT_FIELDS = {"ctx", "type_comment", "type_ignores", "kind"}


def code_digest(files: Iterable[Path], package: Path, without: Iterable[str] = ()) -> str:
    """Digest what the given Python files do, and every module of the package they import.

    Imports are followed through the package, also those inside functions. Comments, formatting,
    docstrings and assignments to ``__version__`` do not count; any other edit does.

    Parameters
    ----------
    files : iterable of pathlib.Path
        Scripts, or modules of the package.
    package : pathlib.Path
        The package's folder (the one with ``__init__.py``); its name is the package's name.
    without : iterable of str
        Modules that cannot change any result (``package/job.py``), left out with their imports.

    Returns
    -------
    str
        64 hexadecimal digits; the same for a copy of the files in another place.

    Raises
    ------
    PorevoxError
        A file cannot be read or is not valid Python.
    """
    package = Path(package).resolve()
    queue = [Path(file).resolve() for file in files]
    digests: dict[str, str] = {}
    followed: set[str] = set()
    while queue:
        file = queue.pop()
        inside = file.is_relative_to(package)
        name = file.relative_to(package.parent).as_posix() if inside else file.name
        if name in digests or name in without:
            continue
        home = tuple(name.split("/")[:-1]) if inside else ()
        digests[name], imported = _module_digest(_source(file), home, str(file))
        for module in imported - followed:
            queue += _files_of(module, package)
        followed |= imported
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _source(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise PorevoxError(f"{file} cannot be read ({error.strerror}): restore it.") from error


def _files_of(module: str, package: Path) -> list[Path]:
    """List the files that importing a dotted name runs, the packages above it included."""
    first, *rest = module.split(".")
    if first != package.name:
        return []
    found, folder = [package / "__init__.py"], package
    for part in rest:
        if (folder / f"{part}.py").is_file():
            found.append(folder / f"{part}.py")
        folder = folder / part
        found.append(folder / "__init__.py")
    return [file for file in found if file.is_file()]


@lru_cache(maxsize=1024)
def _module_digest(source: bytes, home: tuple[str, ...], label: str) -> tuple[str, frozenset[str]]:
    """Return the digest of a module's stripped syntax tree and the dotted names it imports."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise PorevoxError(f"{label} is not valid Python ({error}): mend it.") from error
    words: list[str] = []
    imported: set[str] = set()
    _describe(tree, words, imported, home)
    return hashlib.sha256("\0".join(words).encode("utf-8", "replace")).hexdigest(), frozenset(imported)


def _describe(node, words: list[str], imported: set[str], home: tuple[str, ...]) -> None:
    """Write a syntax tree as words, in order and unambiguously, twice as fast as `ast.dump`."""
    kind = type(node)
    if kind is list:
        words.append(f"[{len(node)}")
        for item in node:
            _describe(item, words, imported, home)
    elif not isinstance(node, ast.AST):
        words.append(repr(node))
    else:
        words.append(kind.__name__)
        if kind is ast.Import or kind is ast.ImportFrom:
            imported.update(_imported_names(node, home))  # type: ignore[arg-type]  # it is one of the two
        for field in node._fields:
            if field not in _SILENT_FIELDS:
                value: Any = getattr(node, field, None)
                if field == "body" and kind in _DEFINITIONS:
                    value = _meaningful(value)
                _describe(value, words, imported, home)


def _meaningful(body: list) -> list:
    """Leave out a docstring and the version; an empty body and one of `pass` are the same."""
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        body = body[1:] if isinstance(first.value.value, str) else body
    return [item for item in body if not isinstance(item, ast.Pass) and not _is_version(item)]


def _is_version(statement: ast.stmt) -> bool:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id == "__version__"


def _imported_names(node: ast.Import | ast.ImportFrom, home: tuple[str, ...]) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = home[: len(home) - node.level + 1] if node.level else ()
    start = ".".join((*above, *([node.module] if node.module else [])))
    return [start, *(f"{start}.{alias.name}" for alias in node.names)]
