"""Keep what decoders written in C print of damaged files off a person's terminal.

libjpeg, libtiff and OpenJPEG write their complaints straight to standard error, past Python. What
matters in them is said by DAug's own sentence, and a command promises to print nothing beside it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

STANDARD_ERROR = 2  # the file descriptor, which is the whole process's


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Drop what is written to standard error, for commands alone.

    Not for a server: other threads' words would be lost as well.
    """
    try:
        kept = os.dup(STANDARD_ERROR)
    except OSError:  # closed already; there is nobody to disturb
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, STANDARD_ERROR)
        os.close(nowhere)
        os.close(kept)
