"""Every page for operators: each of its commands exists, and is run by some test."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.e2e import test_recovery, test_troubleshooting
from tests.support_leaves import TOKEN, mastodon_server
from tests.support_pages import ROOT, command_of, commands_in, is_ours, parsed
from tests.support_service import Service, running
from tests.support_vedfolnir import OLD_KEY, Vedfolnir

GUIDE, CONNECT = "docs/how-to/take-over.md", "docs/how-to/connect-an-account.md"
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (
        *(ROOT / "docs/how-to").glob("*.md"),
        *(ROOT / "docs/tutorial").glob("*.md"),
        *(ROOT / name for name in ("README.md", "UPGRADING.md")),
    )
)
#: Pages whose blocks are run as they stand, each by a test of its own.
RUN = {*test_recovery.PAGES, test_troubleshooting.PAGE, GUIDE}
#: Other commands that are run, and by which test.
RUN_BY = {
    ".venv/bin/altwright user create NAME --admin": "tests/e2e/test_fresh_install.py",
    ".venv/bin/altwright serve": "tests/e2e/test_fresh_install.py",
    ".venv/bin/altwright account add --user NAME --url https://your.server": (
        "tests/e2e/test_fresh_install.py"
    ),
    ".venv/bin/altwright account add --user NAME --platform mastodon --url https://your.server": (
        "tests/e2e/test_pages.py"
    ),
    "make run": "tests/e2e/test_first_run.py",
    "rq worker urgent high normal low": "tests/faults/test_rq_command.py",
    "altwright model get qwen3-vl-2b --use": "tests/contract/test_local_models.py",
    **dict.fromkeys(
        (
            "altwright eval my-pictures",
            "altwright eval my-pictures --describer offline --describer ollama --page page.html",
            "altwright eval my-pictures --json > before.json",
            "altwright eval my-pictures --compare before.json",
        ),
        "tests/contract/test_evaluation.py",
    ),
}
#: What no test runs, by how it begins, and why.
NOT_RUN = {
    "make setup": "is what the tests' own environment was made by",
    "make test": "would run itself",
    "curl https://your.server/": "asks a server of the Fediverse for what is its own to give",
    "docker compose ": "no Docker is where tests run; test_deploy_files.py reads the file",
    "kubectl ": "no cluster is where tests run; test_kubernetes.py reads the manifests",
}


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_is_run_or_said_not_to_be(page: str) -> None:
    """By a test that is there; what runs in a container, or as an aside, at least exists."""
    for line in commands_in(page):
        if is_ours(line):
            parsed(line)
        elif inside := re.search(r" (?:--|workers|web) (altwright .*)$", line):
            parsed(inside[1])
        for name in re.findall(r"(?<=-[fk] )deploy/\S+", line):
            assert (ROOT / name).exists(), line
        if page in RUN or any(map(line.startswith, NOT_RUN)):
            continue
        assert (ROOT / RUN_BY[line]).exists(), line
    text = (ROOT / page).read_text().replace("\n", " ")
    for named in re.findall(r"`altwright ([a-z][^`]*)`", text):
        parsed(f"altwright {named.replace('…', '')}")


def _typed(service: Service, line: str) -> str:
    done = service.command(*shlex.split(line)[1:])
    assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def test_the_guide_takes_over_and_goes_back(tmp_path: Path) -> None:
    """Each of its commands, in its order, on a Vedfolnir with people, texts and tasks."""
    old = Vedfolnir(sa.create_engine(f"sqlite:///{tmp_path}/old.db")).make()
    anna = old.user("anna", role="ADMIN")
    account = old.connection(anna, "anna")
    task = old.task(anna, account)
    old.image(account, 1, generated_caption="A cat.")
    (tmp_path / "images").mkdir()
    values = {"VEDFOLNIR_DATABASE_URL": old.url, "VEDFOLNIR_ENCRYPTION_KEY": OLD_KEY}
    service = Service(tmp_path, {**values, "WORKER_MODE": "hybrid"})
    lines = [
        line.replace("/srv/vedfolnir/storage/images", str(tmp_path / "images"))
        for line in commands_in(GUIDE)
    ]
    at = next(at for at, line in enumerate(lines) if command_of(line) == "serve")
    back = next(at for at, line in enumerate(lines) if command_of(line).startswith("export "))
    for line in lines[:at]:
        _typed(service, line)
    assert task in {one["id"] for one in service.json("task", "list")}
    with running(service, "serve"):
        for line in lines[at + 1 : back]:
            _typed(service, line)
        # Its server doesn't exist, so that it has failed by now, or waits for that.
        service.command("task", "cancel", task)
    for line in lines[back:]:
        _typed(service, line)
    (row,) = old.rows("caption_generation_tasks")
    assert row["status"] in {"FAILED", "CANCELLED"}
    old.engine.dispose()


def test_the_way_to_an_account(tmp_path: Path) -> None:
    """The page's command, with the address and the token of a server that is there."""
    (line,) = [line for line in commands_in(CONNECT) if is_ours(line)]
    folder = tmp_path / "service"
    folder.mkdir()
    with mastodon_server(tmp_path) as server:
        host = server.url.partition("://")[2]
        service = Service(folder, {"ALLOWED_PRIVATE_HOSTS": host, "ALTWRIGHT_ACCOUNT_TOKEN": TOKEN})
        assert service.command("user", "create", "anna", typed="correct horse\n").returncode == 0
        typed = line.replace("NAME", "anna").replace("https://your.server", server.url)
        assert "ada@" in _typed(service, typed)
