"""A real edit of a used module changes the digest, anything else does not."""

import os
import shutil

import pytest

from porevox.errors import PorevoxError
from porevox.files.codedigest import code_digest

PACKAGE = {
    "__init__.py": '"""A package."""\n__version__ = "1"\n',
    "a.py": "from pkg.b import f\n\n\ndef g(x):\n    '''Doc.'''\n    return f(x) + 1  # why\n",
    "b.py": "def f(x):\n    return 2 * x\n",
    "unused.py": "y = 1\n",
    "sub/__init__.py": "",
    "sub/c.py": "from ..b import f\nfrom . import d\n",
    "sub/d.py": "z = 1\n",
}
SCRIPT = "from pkg.a import g\nprint(g(1))\n"


@pytest.fixture
def tree(tmp_path):
    for name, text in PACKAGE.items():
        path = tmp_path / "pkg" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def of(tree, script=None):
    if script is not None:
        (tree / "script.py").write_text(script)
    return code_digest([tree / "script.py"], tree / "pkg")


def edit(tree, name, old, new):
    path = tree / "pkg" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_touch_changes_nothing(tree):
    before = of(tree)
    os.utime(tree / "pkg" / "b.py", (1, 1))
    assert of(tree) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.py", "  # why", ""),
        ("a.py", "'''Doc.'''", '"""Other."""'),
        ("a.py", "    '''Doc.'''\n", ""),
        ("a.py", "f(x) + 1", "(\n        f( x )\n        + 1\n    )"),
        ("b.py", "def f", "# comment\n\n\ndef f"),
        ("b.py", "def f", "'''Module.'''\ndef f"),
        ("b.py", "2 * x", "0x2 * (x)"),
        ("__init__.py", '"1"', '"2"'),
        ("__init__.py", "A package", "The package"),
        ("unused.py", "1", "2"),
    ],
)
def test_what_does_nothing_changes_nothing(tree, name, old, new):
    before = of(tree)
    edit(tree, name, old, new)
    assert of(tree) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("a.py", "+ 1", "+ 2"),
        ("a.py", "+ 1", "- 1"),
        ("a.py", "+ 1", "+ 1.0"),
        ("b.py", "2 * x", "x * 2"),
        ("b.py", "(x)", "(x=1)"),
        ("b.py", "return", "yield"),
        ("b.py", "def", "async def"),
        ("b.py", "    return 2 * x", "    x += 1\n    return 2 * x"),
        ("__init__.py", "__version__", "import os\n__version__"),
    ],
)
def test_what_does_something_changes_the_digest(tree, name, old, new):
    before = of(tree)
    edit(tree, name, old, new)
    assert of(tree) != before


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = [[1], 2]", "x = [[1, 2]]"),
        ("x = '1'", "x = 1"),
        ("x = b'1'", "x = '1'"),
        ("x = None", "x = 'None'"),
        ("def f():\n    x = 1\n    'not a docstring'", "def f():\n    x = 1"),
        ("x = f'{y!r}'", "x = f'{y!s}'"),
        ("if a:\n    if b:\n        c\n    else:\n        d", "if a:\n    if b:\n        c\nelse:\n    d"),
        ("def f(a, /, b): ...", "def f(a, b, /): ..."),
        ("x: int", "x: int = 1"),
        ("@a\ndef f(): ...", "def f(): ..."),
    ],
)
def test_other_code_has_another_digest(tree, one, other):
    assert of(tree, one) != of(tree, other)


def test_the_script_counts_too(tree):
    before = of(tree)
    assert of(tree, SCRIPT.replace("g(1)", "g(2)")) != before


IMPORTS = [
    ("import pkg.b", "b.py"),
    ("import pkg.b as other", "b.py"),
    ("from pkg import unused, b", "b.py"),
    ("from pkg.b import f", "b.py"),
    ("def main():\n    from pkg import b", "b.py"),
    ("def main():\n    if 1:\n        import os, pkg.b", "b.py"),
    ("class A:\n    from pkg.b import f", "b.py"),
    ("try:\n    import pkg.b\nexcept ImportError:\n    pass", "b.py"),
    ("import pkg.sub.c", "b.py"),
    ("import pkg.sub.c", "sub/d.py"),
    ("from pkg.sub import c", "sub/d.py"),
    ("import pkg.sub.c", "sub/__init__.py"),
    ("import pkg.b", "__init__.py"),
]


@pytest.mark.parametrize(("script", "module"), IMPORTS)
def test_imports_are_followed(tree, script, module):
    before = of(tree, script)
    path = tree / "pkg" / module
    path.write_text(path.read_text() + "\nmore = 1\n")
    assert of(tree) != before


@pytest.mark.parametrize("script", ["import os", "x = 'import pkg.b'", "import pkg.a.b", "import pkgs.b"])
def test_what_is_not_imported_does_not_count(tree, script):
    edit(tree, "a.py", "from pkg.b import f", "f = abs")
    before = of(tree, script)
    edit(tree, "b.py", "2", "3")
    assert of(tree) == before


def test_circular_imports_end(tree):
    edit(tree, "b.py", "def f", "import pkg.a\n\n\ndef f")
    before = of(tree, "import pkg.b")
    edit(tree, "a.py", "+ 1", "+ 2")
    assert of(tree) != before


def test_a_copy_elsewhere_has_the_same_digest(tree, tmp_path_factory):
    copy = tmp_path_factory.mktemp("copy") / "deep"
    shutil.copytree(tree, copy)
    assert of(copy) == of(tree)


def test_code_that_moves_between_modules_counts(tree):
    digests = {of(tree)}
    (tree / "pkg" / "b.py").write_text(PACKAGE["b.py"] + "q = 1\n")
    digests.add(of(tree))
    (tree / "pkg" / "b.py").write_text(PACKAGE["b.py"])
    (tree / "pkg" / "a.py").write_text(PACKAGE["a.py"] + "q = 1\n")
    assert len({*digests, of(tree)}) == 3


def test_broken_code_is_named(tree):
    (tree / "pkg" / "b.py").write_text("def f(:\n")
    with pytest.raises(PorevoxError, match=r"b.py is not valid Python .*line 1"):
        of(tree)
    with pytest.raises(PorevoxError, match="nowhere.py cannot be read"):
        code_digest([tree / "nowhere.py"], tree / "pkg")


def test_a_mended_module_is_read_again(tree):
    """What a process remembers of a module belongs to its content."""
    before = of(tree)
    edit(tree, "b.py", "2", "3")
    changed = of(tree)
    edit(tree, "b.py", "3", "2")
    assert (of(tree), changed != before) == (before, True)


def test_each_module_is_parsed_once_a_process(root, monkeypatch):
    """Every parsing of the workflow asks for the digests of all stages."""
    package = root / "workflow" / "lib" / "porevox"
    modules = sorted(package.glob("*.py"))
    first = code_digest(modules, package)
    monkeypatch.setattr("ast.parse", lambda *_: pytest.fail("parsed again"))
    assert code_digest(modules, package) == first


def test_a_module_that_changes_no_result_can_be_left_out(tree):
    script, package = [tree / "script.py"], tree / "pkg"
    before = code_digest(script, package, ["pkg/b.py"])
    edit(tree, "b.py", "2 * x", "3 * x")
    assert code_digest(script, package, ["pkg/b.py"]) == before
    edit(tree, "a.py", "+ 1", "+ 2")
    assert code_digest(script, package, ["pkg/b.py"]) != before
