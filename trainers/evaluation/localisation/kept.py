"""Small results that took long, kept as JSON: made once, read ever after."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4


def kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return what a file holds; if it is not there, make it and write it, whole or not at all."""
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    values = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{uuid4().hex}.partial")
    try:
        partial.write_text(json.dumps(values), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return values
