"""The commands `daug library ...`, by name.

Whatever takes long to import is imported once a command runs, so that `daug --help` stays quick.
"""

import typer

from db import cli_cases, cli_search, cli_upkeep


def add_commands(app: typer.Typer) -> None:
    """Hang the commands onto the program."""
    library = typer.Typer(help="The case library.", no_args_is_help=True)
    library.command("init")(cli_upkeep.init)
    library.command("import")(cli_cases.import_)
    library.command("add")(cli_cases.add)
    library.command("edit")(cli_cases.edit)
    library.command("remove")(cli_cases.remove)
    library.command("erase-patient")(cli_upkeep.erase)
    library.command("list")(cli_cases.list_)
    library.command("show")(cli_cases.show)
    library.command("search")(cli_search.search)
    library.command("searches")(cli_search.searches)
    library.command("log")(cli_search.log)
    library.command("reindex")(cli_search.reindex)
    library.command("tag")(cli_cases.tag)
    library.command("collect")(cli_cases.collect)
    library.command("stats")(cli_upkeep.stats)
    library.command("verify")(cli_upkeep.verify)
    library.command("backup")(cli_upkeep.backup)
    library.command("restore")(cli_upkeep.restore)
    library.command("export")(cli_cases.export)
    app.add_typer(library, name="library")
