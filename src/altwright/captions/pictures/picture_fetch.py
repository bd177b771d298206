"""From a picture's address to a picture that can be described, and to its kept copies."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final

from altwright.captions.drafts.draft_writes import Stored
from altwright.captions.pictures.decoding import Prepared, prepare
from altwright.captions.pictures.picture_files import (
    PictureStore,
    media_type_of,
    name_of,
    suffix_of,
)
from altwright.captions.pictures.views import KEPT_PIXELS
from altwright.describers.port import Picture
from altwright.errors import ImageUnusable
from altwright.net.http import Outbound
from altwright.platforms.port import Media

#: Held while a picture is prepared: one takes 15 MB at 2.5 megapixels, and a hundred at 20, for a
#: tenth of a second or two; eight at a time more than doubled a worker's memory.
_PREPARING: Final = threading.Lock()

#: Said to whoever reviews the text of an animation.
ONE_STILL = "This is an animation, of which only one still was described."


def shown(prepared: Prepared, media: Media) -> Picture:
    """Return what is described of a medium: a picture, or the still of an animation."""
    picture = prepared.picture
    return replace(picture, note=ONE_STILL) if media.is_animation else picture


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """The largest picture that is fetched and decoded, and the seconds that fetching may take."""

    max_bytes: int
    max_pixels: int
    timeout_s: float


class PictureSource:
    """Fetches pictures and keeps prepared copies of them."""

    def __init__(self, outbound: Outbound, pictures: PictureStore, limits: PictureLimits) -> None:
        self._outbound = outbound
        self._pictures = pictures
        self.limits = limits

    def fetch(self, url: str) -> Prepared:
        """Fetch and prepare a picture; of one that is of use copies are kept then (``keep``).

        Raises:
            ImageUnavailable, RateLimited: it can't be had now.
            PermanentError: it isn't there, or is nothing that can be described.
        """
        if not url:
            raise ImageUnusable("The server names no address for this picture.")
        fetched = self._outbound.fetch(
            url, max_bytes=self.limits.max_bytes, timeout_s=self.limits.timeout_s
        )
        with _PREPARING:
            return prepare(fetched.data, max_pixels=self.limits.max_pixels)

    def kept(self, file: str) -> Picture:
        """Return a picture from its kept copy. Raises NotFound."""
        data = self._pictures.read(file)
        # The copy is prepared already; preparing it again reads its size and type.
        with _PREPARING:
            return prepare(data, max_pixels=KEPT_PIXELS).picture

    def keep(self, prepared: Prepared) -> Stored:
        """Keep a picture's copies."""
        return kept_copies(self._pictures, prepared)


def file_of(prepared: Prepared) -> str:
    """Return what the copy of a picture is called once it is kept."""
    return name_of(prepared.kept.data, suffix_of(prepared.kept.media_type))


def kept_copies(pictures: PictureStore, prepared: Prepared) -> Stored:
    """Keep a picture's copies in a store."""
    picture = prepared.kept
    file = pictures.put(picture.data, suffix_of(picture.media_type))
    return Stored(
        file=file,
        thumbnail=pictures.put(prepared.thumbnail, "jpg"),
        media_type=media_type_of(file),
        width=picture.width,
        height=picture.height,
        shape=prepared.shape,
    )
