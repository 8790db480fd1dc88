"""The real page over phantoms, for a browser; run as `python -m tests.ui.serve_phantoms`.

A process of its own, since Gradio's server leaves sockets open, which fails a strict test run.
It prints where it is, then a line for each drawing that was given up.
"""

import sys

import typer

from tests.ui import phantoms
from ui.server import listen, run


def main(seconds_per_step: float) -> None:
    """Serve on a free port until the process is ended."""
    workstation = phantoms.workstation(seconds_per_step, lambda: typer.echo("closed"))
    run(listen("127.0.0.1", 0), workstation, as_json=True)


if __name__ == "__main__":
    main(float(sys.argv[1]))
