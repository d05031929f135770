"""A page of headings, paragraphs, tables and figures, written as Markdown and as one HTML file."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from porevox.learning.runs import write_atomically
from porevox.pages.html import element, image, page, table


class Document:
    """What stands on a page, in order. Texts are plain: nothing in them is markup.

    Parameters
    ----------
    title : str
        Heading of the page.
    """

    def __init__(self, title: str):
        self.title = title
        self._markdown: list[str] = []
        self._html: list[str] = []
        self._figures: list[tuple[int, Path, str]] = []

    def heading(self, text: str) -> None:
        """Add a heading.

        Parameters
        ----------
        text : str
        """
        self._markdown.append(f"## {_plain(text)}")
        self._html.append(element("h2", text))

    def paragraph(self, text: str) -> None:
        """Add a paragraph.

        Parameters
        ----------
        text : str
        """
        self._markdown.append(_plain(text))
        self._html.append(element("p", text))

    def warning(self, text: str) -> None:
        """Add a paragraph that stands out.

        Parameters
        ----------
        text : str
        """
        self._markdown.append(f"> **Mind:** {_plain(text)}")
        self._html.append(element("div", element("p", text), class_="verdict"))

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table of texts.

        Parameters
        ----------
        head : sequence of str
            Names of the columns.
        rows : sequence of sequences of str
        """
        lines = [head, *rows]
        cells = ["| " + " | ".join(map(_plain, line)) + " |" for line in lines]
        cells.insert(1, "|" + " --- |" * len(head))
        self._markdown.append("\n".join(cells))
        self._html.append(table(head, rows))

    def figure(self, png: str | Path, caption: str) -> None:
        """Add a figure by the path of its PNG.

        Parameters
        ----------
        png : path
        caption : str
        """
        self._figures.append((len(self._markdown), Path(png), caption))
        self._markdown.append("")
        said = element("figcaption", caption, class_="note")
        self._html.append(element("figure", image(png, caption), said))

    def write(self, markdown: str | Path, html_file: str | Path) -> None:
        """Write the page twice.

        Parameters
        ----------
        markdown : path
            Figures are links, relative to this file.
        html_file : path
            Figures are part of the file, which needs nothing beside it.
        """
        blocks = list(self._markdown)
        for place, png, caption in self._figures:
            link = Path(os.path.relpath(png, Path(markdown).parent)).as_posix()
            blocks[place] = f"![{_plain(caption)}]({link})\n\n{_plain(caption)}"
        write_atomically(markdown, "\n\n".join([f"# {_plain(self.title)}", *blocks]) + "\n")
        write_atomically(html_file, page(self.title, *self._html))


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: what it would read as markup is escaped."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", str(text)).replace("\n", " ")
