"""What `daug library` does with the library as a whole."""

from pathlib import Path
from typing import Annotated

import typer

from daug.errors import LibraryError
from db.cli_options import HERE, JsonOption, LibraryOption, tell


def init(library: LibraryOption = HERE, as_json: JsonOption = False) -> None:
    """Make a library, or make sure that there is one."""
    from db.library import init_library

    opened = init_library(library)
    cases = opened.count()
    opened.close()
    tell({"library": str(library), "cases": cases}, as_json, f"{library} holds {cases} cases.")


def erase(
    patient: Annotated[str, typer.Argument(help="The pseudonym; `show CASE` tells it.")],
    library: LibraryOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Erase everything about a patient, and search every file to make sure."""
    from db.library import open_library

    with open_library(library) as opened:
        erased = opened.erase_patient(patient)
    document = {
        "cases": erased.cases,
        "files": erased.files,
        "verified": True,
        "searched_files": erased.searched_files,
        "searched_for": erased.searched_for,
    }
    tell(
        document,
        as_json,
        f"{len(erased.cases)} cases and {erased.files} files were erased; nothing of the patient "
        f"was found in the {erased.searched_files} files left. Backups and exports outside the "
        "library's folder are not reached: delete those yourself.",
    )


def stats(library: LibraryOption = HERE, as_json: JsonOption = False) -> None:
    """Count cases, patients, findings, sources and views."""
    from db.counting import count_everything
    from db.library import open_library

    with open_library(library) as opened:
        document = count_everything(opened.engine)
    lines = [f"{document['cases']} cases of {document['patients']} known patients"]
    lines += [f"  {name}: {number}" for name, number in document["sources"].items()]
    lines += [
        f"  {name}: {counts['present']} present, {counts['absent']} absent, "
        f"{counts['uncertain']} uncertain, {counts['not mentioned']} not mentioned"
        for name, counts in document["findings"].items()
    ]
    tell(document, as_json, "\n".join(lines))


def verify(
    library: LibraryOption = HERE,
    deep: Annotated[bool, typer.Option("--deep", help="Decode every original too.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check tables and files; exit with 1 if something is wrong."""
    from db.library import open_library

    with open_library(library) as opened:
        verdict = opened.verify(deep=deep, repair=repair)
    document = {
        "consistent": verdict.consistent,
        "cases": verdict.cases,
        "problems": verdict.problems,
        "repaired": verdict.repaired,
    }
    lines = [f"{verdict.cases} cases", *verdict.repaired, *verdict.problems]
    tell(document, as_json, "\n".join(lines))
    if not verdict.consistent:
        raise LibraryError(f"The library has {len(verdict.problems)} problems.")


def backup(
    output: Annotated[Path, typer.Argument(help="The file to write, for instance library.tar.")],
    library: LibraryOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Write the whole library, its key with it, into one file. Keep it as safe as the library."""
    from db.library import open_library

    with open_library(library) as opened:
        copied = opened.back_up(output)
    document = {"backup": str(output), "cases": copied.cases, "files": copied.files}
    document["bytes"] = copied.bytes
    tell(
        document,
        as_json,
        f"{copied.cases} cases were copied to {output}. The file holds the identity key: keep it "
        "as safe as the library.",
    )


def restore(
    backup: Annotated[Path, typer.Argument(help="The backup.", exists=True, dir_okay=False)],
    library: LibraryOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Put a library back from its backup, into a new folder."""
    from db.backup import restore as put_back
    from db.library import open_library

    copied = put_back(backup, library)
    with open_library(library) as opened:  # brings an older one to this program's tables
        cases = opened.count()
    tell(
        {"library": str(library), "cases": cases, "files": copied.files},
        as_json,
        f"{cases} cases were restored to {library}.",
    )
