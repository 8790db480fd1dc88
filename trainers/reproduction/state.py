"""What is done of a reproduction: one small JSON file for each stage, and one for the whole.

    OUT/plan.json           what the folder was begun for
    OUT/state/<stage>.json  what a stage is made of and, once it has ended, what it left behind

A stage counts as done if its settings, the outputs of the stages that it reads, and its own
outputs are what they were when it ended.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daug.errors import TrainingError
from trainers.reproduction.stage import Stage, fingerprint
from trainers.runs import RUN_FILE

logger = logging.getLogger(__name__)

PLAN_FILE = "plan.json"
STATE_FOLDER = "state"
OUTDATED_FOLDER = "outdated"
NOT_YET = "not made yet"


class State:
    """What is done in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def check_plan(self, settings: Mapping[str, Any]) -> None:
        """Refuse a folder that was begun for something else, or that holds other things.

        As long as no stage is done, nothing in it was made of anything, so that an order which was
        refused on the way can be put right. Without a plan the stages' own records decide.

        Raises:
            TrainingError: If that is so.
        """
        if self.folder.exists() and not self.folder.is_dir():
            raise TrainingError(f"{self.folder} is a file. Name a folder.")
        path, begun_here = self.folder / PLAN_FILE, self._something_is_done()
        if not path.exists():
            others = sorted(p.name for p in self.folder.glob("*") if p.name not in OUR_OWN)
            if others and not begun_here:
                raise TrainingError(
                    f"{self.folder} holds other things ({', '.join(others[:3])}). Name a new one."
                )
            return
        begun = read_json(path)
        differing = [name for name in settings if begun.get(name) != settings[name]]
        if differing and begun_here:
            changes = "; ".join(
                f"{name.replace('_', ' ')} {_said(begun.get(name))}, now {_said(settings[name])}"
                for name in differing
            )
            raise TrainingError(
                f"{self.folder} was begun with other settings: {changes}. Name another folder, or "
                "ask for the same as before."
            )

    def keep_plan(self, settings: Mapping[str, Any]) -> None:
        """Write down what the folder is for."""
        write_json(self.folder / PLAN_FILE, settings)

    def why_not_done(self, stage: Stage) -> str | None:
        """Return why a stage has to be made, in a few words; None if it is done."""
        record = self.record_of(stage.name)
        if record is None:
            return NOT_YET
        if record["settings"] != _as_json(stage.settings):
            return "its settings are others now"
        for name, digest in self._made_of(stage).items():
            if record["made_of"].get(name) != digest:
                return f"{name} was made anew"
        if record["output"] != fingerprint(stage):
            return "its files are missing or not what they were"
        return None

    def make_room(self, stage: Stage) -> None:
        """Prepare the place of a stage that has to be made.

        What was made of other things is put aside, so that nothing is lost; what was interrupted
        goes on, if it can, else it is made from the beginning.
        """
        earlier, now = self._begun(stage.name), self._made_with(stage)
        if earlier is not None and any(earlier[key] != value for key, value in now.items()):
            self._put_aside(stage)
        elif self.record_of(stage.name):  # its files are damaged; checkpoints know what they were
            for run in (path for folder in stage.work for path in folder.rglob(RUN_FILE)):
                run.unlink()
        if not stage.work:
            for path in stage.outputs:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        write_json(self._file(stage.name), now)

    def keep(self, stage: Stage, found: Mapping[str, Any], seconds: float) -> None:
        """Write down that a stage is done.

        Raises:
            TrainingError: If it left nothing behind.
        """
        output = fingerprint(stage)
        if not output:
            names = ", ".join(str(path) for path in stage.outputs)
            raise TrainingError(f"{stage.name}: ended without writing {names}. Run it again.")
        record = {
            **self._made_with(stage),
            "output": output,
            "seconds": round(seconds, 1),
            "found": _as_json(found),
        }
        write_json(self._file(stage.name), record)

    def record_of(self, name: str) -> dict[str, Any] | None:
        """Return what was written down of a stage; None if it never ended."""
        record = self._begun(name)
        return record if record is not None and "output" in record else None

    def _begun(self, name: str) -> dict[str, Any] | None:
        """Return the same of a stage that may not have ended; None if it was never begun."""
        path = self._file(name)
        return read_json(path) if path.exists() else None

    def _something_is_done(self) -> bool:
        names = (path.stem for path in (self.folder / STATE_FOLDER).glob("*.json"))
        return any(self.record_of(name) for name in names)

    def _made_with(self, stage: Stage) -> dict[str, Any]:
        """Return what decides whether a stage that was begun can be gone on with."""
        return {
            "stage": stage.name,
            "settings": _as_json(stage.settings),
            "made_of": self._made_of(stage),
        }

    def _made_of(self, stage: Stage) -> dict[str, str]:
        records = {name: self.record_of(name) for name in stage.needs}
        return {name: record["output"] if record else "" for name, record in records.items()}

    def _put_aside(self, stage: Stage) -> None:
        number = 1
        while (aside := self.folder / OUTDATED_FOLDER / f"{stage.name}-{number}").exists():
            number += 1
        for path in dict.fromkeys((*stage.work, *stage.outputs)):
            if path.exists():
                aside.mkdir(parents=True, exist_ok=True)
                path.rename(aside / path.name)
        if aside.exists():
            logger.warning("%s: what was there is in %s now", stage.name, aside)

    def _file(self, name: str) -> Path:
        return self.folder / STATE_FOLDER / f"{name}.json"


OUR_OWN = (PLAN_FILE, f"{PLAN_FILE}.partial", STATE_FOLDER, "all.lock", "log.txt")


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON document.

    Raises:
        TrainingError: If it cannot be read.
    """
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(
            f"{path} cannot be read ({error}). Remove it, and run this again."
        ) from error
    return values


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON document, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def _as_json(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('file')} {str(value.get('sha256'))[:12]}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
