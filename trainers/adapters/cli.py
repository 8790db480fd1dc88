"""The commands `daug data nih`, `daug data chexpert` and so on: a collection to a manifest."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trainers.adapters.catalogue import ADAPTERS
from trainers.adapters.record import Adapter
from trainers.cli_options import JsonOption, tell

RootArgument = Annotated[
    Path, typer.Argument(metavar="ROOT", exists=True, file_okay=False, help="Its folder.")
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        dir_okay=False,
        help="The manifest. Outside ROOT and the folders above it, a link to ROOT is put beside "
        "it, since paths in a manifest are relative.",
    ),
]
KeepMissingOption = Annotated[
    bool, typer.Option("--keep-missing", help="Also list images that are not there.")
]


def add_adapters(data: typer.Typer) -> None:
    """Hang one command for each collection onto `daug data`."""
    for adapter in ADAPTERS:
        data.command(adapter.name, help=_help(adapter))(_command(adapter))
    data.command("folder")(data_folder)


def data_folder(
    root: RootArgument,
    output: OutputOption,
    labels: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV table with a column image, and findings as columns (1, 0, -1, blank) or one "
            "column labels; names of folders if none.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the data set; the folder's if none.")] = "",
    licence: Annotated[str, typer.Option("--license", help="Of the images.")] = "",
    citation: Annotated[str, typer.Option(help="Whom to name for them.")] = "",
    keep_missing: KeepMissingOption = False,
    as_json: JsonOption = False,
) -> None:
    """List a plain folder: labels from its folders' names or a table.

    Splits: folders called train, val and test, or the table's column split; otherwise by a hash of
    the patient (80/10/10 %), or of the image where no patient is named.
    """
    from trainers.adapters.folder import folder_adapter

    adapter = folder_adapter(name or root.resolve().name, labels, licence, citation)
    write_and_tell(adapter, root, output, keep_missing, as_json)


def _command(adapter: Adapter) -> Any:
    def command(
        root: RootArgument,
        output: OutputOption,
        keep_missing: KeepMissingOption = False,
        as_json: JsonOption = False,
    ) -> None:
        write_and_tell(adapter, root, output, keep_missing, as_json)

    return command


def _help(adapter: Adapter) -> str:
    return (
        f"List {adapter.title}.\n\n{adapter.layout}\n\nSplits: {adapter.splits}.\n\n"
        f"Licence: {adapter.licence}. {adapter.terms}"
    )


def write_and_tell(
    adapter: Adapter, root: Path, output: Path, keep_missing: bool, as_json: bool
) -> None:
    """Write a manifest and say what is in it."""
    from trainers.adapters.writing import write_manifest

    document = write_manifest(adapter, root, output, keep_missing)
    tell(document, as_json, _sentence(document))


def _sentence(document: dict[str, Any]) -> str:
    """Return what a person wants to know at once."""
    lines = [
        f"{document['output']}: {document['rows']} radiographs, "
        + ", ".join(f"{split} {n}" for split, n in document["splits"].items())
        + f". Licence: {document['licence']}. {document['terms']}"
    ]
    lines += [f"Left out {n}: {reason}." for reason, n in document["skipped"].items()]
    lines += [f"Boxes left out {n}: {why}." for why, n in document["boxes_left_out"].items()]
    lines += [f"Unknown label {word!r}: {n}." for word, n in document["unknown_words"].items()]
    if document["linked_by"]:
        lines.append(
            f"Images are reached through the link {document['linked_by']}; leave it there."
        )
    return "\n".join(lines)
