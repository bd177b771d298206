"""A pretend Ollama with a model that sees, one that doesn't, and a library to pull from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.support_leaves import Exchange

SEES: Final = "sees:2b"
BLIND: Final = "blind:1b"


@dataclass
class PretendOllama:
    """What it has and what its library has, with what each can."""

    has: dict[str, list[str]] = field(
        default_factory=lambda: {SEES: ["completion", "vision"], BLIND: ["completion"]}
    )
    library: dict[str, list[str]] = field(
        default_factory=lambda: {
            "larger:8b": ["completion", "vision"],
            "plain:latest": ["completion", "vision"],
            "words:latest": ["completion"],
        }
    )
    url: str = ""
    is_broken: bool = False

    def respond(self, exchange: Exchange) -> None:
        """Answer a call as Ollama does. Source: its docs/api.md."""
        if self.is_broken:
            exchange.answer(500, {"error": "broken"})
            return
        asked = exchange.call.json if exchange.call.body else {}
        name = str(asked.get("model", ""))
        if name and ":" not in name:
            name += ":latest"
        match exchange.path:
            case "/api/tags":
                exchange.answer(200, {"models": [{"name": one} for one in self.has]})
            case "/api/show" if name in self.has:
                exchange.answer(200, {"capabilities": self.has[name]})
            case "/api/pull" if name in self.library:
                self.has[name] = self.library[name]
                exchange.answer(200, {"status": "success"})
            case "/api/pull":
                exchange.answer(500, {"error": "pull model manifest: file does not exist"})
            case _:
                exchange.answer(404, {"error": f"model '{name}' not found"})
