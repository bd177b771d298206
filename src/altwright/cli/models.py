"""Commands on vision models that this host runs itself."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from altwright import bootstrap, folders
from altwright.builders.describers import model_host_of
from altwright.cli.common import OPERATOR, json_option, opened, show
from altwright.cli.current_settings import current
from altwright.config import Settings
from altwright.describers.local_models.administration import Room
from altwright.describers.local_models.catalogue import CATALOGUE, MB, Model, name_for, named
from altwright.describers.local_models.client import LocalModel
from altwright.describers.local_models.download import Download, Report
from altwright.describers.local_models.folder import Installed, ModelFolder, Trial, megabytes
from altwright.describers.local_models.hub import Hub
from altwright.describers.local_models.process.served import available_mb
from altwright.errors import ConfigError, InvalidInput, NotOnThisHost
from altwright.processes.preparation import configured

_COLUMNS = {
    "name": "name",
    "here": "here",
    "describes": "describes",
    "size": "size",
    "memory": "memory",
    "seconds": "s a picture",
    "languages": "languages",
    "licence": "licence",
    "words": "what it is",
}
#: Parts of a download after which a line says how far it is, where no terminal shows a bar.
_TENTH = 10


@click.group()
def model() -> None:
    """Run a vision model on this host: whole sentences about any picture, and no other server."""


@model.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """Show the models that can be had and those that are here, from small to large.

    Memory and seconds were measured on this machine where a model is here and was tried; else the
    memory is an estimate ("~"). Which one describes is the same on all hosts; where its files lie
    is each host's.
    """
    settings = current(configured("ERROR"))
    used = settings.model_name if LocalModel.name in settings.describers else ""
    models = ModelFolder(settings.vision_models_dir)
    installed = {one.model.name: one for one in models.installed()}
    known = {**CATALOGUE, **{name: one.model for name, one in installed.items()}}
    begun = models.begun()
    rows = [
        _row(one, installed.get(one.name), begun.get(one.name), is_used=one.name == used)
        for one in known.values()
    ]
    show(rows, as_json=as_json, columns=_COLUMNS)
    if not as_json:
        room = Room(available_mb(), models.free_bytes())
        memory = f"{room.memory} of memory and " if room.memory else ""
        click.echo(f"\nThis machine has {memory}{room.disk} of disk to spare.")
        if used and used not in installed:
            click.echo(
                f"{used} describes, but isn't on this host: its pictures wait for another "
                f"describer or another host. `altwright model get {used}` gets it."
            )


@model.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--use", "to_use", is_flag=True, help="And describe with it from now on.")
def get(name: str, *, yes: bool, to_use: bool) -> None:
    """Get a model from the hub (MODEL_HUB_URL), check it, and try it out.

    NAME is one of `altwright model list`, or OWNER/REPOSITORY of the hub. What is fetched, from
    where and under which licence is shown first, with the checksums; then it is asked. A download
    that breaks off goes on where it stopped when the command is given again.
    """
    settings = _settings()
    models = ModelFolder(settings.vision_models_dir)
    hub = bootstrap.hub_of(settings)
    wanted = hub.look_up(name) if "/" in name else named(name)
    if models.same(wanted) is None:
        _tell(hub, wanted)
        if not yes:
            click.confirm("Get it?", abort=True)
        download = Download(hub, models, wanted, lambda: None)
        _shown(wanted, download.finish)
    click.echo(f"{wanted.title} is here, and is what was stated.")
    _try_out(settings, wanted.name)
    if to_use:
        _use(wanted.name)
    else:
        click.echo(f"`altwright model use {wanted.name}` lets it describe.")


@model.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--projector",
    type=click.Path(path_type=Path),
    help="The file that lets it see (mmproj…gguf); else the one beside FILE.",
)
@click.option("--name", default="", help="What to call it; else its file's name.")
def add(file: Path, projector: Path | None, name: str) -> None:
    """Add a model from files of this machine, for hosts that reach no hub.

    FILE is a language model in GGUF form. The catalogue's models are recognised by their content.
    """
    settings = _settings()
    beside = sorted(one for one in file.parent.glob("*mmproj*.gguf") if one != file)
    if projector is None and len(beside) != 1:
        raise InvalidInput(
            f"{len(beside) or 'no'} files mmproj*.gguf lie beside {file.name}; name the one that "
            "goes with it by --projector."
        )
    called = name_for(name or file.stem)
    models = ModelFolder(settings.vision_models_dir)
    installed = models.add(file, projector or beside[0], called, click.echo)
    click.echo(f"{installed.model.title} is here as {installed.model.name}.")
    _try_out(settings, installed.model.name)


@model.command()
@click.argument("name")
def use(name: str) -> None:
    """Let a model that is here describe, in every process within 2 seconds."""
    settings = _settings()
    if ModelFolder(settings.vision_models_dir).find(name) is None:
        raise ConfigError([f"{name}: isn't here; `altwright model get {name}` gets it"])
    _use(name)


@model.command("try")
@click.argument("name")
def try_model(name: str) -> None:
    """Measure what a model that is here takes on this machine: seconds a picture, memory."""
    _try_out(_settings(), name, is_asked=True)


@model.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Don't ask.")
def remove(name: str, *, yes: bool) -> None:
    """Remove a model from this host, complete or not."""
    _settings()
    with opened() as services:
        services.local_models.check_removable(name)
        if not yes:
            click.confirm(f"Remove {name}?", abort=True)
        freed = services.local_models.remove(name, by=OPERATOR)
    click.echo(f"{name} is removed: {megabytes(freed)}.")


def _settings() -> Settings:
    settings = configured("ERROR")
    folders.prepare(settings.data_dir, "DATA_DIR")
    return settings


def _row(
    model: Model, installed: Installed | None, begun: int | None, *, is_used: bool
) -> dict[str, Any]:
    here = "yes" if installed else f"{megabytes(begun)} of it" if begun else "no"
    trial = installed.trial if installed else None
    return {
        "name": model.name,
        "here": here,
        "describes": "yes" if is_used else "",
        "size": megabytes(model.size_bytes),
        "memory": megabytes(trial.memory_mb * MB) if trial else f"~{model.memory_mb / 1000:.1f} GB",
        "seconds": f"{trial.seconds:g}" if trial else "",
        "languages": model.languages,
        "licence": model.licence,
        "words": model.words,
    }


def _tell(hub: Hub, model: Model) -> None:
    """Say what would be fetched."""
    click.echo(f"{model.title}: {model.words}")
    click.echo(f"  from      {hub.shown}/{model.repository}, {model.revision[:12]}")
    click.echo(f"  licence   {model.licence}")
    click.echo(f"  languages {model.languages or 'not stated'}")
    click.echo(f"  size      {megabytes(model.size_bytes)}")
    click.echo(f"  memory    about {model.memory_mb / 1000:.1f} GB while it describes")
    for file in model.files:
        click.echo(f"  sha256    {file.sha256}  {file.name}")


def _shown(model: Model, run: Any) -> Installed:
    """Run a download, with a bar at a terminal and a line now and then elsewhere."""
    if not sys.stderr.isatty():
        return run(_lines(model))  # type: ignore[no-any-return]
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(model.name, total=model.size_bytes)
        return run(lambda have: progress.update(bar, completed=have))  # type: ignore[no-any-return]


def _lines(model: Model) -> Report:
    said = 0

    def report(have: int) -> None:
        nonlocal said
        part = _TENTH * have // model.size_bytes
        if part > said:
            said = part
            click.echo(f"{megabytes(have)} of {megabytes(model.size_bytes)}")

    return report


def _try_out(settings: Settings, name: str, *, is_asked: bool = False) -> None:
    """Say what a model takes here; that llama.cpp is missing is said, and is no failure."""
    with closing(LocalModel(model_host_of(settings), name, settings.model_timeout)) as local:
        click.echo("Trying it out …")
        try:
            trial: Trial = local.try_out()
        except NotOnThisHost as error:
            if is_asked:
                raise
            click.echo(f"It can't be tried: {error.operator_detail}")
            return
    click.echo(
        f"On this machine it takes {trial.seconds:g} s a picture and {trial.memory_mb:,} MB."
    )


def _use(name: str) -> None:
    with opened() as services:
        services.local_models.use(name, by=OPERATOR)
    click.echo(f"{name} describes from now on; `altwright settings reset DESCRIBER` takes it back.")
