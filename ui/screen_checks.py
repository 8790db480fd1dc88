"""Can the screen be shown: its fonts, its files and its port?"""

from functools import partial
from pathlib import Path

from daug.checkup import Look
from daug.errors import DaugError

CHECKOUT = "Take DAug's checkout again, whole"


def screen_checks() -> list[tuple[str, Look]]:
    """Return the checks of what the screen needs."""
    from ui.cli import LOOPBACK, PORT

    return [
        ("fonts", fonts),
        ("screen files", screen_files),
        ("port", partial(port, LOOPBACK, PORT)),
    ]


def fonts() -> str:
    """Load the fonts that are written into pictures."""
    from ui.typesetting import FONTS, font

    for bold in (False, True):
        try:
            face = font.__wrapped__(12, bold=bold)  # not one that was loaded before
        except OSError as error:
            raise DaugError(f"A font in {FONTS} cannot be loaded ({error}). {CHECKOUT}.") from error
        found = Path(str(face.path))
        if found.parent != FONTS:  # Pillow looks for the name elsewhere and says nothing
            raise DaugError(f"{FONTS / found.name} is not there. {CHECKOUT}.")
    return f"both fonts in {FONTS} load"


def screen_files() -> str:
    """Read the scripts and styles that the page names."""
    from ui.page import ASSETS

    for name in named_files():
        path = ASSETS / name
        try:
            empty = not path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DaugError(f"{path} cannot be read ({error}). {CHECKOUT}.") from error
        if empty:
            raise DaugError(f"{path} is empty. {CHECKOUT}.")
    return f"{len(named_files())} files in {ASSETS} can be read"


def named_files() -> tuple[str, ...]:
    """Return the names of the scripts and styles that are served."""
    return ("dark.js", "page.css", "compare.css", "library.css")


def port(host: str, number: int) -> str:
    """Listen on the app's port for a moment."""
    from ui.server import listen

    listen(host, number).close()
    return f"port {number} of {host} is free"
