"""The script of the interactive parity plot: what it must never do."""

import re

from porevox.pages.parity_script import SCRIPT, STYLE


def test_the_script_only_ever_sets_text():
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
        assert way not in SCRIPT
    assert "textContent" in SCRIPT and "</script" not in SCRIPT


def test_the_script_asks_no_one():
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|WebSocket|localStorage|https?://", SCRIPT)
    assert "url(" not in STYLE and STYLE.count("{") == STYLE.count("}")
