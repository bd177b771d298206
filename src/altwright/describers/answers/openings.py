"""Openings that say only that there is a picture, as every screen reader says itself.

Source: W3C WAI, Images Tutorial, Tips and Tricks; WebAIM, Alternative Text. "Photo of", "Screenshot
of" and "Image of text" are not among them: they tell the kind of picture.
"""

# ruff: noqa: E501 - patterns stay whole

from __future__ import annotations

import re
from types import MappingProxyType

_SHOWS = (
    r"(?:the|this|an?)\s(?:image|picture|photo|photograph)"
    r"\s(?:shows|depicts|features|displays|captures|contains|presents|is of)\b(?! (?:that|how|what)\b)"
    r"|in (?:this|the) (?:image|picture|photo|photograph)(?:,|(?= (?:we|you|one|i|there)\b))"
    r"(?: (?:we|you|one|i) (?:can )?see\b| there (?:is|are)\b)?"
)
#: What is taken off a model's answer, for it can't be meant. "A picture of the Pope" may hang on a
#: wall, and a verb that follows a name is told by no pattern.
PICTURE_SHOWS = re.compile(rf"^(?:{_SHOWS})\s(?=\w)", re.IGNORECASE)
#: What a reviewer is warned of, by language.
EMPTY_OPENINGS = MappingProxyType(
    {
        "en": rf"{_SHOWS}|(?:this|here|the|an?)?\s*(?:is\s+(?:an?\s+)?)?(?:image|picture|pic|graphic)"
        r"\s+(?:of(?! text)|shows?|showing|depicts?|depicting|features?|contains?)",
        "de": r"(?:das|dieses|ein|auf dem)?\s*(?:bild|abbildung)\s+(?:von|einer?s?|mit|zeigt)"
        r"|(?:auf|in) (?:dem|diesem) (?:bild|foto)\s+(?:ist|sind|sieht|sehen|wird|werden)"
        r"|(?:das|dieses) foto\s+zeigt",
        "fr": r"(?:une?|l['\u2019]|cette)?\s*image\s+(?:de|d['\u2019]|du|des|montre|représente)"
        r"|(?:sur|dans) (?:cette|l['\u2019]) ?(?:image|photo),?\s+(?:on|il|nous)",
        "es": r"(?:una?|la|esta)?\s*imagen\s+(?:de|del|muestra)"
        r"|en (?:la|esta) (?:imagen|foto),? (?:se|hay)",
        "it": r"(?:un['\u2019]?|l['\u2019]|questa)?\s*immagine\s+(?:di|del|della|mostra)"
        r"|nell['\u2019]immagine,? (?:si|c['\u2019]è)",
        "pt": r"(?:uma|a|esta)?\s*imagem\s+(?:de|do|da|mostra)|na imagem,? (?:vê|há|é)",
        "nl": r"(?:een|de|deze)?\s*afbeelding\s+(?:van|toont)"
        r"|op (?:de|deze) (?:foto|afbeelding) (?:is|zijn|zie)",
        "sv": r"(?:på )?bilden (?:visar|syns|ser)|en bild (?:på|av)",
        "da": r"(?:på )?billedet (?:viser|ses|er)|et billede af",
        "nb": r"(?:på )?bildet (?:viser|ses|er)|et bilde av",
        "fi": r"kuvassa (?:on|näkyy)|kuva,? jossa",
        "pl": r"(?:na )?(?:tym )?(?:obraz|zdjęci)\w* (?:przedstawia|widać|pokazuje|widoczn\w*)",
        "cs": r"(?:na )?(?:tomto )?(?:obráz|snímk|fotografi)\w* (?:je|jsou|ukazuje|zobrazuje|vidíme)",
        "ru": r"на (?:этом )?(?:изображении|фото\w*|картинке) (?:изображ\w+|показан\w*|видн\w+|мы)",
        "uk": r"на (?:цьому )?(?:зображенні|фото\w*|картинці) (?:зображ\w+|показан\w*|видно|ми)",
        "tr": r"(?:bu )?(?:görselde|resimde|fotoğrafta|görüntüde)\b",
        "ja": r"(?:この)?(?:画像|写真)(?:は|に(?:は)?|では)",
        "ko": r"(?:이 )?(?:이미지|사진)(?:는|은|에는|에서)",
        "zh": r"(?:这|這)?(?:张|張|幅)?(?:图片|圖片|图像|照片)(?:中|里|裡|显示|顯示|展示)",
    }
)
_OPENINGS = MappingProxyType(
    {
        # No word boundary after scripts without spaces.
        language: re.compile(rf"\s*(?:{pattern})(?:\b|(?<=[^\x00-\u2fff]))", re.IGNORECASE)
        for language, pattern in EMPTY_OPENINGS.items()
    }
)


def empty_opening(text: str, language: str) -> str:
    """Return the text's opening that says nothing; "" if it has none. ``language`` is ISO 639."""
    # English is looked for in every language: models fall back to it.
    for pattern in (_OPENINGS.get(language), _OPENINGS["en"]):
        found = pattern.match(text) if pattern else None
        if found:
            return found[0].strip()
    return ""
