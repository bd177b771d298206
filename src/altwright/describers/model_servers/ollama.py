"""Ollama: vision models on a machine of one's own."""

from __future__ import annotations

import base64
from typing import Any

from altwright.describers.model_servers.asking import TEMPERATURE, Answer, ServedModel
from altwright.describers.model_servers.calls import ModelServer
from altwright.describers.model_servers.error_meanings import Names, Refused
from altwright.describers.model_servers.prompts import guidelines, max_tokens, question
from altwright.describers.port import Picture, Request
from altwright.errors import AltwrightError, ConfigError


class Ollama(ServedModel):
    """A describer that asks an Ollama server.

    Source: Ollama's docs/api.md (chat, show, version, tags).
    """

    name = "ollama"

    def __init__(self, url: str, model: str, timeout_s: float) -> None:
        names = Names("Ollama", "OLLAMA_URL", "OLLAMA_URL", "OLLAMA_MODEL", model)
        super().__init__(ModelServer(names, url, timeout_s))
        #: Whether Ollama says that the model thinks; None: not asked, or it says nothing.
        self._can_think: bool | None = None
        #: Whether the model can be told not to think.
        self._takes_switch = True

    def complete(self, picture: Picture, views: tuple[Picture, ...], request: Request) -> Answer:
        """Return the answer, whose text may be empty."""
        if self._can_think is None:
            self._can_think = self._said_to_think()
        try:
            answer = self._server.ask("/api/chat", self._body(picture, views, request))
        except Refused as refused:
            if self._is_told_not_to_think and "think" in refused.said.lower():
                self._takes_switch = False
                return self.complete(picture, views, request)
            raise self._meaning(refused) from refused
        message = answer.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise self._server.unexpected()
        text = message["content"]
        return Answer(
            text,
            # Without its last line an answer is a part of one, whatever the reason says.
            is_cut_off=answer.get("done") is not True
            or answer.get("done_reason") not in {None, "stop"},
            is_thought_only=not text.strip() and bool(message.get("thinking")),
        )

    def probe(self) -> str:
        """Return Ollama's version and the model; after a failure, try a small picture too."""
        try:
            version = self._server.ask("/api/version").get("version", "of an unknown version")
            models = self._server.ask("/api/tags").get("models")
        except Refused as refused:
            if refused.status in {404, 405}:
                raise ConfigError(["OLLAMA_URL: what answers there isn't Ollama"]) from refused
            raise self._server.meaning(refused) from refused
        if not isinstance(models, list):
            raise self._server.unexpected()
        names = {str(one.get("name")) for one in models if isinstance(one, dict)}
        if not names & {self.model, f"{self.model}:latest"}:
            raise self._missing()
        self.try_if_doubtful()
        return f"Ollama {version}, model {self.model}"

    def _body(
        self, picture: Picture, views: tuple[Picture, ...], request: Request
    ) -> dict[str, Any]:
        budget = max_tokens(request, thinks=self._thinks)
        body: dict[str, Any] = {
            "model": self.model,
            "stream": False,
            "options": {"num_predict": budget, "temperature": TEMPERATURE},
            "messages": [
                {"role": "system", "content": guidelines(request)},
                {
                    "role": "user",
                    "content": question(picture, request),
                    "images": [base64.b64encode(one.data).decode("ascii") for one in views],
                },
            ],
        }
        if self._is_told_not_to_think:
            body["think"] = False
        return body

    @property
    def _is_told_not_to_think(self) -> bool:
        return self._takes_switch and bool(self._can_think or self._thinks)

    def _said_to_think(self) -> bool | None:
        """Return what /api/show says; None where it says nothing (Ollama before 0.6.4)."""
        try:
            found = self._server.ask("/api/show", {"model": self.model}).get("capabilities")
        except Refused:
            return None
        return "thinking" in found if isinstance(found, list) else None

    def _missing(self) -> ConfigError:
        return ConfigError([f"OLLAMA_MODEL: Ollama doesn't have it; run: ollama pull {self.model}"])

    def _meaning(self, refused: Refused) -> AltwrightError:
        words = refused.said.lower()
        if "model" in words and "not found" in words:
            error: AltwrightError = self._missing()
            error.operator_detail = f"Ollama answered {refused.status}: {refused.said}"
            return error
        return self._server.meaning(refused)
