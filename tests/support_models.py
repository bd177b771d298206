"""Model servers whose answers a test decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support_leaves import Exchange


@dataclass
class ModelServerDouble:
    """A model server of either kind whose answers a test decides; ``fault`` answers instead."""

    kind: str
    answer: Any = "A black cat sleeps on a red chair."
    cut_off: bool = False
    models: tuple[str, ...] = ("eyes:7b",)
    fault: Callable[[Exchange], None] | None = None

    def respond(self, exchange: Exchange) -> None:
        """Answer one call."""
        if self.fault is not None:
            self.fault(exchange)
        elif self.kind == "ollama":
            self._ollama(exchange)
        else:
            self._openai(exchange)

    def _ollama(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/api/version":
                exchange.answer(200, {"version": "0.9.1"})
            case "/api/tags":
                exchange.answer(200, {"models": [{"name": name} for name in self.models]})
            case "/api/chat":
                model = exchange.call.json["model"]
                if model not in self.models:
                    exchange.answer(404, {"error": f"model '{model}' not found"})
                    return
                reason = "length" if self.cut_off else "stop"
                message = {"role": "assistant", "content": self.answer}
                exchange.answer(200, {"message": message, "done_reason": reason, "done": True})
            case _:
                exchange.answer(404, b"404 page not found")

    def _openai(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/v1/models":
                data = [{"id": name, "object": "model"} for name in self.models]
                exchange.answer(200, {"object": "list", "data": data})
            case "/v1/chat/completions":
                model = exchange.call.json["model"]
                if model not in self.models:
                    error = {"message": f"The model {model} does not exist", "code": "not_found"}
                    exchange.answer(404, {"error": error})
                    return
                reason = "length" if self.cut_off else "stop"
                message = {"role": "assistant", "content": self.answer}
                choice = {"index": 0, "message": message, "finish_reason": reason}
                exchange.answer(200, {"object": "chat.completion", "choices": [choice]})
            case _:
                exchange.answer(404, {"detail": "Not Found"})
