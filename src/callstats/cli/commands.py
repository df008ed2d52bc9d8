"""Which commands are there? Each is a function in a module of its own name."""

import typer

import callstats
from callstats.cli import app, calls, demo, doctor, query, serve, show

application = typer.Typer(
    help="See every call, and why it was bad: self-hosted call-quality monitoring for WebRTC.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callstats {callstats.__version__}")
        raise typer.Exit


@application.callback()
def _options(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and leave."
    ),
) -> None:
    """Take the options that belong to no command."""
    del version


application.command()(serve.serve)
application.command()(demo.demo)
application.add_typer(app.commands, name="app")
application.command()(calls.calls)
application.command()(show.show)
application.command()(query.query)
application.command()(doctor.doctor)
