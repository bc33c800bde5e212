"""Tables in Markdown, and the place in a document that they are written to.

What stands around that place was written by people, and stays.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from spectro.errors import TonfilmError

BEGIN: Final = "<!-- figures: a command writes what stands from here -->"
END: Final = "<!-- to here -->"


def tabulate(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table, a line a row."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def read_document(path: Path) -> str:
    """Read a document that has a place for figures; one that does not stand yet is that place.

    Raises
    ------
    TonfilmError
        There is a document, and no such place in it.
    """
    if not path.exists():
        return f"{BEGIN}\n{END}\n"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TonfilmError(f"{path} cannot be read: name a document in Markdown.") from error
    if not (text.count(BEGIN) == text.count(END) == 1 and text.index(BEGIN) < text.index(END)):
        raise TonfilmError(f"{path.name} has no place for figures: write {BEGIN} {END} into it.")
    return text


def fill(text: str, figures: str) -> str:
    """Put figures in the place of those that stand in a document's text."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}"
