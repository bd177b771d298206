"""The store of picture files: whole, found again, and never outside of its folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from altwright.captions.pictures.picture_files import PictureStore
from altwright.errors import NotFound


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    """Return an empty store whose folder isn't there yet."""
    return PictureStore(tmp_path / "data" / "pictures")


def test_what_is_put_is_read(store: PictureStore) -> None:
    """A file comes back byte for byte under the name that put returned."""
    name = store.put(b"pixels", "jpg")
    assert store.read(name) == b"pixels"
    assert name.endswith(".jpg")


def test_the_same_bytes_have_one_name(store: PictureStore, tmp_path: Path) -> None:
    """Putting twice keeps one file."""
    assert store.put(b"pixels", "jpg") == store.put(b"pixels", "jpg")
    assert store.put(b"pixels", "png") != store.put(b"others", "png")
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3


def test_a_deleted_file_is_not_found(store: PictureStore) -> None:
    """Deleting is final, and harmless a second time."""
    name = store.put(b"pixels", "jpg")
    assert store.delete_older(name, -1)
    assert not store.delete_older(name, -1)
    with pytest.raises(NotFound):
        store.read(name)


def test_what_a_killed_process_left_goes(store: PictureStore, tmp_path: Path) -> None:
    """A half-written file goes; one set aside has its name back, or goes where a new one is."""
    wanted, again = store.put(b"wanted", "jpg"), store.put(b"again", "jpg")
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        path.rename(path.with_name(f".old-{path.name}"))
    store.put(b"again", "jpg")
    (tmp_path / "data" / "pictures" / wanted[:2] / "tmpx1y2z3").write_bytes(b"hal")
    assert store.tidy(60) == 0  # somebody may be at them
    assert store.tidy(-1) == 2
    assert {store.read(wanted), store.read(again)} == {b"wanted", b"again"}
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 2


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../secret", "/etc/passwd", "a.jpg", "ab/../../secret", "0" * 64, "x\0y"],
)
def test_no_name_leaves_the_folder(store: PictureStore, tmp_path: Path, name: str) -> None:
    """Only names that put gave out mean anything."""
    (tmp_path / "secret").write_text("secret")
    store.put(b"pixels", "jpg")
    with pytest.raises(NotFound):
        store.read(name)
    with pytest.raises(NotFound):
        store.delete_older(name, -1)
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("suffix", ["", "../x", "a/b", "jpg\n", "muchtoolong"])
def test_a_suffix_is_an_extension(store: PictureStore, suffix: str) -> None:
    """Nothing else is taken for one."""
    with pytest.raises(NotFound):
        store.put(b"pixels", suffix)


def test_nothing_stays_of_a_write_that_fails(
    store: PictureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves neither half a picture nor rubbish."""

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        store.put(b"pixels", "jpg")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_many_writers_of_one_picture_agree(store: PictureStore) -> None:
    """The same picture put by many threads at once is there once, and whole."""
    data = b"pixels" * 100_000
    names: list[str] = []
    threads = [
        threading.Thread(target=lambda: names.append(store.put(data, "png"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(names)) == 1
    assert store.read(names[0]) == data
