"""Write the reference pages that follow from the code: `make docs`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import benchmark_page
import capacity_page
import click
import profiles_table
import requirements

from altwright import bootstrap, config, errors
from altwright.cli.main import altwright
from altwright.config import Settings
from altwright.domain.retry_policy import Backoff, retries_words
from altwright.domain.task import MOVES
from altwright.tasks.cluster import live_settings
from altwright.tasks.error_policies import policies
from altwright.web.app import create_app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: Whoever looks at an alert reads its section there; the links are those of its copy in docs.
RUNBOOK = ROOT / "src/altwright/tasks/alerting/runbook.md"


def pages() -> dict[str, str]:
    """Return each page's name and text."""
    return {
        "reference/settings.md": "\n".join(_settings()),
        "reference/commands.md": "\n".join(_commands()),
        "reference/errors.md": "\n".join(_errors()),
        "reference/states.md": "\n".join(_states()),
        "reference/rest-api.md": "\n".join(_rest_api()),
        "how-to/alerts.md": RUNBOOK.read_text(),
        "requirements.md": "\n".join(requirements.page(benchmark_page.promises())),
        **benchmark_page.pages(),
        **capacity_page.pages(),
    }


def _settings() -> Iterator[str]:
    yield "# Settings"
    yield ""
    yield "Environment variables, or lines of `.env` in the folder that Altwright starts in. All"
    yield "are checked at the start; `altwright check` says what is configured and what answers."
    yield "Those with an asterisk can be changed while all runs: Admin → Settings, or"
    yield "`altwright settings set NAME=VALUE`; that value then counts instead of this one."
    yield ""
    yield "| variable | default | what it is |"
    yield "|---|---|---|"
    for name, field in Settings.model_fields.items():
        variable = (field.alias or name).upper()
        changes = " *" if name in live_settings.NAMES else ""
        default: Any = field.default
        shown = "" if default in ("", frozenset(), None) else f"`{default}`"
        yield f"| `{variable}`{changes} | {shown} | {_cell(field.description or '')} |"
    yield ""
    yield from profiles_table.section()


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield ""
    yield from _command(altwright, "altwright")


def _command(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[str]:
    # As the program makes it: names of options that ask for help go down from the parent.
    settings: dict[str, Any] = {**command.context_settings, "max_content_width": 100}
    context = click.Context(command, parent, name, terminal_width=100, **settings)
    yield f"## {context.command_path}"
    yield ""
    yield "```"
    yield from (line.rstrip() for line in command.get_help(context).splitlines())
    yield "```"
    yield ""
    if isinstance(command, click.Group):
        for name_below in sorted(command.list_commands(context)):
            if below := command.get_command(context, name_below):
                yield from _command(below, name_below, context)


def _errors() -> Iterator[str]:
    yield "# Errors"
    yield ""
    yield "Branches say who has to do something. The REST API answers with the status, as"
    yield "`application/problem+json`; a task keeps the category."
    yield ""
    yield "| error | status | meaning |"
    yield "|---|---|---|"
    yield from _error(errors.AltwrightError, 0)
    yield ""
    yield "A task that fails keeps the category of what made it, which decides what happens. With"
    yield "counts of the last hour and day: the page Errors, `altwright task errors`,"
    yield "`GET /api/v1/admin/errors`. Retries are those of the defaults."
    yield ""
    yield "| category | what it means | tried again | who can mend it |"
    yield "|---|---|---|---|"
    for row in policies(Backoff(), Settings.model_fields["rq_max_retries"].default):
        yield f"| `{row.category}` | {row.means} | {retries_words(row.retries_s)} | {row.who} |"
    yield ""


def _error(kind: type[errors.AltwrightError], depth: int) -> Iterator[str]:
    meaning = (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
    yield f"| {'&nbsp;&nbsp;' * depth}`{kind.__name__}` | {kind.status} | {_cell(meaning)} |"
    for child in kind.__subclasses__():
        yield from _error(child, depth + 1)


def _states() -> Iterator[str]:
    yield "# States of a task"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield "    [*] --> queued"
    for status, following in MOVES.items():
        for target in sorted(following):
            yield f"    {status.value} --> {target.value}"
    yield "```"
    yield ""


def _rest_api() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        services = bootstrap.build(config.load(DATA_DIR=folder))
        document = create_app(services).test_client().get("/api/v1/openapi.json").get_json()
        services.close()
    yield "# REST API"
    yield ""
    yield "Under `/api/v1`; `/api/v1/openapi.json` describes it for machines. Programs send"
    yield "`Authorization: Bearer TOKEN` (`altwright user token NAME`); pages send their session"
    yield "cookie and, to change something, `X-CSRFToken`. Errors are `application/problem+json`."
    yield ""
    yield "A POST that makes a task takes an `Idempotency-Key` (128 characters at most): with"
    yield "the same key again it returns the first task, so a lost answer costs nothing."
    yield ""
    yield "A draft keeps the texts that it has had (`texts`): the describers', a person's (saves"
    yield "within five minutes are one, until somebody decides about it), what was published, and"
    yield "what was found on the server. The last 50 are kept, and beyond them the newest of each"
    yield "kind. `restore` brings one back; the text that it replaces stays in the list. A"
    yield "published picture that is described again stays in `was_published=true` meanwhile."
    yield ""
    yield "| request | what it does | answers |"
    yield "|---|---|---|"
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answers = ", ".join(sorted(operation["responses"]))
            summary = _cell(operation.get("summary", ""))
            yield f"| `{method.upper()} {path}` | {summary} | {answers} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("``", "`")


def main() -> None:
    """Write the pages; with --check only say which differ, exit code 1 if any."""
    os.environ["NO_COLOR"] = "1"
    late = [
        name
        for name, text in pages().items()
        if not (DOCS / name).exists() or (DOCS / name).read_text() != text
    ]
    if "--check" in sys.argv:
        sys.exit(f"run `make docs`: {', '.join(late)}" if late else 0)
    for name in late:
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(pages()[name])


if __name__ == "__main__":
    main()
