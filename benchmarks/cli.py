"""The commands of `daug bench`."""

import typer


def add_commands(app: typer.Typer) -> None:
    """Hang the commands onto the program."""
    from benchmarks.augment import bench_augment
    from benchmarks.labels import bench_label
    from benchmarks.library_import import bench_import
    from benchmarks.manifest import bench_manifest
    from benchmarks.panel import bench_panel
    from benchmarks.phantom import bench_phantom
    from benchmarks.search import bench_search

    bench = typer.Typer(help="Speed against the plain way of the paper.", no_args_is_help=True)
    bench.command("panel")(bench_panel)
    bench.command("search")(bench_search)
    bench.command("import")(bench_import)
    bench.command("augment")(bench_augment)
    bench.command("phantom")(bench_phantom)
    bench.command("label")(bench_label)
    bench.command("manifest")(bench_manifest)
    app.add_typer(bench, name="bench")
