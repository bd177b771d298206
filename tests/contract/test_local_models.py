"""Vision models of this host: had from a hub that may misbehave, run for real, removed."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pretend_hub import NAME, REPOSITORY, PretendHub, pretend_hub
from tests.support import wait_until
from tests.support_offline import SMALL, alive, picture
from tests.support_service import Service
from tests.tiny_model import SAYS, write_pair

from altwright.describers.local_models.client import LocalModel, ModelHost
from altwright.describers.local_models.download import Download
from altwright.describers.local_models.folder import ModelFolder
from altwright.describers.local_models.hub import Hub
from altwright.describers.port import Request
from altwright.errors import Category, DescriberUnavailable, ModelUnusable, NotOnThisHost


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[PretendHub]:
    """Run a pretend hub."""
    with pretend_hub(tmp_path / "hub") as made:
        yield made


@pytest.fixture
def host(tmp_path: Path, hub: PretendHub) -> Service:
    """Return a host whose commands ask the pretend hub; nothing runs there."""
    (tmp_path / "host").mkdir()
    return Service(tmp_path / "host", {"MODEL_HUB_URL": hub.url})


def models(host: Service) -> dict[str, dict[str, Any]]:
    """Return what `altwright model list` shows, by name."""
    return {one["name"]: one for one in host.json("model", "list")}


def own_host(host: Service) -> ModelHost:
    """Return how the host's models are run."""
    var = host.folder / "var"
    return ModelHost(ModelFolder(var / "vision-models"), var / "model.sock", idle_s=60)


def files(host: Service) -> list[str]:
    """Return what lies in the tiny model's folder."""
    folder = host.folder / "var" / "vision-models" / NAME
    return sorted(path.name for path in folder.glob("[!.]*"))


def test_a_model_is_shown_got_checked_tried_used_and_removed(
    host: Service, hub: PretendHub
) -> None:
    """Two commands from nothing to texts: what is fetched is shown first, and nothing unasked."""
    asked = host.command("model", "get", REPOSITORY, typed="n\n")
    assert asked.returncode == 1
    assert "apache-2.0" in asked.stdout
    assert all(hub.url in asked.stdout and name in asked.stdout for name in hub.files)
    assert hub.ranges == []

    got = host.command("model", "get", REPOSITORY, "--use", typed="y\n")
    assert got.returncode == 0, got.stderr
    assert "s a picture and" in got.stdout
    row = models(host)[NAME]
    assert row["here"] == "yes"
    assert float(row["seconds"]) >= 0

    (host.folder / "disc.png").write_bytes(SMALL)
    host.settings |= {"DESCRIBER": "model", "MODEL_NAME": NAME}
    said = host.json("describe", "disc.png")
    assert said["text"] == SAYS
    assert LocalModel(own_host(host), NAME, 60).abilities.languages == ("en",)

    kept = host.command("model", "remove", NAME)
    assert kept.returncode == 1
    assert "describes at the moment" in kept.stderr
    assert "Remove" not in kept.stdout
    assert host.command("settings", "set", "DESCRIBER=offline").returncode == 0
    del host.settings["DESCRIBER"]
    host.settings["DESCRIBER_FALLBACKS"] = "model"
    kept = host.command("model", "remove", NAME, "--yes")
    assert "describes at the moment" in kept.stderr
    del host.settings["DESCRIBER_FALLBACKS"]
    assert host.command("model", "remove", NAME, "--yes").returncode == 0
    assert files(host) == []
    assert "model removed" in {one["action"] for one in host.json("audit")}


def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    host: Service, hub: PretendHub
) -> None:
    """What has arrived is kept, is no model, and isn't fetched again."""
    hub.breaks_after = 100_000
    broken = host.command("model", "get", REPOSITORY, "--yes")
    assert broken.returncode == 1
    assert "can't be reached, or hung up" in broken.stderr
    assert models(host).get(NAME) is None
    assert files(host) == ["projector.gguf.part"]

    hub.breaks_after = None
    assert host.command("model", "get", REPOSITORY, "--yes").returncode == 0
    assert [asked for _, asked in hub.ranges] == ["bytes=0-", "bytes=100000-", "bytes=0-"]


def test_a_hub_that_cannot_go_on_sends_the_file_again(host: Service, hub: PretendHub) -> None:
    """A plain web server as a mirror: the part is replaced, not appended to."""
    hub.has_ranges = False
    hub.breaks_after = 100_000
    assert host.command("model", "get", REPOSITORY, "--yes").returncode == 1
    hub.breaks_after = None
    assert host.command("model", "get", REPOSITORY, "--yes").returncode == 0
    assert models(host)[NAME]["here"] == "yes"


def test_a_model_arrives_in_pieces(hub: PretendHub, tmp_path: Path) -> None:
    """Each asks for what is missing up to its end; repeated or out of order, it costs nothing."""
    made, source = ModelFolder(tmp_path / "models"), Hub(hub.url, stalled_s=5)
    download = Download(source, made, source.look_up(REPOSITORY), lambda: None)
    reported: list[int] = []
    for end in (300_000, 100_000, 300_000, hub.size):
        download.up_to(end, reported.append)
        assert max(reported) >= end
        assert made.find(NAME) is None
    assert len(hub.ranges) <= 3
    assert download.finish(reported.append).model.name == NAME
    assert reported[-1] == hub.size


def test_files_of_an_attempt_that_came_to_nothing_are_checked(
    hub: PretendHub, tmp_path: Path
) -> None:
    """One that lies under its final name is no model's for that; of any size, it is got again."""
    made, source = ModelFolder(tmp_path / "models"), Hub(hub.url, stalled_s=5)
    model = source.look_up(REPOSITORY)
    download = Download(source, made, model, lambda: None)
    left = made.path / NAME / "projector.gguf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x" * model.projector.size_bytes)
    with pytest.raises(ModelUnusable, match="isn't what was stated"):
        download.finish(lambda _: None)
    assert made.find(NAME) is None
    left.write_bytes(b"shorter")
    there = download.finish(lambda _: None)
    assert there.projector.read_bytes() == hub.files[model.projector.name]
    assert made.find(NAME) == there


def test_another_model_of_the_same_name_is_not_taken_for_it(
    host: Service, hub: PretendHub, tmp_path: Path
) -> None:
    """Two publishers may call theirs alike: what is here stays, and nothing is called checked."""
    (tmp_path / "pair").mkdir()
    weights, _ = write_pair(tmp_path / "pair")
    weights.write_bytes(weights.read_bytes() + bytes(32))
    assert host.command("model", "add", str(weights), "--name", NAME).returncode == 0
    refused = host.command("model", "get", REPOSITORY, "--yes")
    assert refused.returncode == 1
    assert f"another model called {NAME}" in refused.stderr
    assert hub.ranges == []
    source = Hub(hub.url, stalled_s=5)
    made = ModelFolder(host.folder / "var" / "vision-models")
    download = Download(source, made, source.look_up(REPOSITORY), lambda: None)
    with pytest.raises(ModelUnusable, match="remove that one first"):
        download.up_to(1, lambda _: None)  # a task ends with it, and waits for nothing


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"sha256": "0" * 64}, "isn't what was stated"),
        ({"sha256": None}, "states no checksum"),
        ({"size": 1_000}, "bytes on the hub and should have"),
        ({"size": 10**12}, "too little room"),
        ({"size": 10**15}, "larger than any model"),
        ({"size": float("inf")}, "isn't what a model hub states"),
    ],
)
def test_what_differs_from_what_was_stated_is_never_used(
    host: Service, hub: PretendHub, stated: dict[str, Any], said: str
) -> None:
    """Another checksum or size: nothing of it stays that could be taken for a model."""
    name = next(one for one in hub.files if "mmproj" in one)
    hub.stated[name] = stated
    refused = host.command("model", "get", REPOSITORY, "--yes")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert NAME not in models(host)
    assert "projector.gguf" not in files(host)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "doesn't let everybody have"),
        (404, "doesn't have"),
        (429, "asked us to wait"),
        (500, "is in trouble"),
    ],
)
def test_a_hub_that_refuses_is_quoted_in_words(
    host: Service, hub: PretendHub, status: int, said: str
) -> None:
    """Each answer of a hub says what to make of it."""
    hub.status = status
    refused = host.command("model", "get", REPOSITORY, "--yes")
    assert refused.returncode == 1
    assert said in refused.stderr


def test_a_hub_that_stalls_or_is_away_costs_nothing_that_has_arrived(
    host: Service, hub: PretendHub
) -> None:
    """The command ends by itself, and says so."""
    hub.stalls_after = 50_000
    host.settings["MODEL_HUB_TIMEOUT"] = "1"
    stalled = host.command("model", "get", REPOSITORY, "--yes")
    assert stalled.returncode == 1
    assert "has sent nothing for 1 second" in stalled.stderr
    assert files(host) == ["projector.gguf.part"]
    host.settings["MODEL_HUB_URL"] = "http://127.0.0.1:1"
    away = host.command("model", "get", REPOSITORY, "--yes")
    assert "nothing listens there" in away.stderr


def test_a_model_comes_from_files_where_no_hub_is(host: Service, hub: PretendHub) -> None:
    """`altwright model add FILE`; what isn't in GGUF form is refused."""
    (host.folder / "stick").mkdir()
    weights, projector = write_pair(host.folder / "stick")
    added = host.command("model", "add", str(weights))
    assert added.returncode == 0, added.stderr
    assert models(host)["tiny-q8_0"]["here"] == "yes"
    assert hub.ranges == []
    projector.write_bytes(b"a text")
    refused = host.command("model", "add", str(weights), "--name", "other")
    assert refused.returncode == 1
    assert "isn't a model in GGUF form" in refused.stderr


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    """Return a folder with the tiny model."""
    (tmp_path / "pair").mkdir()
    weights, projector = write_pair(tmp_path / "pair")
    made = ModelFolder(tmp_path / "models")
    made.add(weights, projector, NAME, lambda _: None)
    return made


@pytest.fixture
def own(tmp_path: Path, folder: ModelFolder) -> Iterator[LocalModel]:
    """Return a describer that has to start its model's host itself."""
    made = LocalModel(ModelHost(folder, tmp_path / "model.sock", idle_s=60), NAME, 60)
    yield made
    made.close()


def pid_of_server(parent: int) -> int | None:
    """Return the server that a host has started; None: there is none."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.parent.name, stat.read_text().rpartition(")")[2].split()
            line = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue  # it has just ended
        if int(rest[1]) == parent and b"local_models.process.server" in line:
            return int(pid)
    return None


def say(describer: LocalModel) -> str:
    """Return what is said of a picture."""
    return describer.describe(picture(SMALL), Request()).text


def test_a_server_that_is_killed_is_started_again(own: LocalModel) -> None:
    """Its picture fails in words, and the next one is described."""
    assert say(own) == SAYS
    assert own.host_pid is not None
    first = pid_of_server(own.host_pid)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not alive(first), 60)
    with pytest.raises(DescriberUnavailable, match="ran out of memory"):
        say(own)

    def is_described() -> bool:
        with contextlib.suppress(DescriberUnavailable):
            return say(own) == SAYS
        return False

    wait_until(is_described, 60)
    assert pid_of_server(own.host_pid) != first


def test_a_server_ends_when_nothing_is_asked(tmp_path: Path, folder: ModelFolder) -> None:
    """Its memory is free after MODEL_IDLE_S; the next picture starts it."""
    own = LocalModel(ModelHost(folder, tmp_path / "model.sock", idle_s=0.1), NAME, 60)
    try:
        assert say(own) == SAYS
        host = own.host_pid
        assert host is not None
        wait_until(lambda: pid_of_server(host) is None, 60)
        assert say(own) == SAYS
    finally:
        own.close()
    wait_until(lambda: not alive(host), 60)


def test_a_model_that_finds_no_memory_says_so(tmp_path: Path, folder: ModelFolder) -> None:
    """MODEL_MEMORY_LIMIT holds, and what to do about it is said."""
    host = ModelHost(folder, tmp_path / "model.sock", idle_s=60, memory_limit_mb=150)
    own = LocalModel(host, NAME, 60)
    try:
        with pytest.raises(DescriberUnavailable, match="ran out of memory") as caught:
            say(own)
    finally:
        own.close()
    assert caught.value.category is Category.EXHAUSTED


def test_a_host_without_the_model_says_so_and_fetches_nothing(
    host: Service, hub: PretendHub
) -> None:
    """Which model describes is the cluster's, its files are a host's: every command names both."""
    host.settings |= {"DESCRIBER": "model", "MODEL_NAME": "smolvlm-500m"}
    get = "`altwright model get smolvlm-500m`"
    listed = host.command("model", "list")
    assert "smolvlm-500m describes, but isn't on this host" in listed.stdout
    assert get in listed.stdout
    row = models(host)["smolvlm-500m"]
    assert (row["here"], row["describes"]) == ("no", "yes")
    checked = host.command("check")
    assert checked.returncode == 2
    assert get in " ".join(checked.stdout.split())
    (host.folder / "disc.png").write_bytes(SMALL)
    said = host.command("describe", "disc.png")
    assert said.returncode == 1
    assert get in said.stderr
    assert hub.ranges == []


def test_a_model_that_comes_while_all_runs_is_used(tmp_path: Path, folder: ModelFolder) -> None:
    """Its absence is a host's, which another one may not share; nobody has to start anything."""
    own = LocalModel(ModelHost(folder, tmp_path / "model.sock", idle_s=60), "other", 60)
    try:
        for ask in (own.probe, lambda: say(own)):
            with pytest.raises(NotOnThisHost) as met:
                ask()
            assert own.lacking() in met.value.operator_detail
        (folder.path / NAME).rename(folder.path / "other")
        manifest = folder.path / "other" / "model.json"
        manifest.write_text(manifest.read_text().replace(f'"name": "{NAME}"', '"name": "other"'))
        assert own.lacking() == ""
        assert say(own) == SAYS
    finally:
        own.close()
