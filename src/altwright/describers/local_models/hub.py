"""A model hub: what it states of a model, and a model's files from any byte on.

Source: the Hugging Face Hub's API (model info with files' metadata, resolve); mirrors of it speak
the same. A plain web server serves what the catalogue pins, if its folders are like the hub's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import HTTPError

from altwright import interrupts
from altwright.describers.local_models.catalogue import BESIDE_MB, MB, Model, ModelFile, name_for
from altwright.describers.model_servers.calls import ProxiedAdapter, hosts_of
from altwright.domain.counting import counted
from altwright.errors import (
    Category,
    InvalidInput,
    ModelHubUnavailable,
    ModelUnusable,
    OutboundRefused,
    RateLimited,
)
from altwright.net.http import USER_AGENT, retry_after_s
from altwright.net.ssrf_guard import AnswerTooLarge, Exchange, Guard, is_timeout
from altwright.net.unreachable import reason_of
from altwright.text import clean_line

#: Bytes of the largest answer about a model; those with a thousand files have about 400 kB.
_ANSWER_BYTES: Final = 8 * MB
#: Seconds of one request as a whole, while bytes arrive: 5 GB at 500 kbit/s.
_WHOLE_S: Final = 86_400.0
#: Bytes of the largest file that is believed in.
_FILE_BYTES: Final = 1_000_000 * MB
#: Bytes that are read at a time.
_BLOCK: Final = 256 * 1024
#: The most redirects: a hub leads to its store, and that to one of its hosts.
_REDIRECTS: Final = 5
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
#: Which files are taken where a repository has several: the first whose part is in a name.
_WEIGHTS: Final = ("q4_k_m", "q4_0", "q8_0", "")
_PROJECTOR: Final = ("q8_0", "f16", "")
#: Several pieces of one file, which aren't put together here.
_PIECE: Final = re.compile(r"-\d{5}-of-\d{5}\.gguf$")


@dataclass(frozen=True, slots=True)
class Rest:
    """What comes of a file, from byte ``begin`` on; ``continues``: a later request can go on."""

    begin: int
    continues: bool
    blocks: Iterator[bytes]


class Hub:
    """A hub at an address of the operator's; thread-safe."""

    def __init__(self, url: str, *, stalled_s: float) -> None:
        """Take the seconds without a byte after which a download counts as stalled."""
        self._url = url
        self._stalled_s = stalled_s
        parts = urlsplit(url)
        self._host = parts.netloc.rpartition("@")[2]
        #: Its address for people, without a login that it may have.
        self.shown = parts._replace(netloc=self._host).geturl()

    def look_up(self, repository: str) -> Model:
        """Return the model that a repository holds, as the hub states it.

        Raises:
            InvalidInput: it is no repository's name.
            ModelUnusable: there is none, or no pair of files, or no checksum is stated.
            ModelHubUnavailable, RateLimited: the hub can't be asked now.
        """
        if not _REPOSITORY.fullmatch(repository):
            raise InvalidInput(f"{repository!r} is no model of the hub; it is OWNER/REPOSITORY.")
        with self._got(f"/api/models/{repository}/revision/main?blobs=true") as (exchange, answer):
            self._check(answer, repository)
            try:
                stated = exchange.read(answer, _ANSWER_BYTES)
            except AnswerTooLarge as error:
                raise self._nonsense() from error
        try:
            return _model(repository, json.loads(stated))
        except (
            *(ValueError, KeyError, TypeError, AttributeError),
            *(OverflowError, RecursionError),  # an infinite size; lists within lists
        ) as error:
            raise self._nonsense() from error

    @contextmanager
    def reading(self, model: Model, stated: ModelFile, start: int) -> Iterator[Rest]:
        """Give the rest of a stated, from byte ``start`` on, or from the first one if it has to be.

        Raises:
            ModelUnusable: the hub doesn't have it, or it is of another size than was stated.
            ModelHubUnavailable, RateLimited: away, stalled, broken off, busy.
        """
        path = f"/{model.repository}/resolve/{model.revision}/{quote(stated.name)}"
        with self._got(path, {"Range": f"bytes={start}-"}) as (exchange, answer):
            self._check(answer, stated.name)
            continues = answer.status_code == requests.codes.partial
            begin = start if continues else 0
            length = answer.headers.get("Content-Length", "")
            if length.isdecimal() and begin + int(length[:20]) != stated.size_bytes:
                raise ModelUnusable(
                    f"{stated.name} has {begin + int(length[:20]):,} bytes on the hub and should "
                    f"have {stated.size_bytes:,}; nothing of it is used."
                )
            yield Rest(begin, continues, self._blocks(exchange, answer))

    def probe(self) -> None:
        """Ask whether it answers at all. Raises ModelHubUnavailable."""
        with self._got("/"):
            return

    @staticmethod
    def _blocks(exchange: Exchange, answer: requests.Response) -> Iterator[bytes]:
        while block := answer.raw.read1(_BLOCK, decode_content=False):
            yield block
            exchange.check()

    @contextmanager
    def _got(
        self, path: str, headers: dict[str, str] | None = None
    ) -> Iterator[tuple[Exchange, requests.Response]]:
        """Ask; whatever goes wrong until the answer is read is said in words."""
        url = self._url + path
        guard = Guard(hosts_of(url))
        with Exchange(guard, _WHOLE_S) as exchange, requests.Session() as session:
            session.max_redirects = _REDIRECTS
            for scheme in ("http://", "https://"):
                session.mount(scheme, ProxiedAdapter())
            try:
                with session.get(
                    url,
                    headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
                    | (headers or {}),
                    timeout=self._stalled_s,
                    stream=True,
                ) as answer:
                    yield exchange, answer
            except OutboundRefused as error:
                raise self._away(
                    f"it leads to a private address ({error.operator_detail})"
                ) from error
            except requests.TooManyRedirects as error:
                raise self._away("it redirects too often") from error
            except (requests.RequestException, HTTPError) as error:
                interrupts.current().check()
                if is_timeout(error):
                    raise ModelHubUnavailable(
                        f"The model hub has sent nothing for {counted(self._stalled_s, 'second')}; "
                        "what has arrived is kept.",
                        category=Category.TIMEOUT,
                    ) from error
                raise self._away(reason_of(error)) from error

    def _check(self, answer: requests.Response, what: str) -> None:
        status = answer.status_code
        if status in {requests.codes.ok, requests.codes.partial}:
            return
        if status == requests.codes.too_many_requests:
            raise RateLimited(
                "The model hub asked us to wait.", retry_in_s=retry_after_s(answer.headers)
            )
        if status >= requests.codes.server_error:
            raise ModelHubUnavailable(f"The model hub is in trouble (it answered {status}).")
        if status in {requests.codes.unauthorized, requests.codes.forbidden}:
            raise ModelUnusable(f"The model hub doesn't let everybody have {what}.")
        if status in {requests.codes.not_found, requests.codes.gone}:
            raise ModelUnusable(f"The model hub {self._host} doesn't have {what}.")
        raise ModelUnusable(f"The model hub answered {status} for {what}.")

    def _away(self, why: str) -> ModelHubUnavailable:
        return ModelHubUnavailable(
            f"The model hub {self._host} can't be reached, or hung up: {why}.",
            category=Category.NETWORK,
        )

    def _nonsense(self) -> ModelUnusable:
        return ModelUnusable(f"What {self._host} answers isn't what a model hub states.")


def _model(repository: str, stated: dict[str, Any]) -> Model:
    """Return the pair of files that a repository's metadata names. Raises ModelUnusable."""
    files = {
        str(one["rfilename"]): one["lfs"]
        for one in stated["siblings"]
        if str(one["rfilename"]).endswith(".gguf") and one.get("lfs")
    }
    names = [name for name in files if not _PIECE.search(name)]
    projectors = [name for name in names if "mmproj" in name.lower()]
    chosen = {
        "weights": _first([name for name in names if name not in projectors], _WEIGHTS),
        "projector": _first(projectors, _PROJECTOR),
    }
    missing = [part for part, name in chosen.items() if not name]
    if missing:
        raise ModelUnusable(
            f"{repository} has no {' and no '.join(missing)} in one GGUF file: it can't see, or is "
            "in another form."
        )
    pair = {
        part: ModelFile(name, int(files[name]["size"]), str(files[name]["sha256"]))
        for part, name in chosen.items()
    }
    if not all(_SHA256.fullmatch(file.sha256) and file.size_bytes > 0 for file in pair.values()):
        raise ModelUnusable(f"The model hub states no checksum for {repository}.")
    if any(file.size_bytes > _FILE_BYTES for file in pair.values()):
        raise ModelUnusable(f"{repository} is larger than any model that can be run here.")
    title = repository.partition("/")[2].removesuffix("-GGUF").removesuffix("-gguf")
    card = stated.get("cardData") or {}
    languages = card.get("language")
    memory_mb = sum(file.size_bytes for file in pair.values()) // MB + BESIDE_MB
    return Model(
        name_for(title),
        clean_line(title, 100),
        repository,
        _revision(stated["sha"]),
        clean_line(str(card.get("license") or "not stated"), 100),
        clean_line(
            ", ".join(map(str, languages)) if isinstance(languages, list) else languages or "", 100
        ),
        memory_mb,
        "From the hub; not in Altwright's catalogue.",
        **pair,
    )


def _revision(stated: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", str(stated)):
        raise ValueError(stated)
    return str(stated)


def _first(names: list[str], parts: tuple[str, ...]) -> str:
    """Return the name with the part that comes first; "": there are no names."""
    return next((one for part in parts for one in sorted(names) if part in one.lower()), "")
