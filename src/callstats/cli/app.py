"""``callstats app``: which applications may report?"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Protocol

import typer

from callstats import access, store
from callstats.cli import figures, options, tables, terminal
from callstats.cli.announcement import Server
from callstats.cli.api import AppGiven, AppShown
from callstats.cli.target import locate

commands = typer.Typer(
    help="Make, list and rotate the applications that may report.", no_args_is_help=True
)


@commands.command()
def create(
    name: Annotated[str, typer.Argument(help="What people call it; need not be unique.")],
    *,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Make an application and print its id and secret."""
    with _opened(data, url, token) as apps:
        _show_secret(apps.create_app(name), json=json)


@commands.command(name="list")
def list_(
    *,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """List the applications, without their secrets."""
    with _opened(data, url, token) as apps:
        known = apps.apps()
    if json:
        terminal.print_json({"apps": known})
    else:
        rows = [(each.app_id, each.name, figures.moment(each.created_at)) for each in known]
        terminal.show(tables.of_rows(["app id", "name", "made (UTC)"], rows))


@commands.command()
def rotate(
    app_id: Annotated[int, typer.Argument(help="The application's id.")],
    *,
    data: options.Data = None,
    url: options.Url = None,
    token: options.Token = None,
    json: options.Json = False,
) -> None:
    """Give an application a new secret; the one before stays valid until the next rotation."""
    with _opened(data, url, token) as apps:
        _show_secret(apps.rotate_app(app_id), json=json)


class Apps(Protocol):
    """The apps, wherever they are kept."""

    def apps(self) -> Sequence[AppShown]:
        """Return every app."""

    def create_app(self, name: str) -> AppGiven:
        """Make an app."""

    def rotate_app(self, app_id: int) -> AppGiven:
        """Give an app a new secret."""


class _InFolder:
    """The apps of a folder that no server runs on."""

    def __init__(self, opened: store.Store) -> None:
        self._apps = access.Apps(opened)

    def apps(self) -> Sequence[AppShown]:
        return [
            AppShown(
                app_id=each.app_id,
                name=each.name,
                origins=each.origins,
                created_at=each.created_at,
            )
            for each in self._apps.list()
        ]

    def create_app(self, name: str) -> AppGiven:
        return _given(self._apps.create(name))

    def rotate_app(self, app_id: int) -> AppGiven:
        return _given(self._apps.rotate(app_id))


@contextmanager
def _opened(data: Path | None, url: str | None, token: str | None) -> Iterator[Apps]:
    """Reach the apps through the running server, else in the folder, which is made if need be."""
    where = locate(data, url, token)
    if isinstance(where, Server):
        yield where.api
        return
    with store.open(where) as opened:
        yield _InFolder(opened)


def _given(app: access.App) -> AppGiven:
    return AppGiven(
        app_id=app.app_id, app_secret=app.secret, name=app.name, created_at=app.created_at
    )


def _show_secret(app: AppGiven, *, json: bool) -> None:
    if json:
        terminal.print_json(app)
        return
    typer.echo(f"app_id      {app.app_id}")
    typer.echo(f"app_secret  {app.app_secret}")
