"""QR codes: that there is one, and where it leads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import cv2

from altwright.describers.offline.english import quoted
from altwright.describers.offline.statement import Statement
from altwright.describers.offline.vision.image_stats import Pixels

#: An address that may be said; other contents are passwords, tickets and the like.
_ADDRESS: Final = re.compile(r"https?://[\w.-]+(:\d+)?(/[^\s“”\"]*)?")


def find(pixels: Pixels) -> str:
    """Return "QR code", with its address if it has one; "" if none can be read."""
    try:
        content, *_ = cv2.QRCodeDetector().detectAndDecode(pixels)
    except cv2.error:  # raised on some shapes that look like a code
        return ""
    if not content:
        return ""
    leads = f" that leads to {quoted(content)}" if _ADDRESS.fullmatch(content) else ""
    return f"QR code{leads}"


def told(found: Statement, code: str) -> Statement:
    """Return a description that mentions the code; of a code without words it is all."""
    if found.level == "low":
        return Statement(code, "high", "QR code")
    return replace(found, text=f"{code}. {found.text[0].upper()}{found.text[1:]}")
