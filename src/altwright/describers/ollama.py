"""Ollama: vision models on a machine of one's own."""

from __future__ import annotations

import base64
from typing import Any

from altwright.describers.answers import alt_text
from altwright.describers.port import Describer, Description, Picture, Request
from altwright.describers.prompts import guidelines, max_tokens, question
from altwright.describers.server import ModelServer, Refused, is_blind, refused_picture
from altwright.describers.showing import shown
from altwright.errors import ConfigError

#: Low, because a description isn't to be original.
TEMPERATURE = 0.2


class Ollama(Describer):
    """A describer that asks an Ollama server.

    Source: Ollama's docs/api.md (chat, version, tags).
    """

    name = "ollama"

    def __init__(self, url: str, model: str, timeout_s: float) -> None:
        """Ask ``model`` at ``url``; nothing is called yet."""
        self._model = model
        self._server = ModelServer("Ollama", url, timeout_s, settings=("OLLAMA_URL", "OLLAMA_URL"))

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self._model

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture."""
        try:
            answer = shown(
                picture,
                lambda views: self._server.ask("/api/chat", self._body(picture, views, request)),
            )
        except Refused as refused:
            raise self._meaning(refused) from refused
        message = answer.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise self._server.unexpected()
        cut_off = answer.get("done_reason") == "length"
        text = alt_text(message["content"], max_length=request.max_length, cut_off=cut_off)
        return Description(text, self.name, self._model)

    def _body(
        self, picture: Picture, views: tuple[Picture, ...], request: Request
    ) -> dict[str, Any]:
        return {
            "model": self._model,
            "stream": False,
            "options": {"num_predict": max_tokens(request), "temperature": TEMPERATURE},
            "messages": [
                {"role": "system", "content": guidelines(request)},
                {
                    "role": "user",
                    "content": question(picture, request),
                    "images": [base64.b64encode(one.data).decode("ascii") for one in views],
                },
            ],
        }

    def probe(self) -> str:
        """Return Ollama's version and the model."""
        try:
            version = self._server.ask("/api/version").get("version", "of an unknown version")
            models = self._server.ask("/api/tags").get("models")
        except Refused as refused:
            raise ConfigError(["OLLAMA_URL: what answers there isn't Ollama"]) from refused
        if not isinstance(models, list):
            raise self._server.unexpected()
        names = {str(one.get("name")) for one in models if isinstance(one, dict)}
        if not names & {self._model, f"{self._model}:latest"}:
            raise self._missing()
        return f"Ollama {version}, model {self._model}"

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _missing(self) -> ConfigError:
        return ConfigError(
            [f"OLLAMA_MODEL: Ollama doesn't have it; run: ollama pull {self._model}"]
        )

    def _meaning(self, refused: Refused) -> Exception:
        said = refused.said.lower()
        if "model" in said and "not found" in said:
            return self._missing()
        if refused.status in {404, 405}:
            return ConfigError(["OLLAMA_URL: what answers there isn't Ollama"])
        if is_blind(refused):
            return ConfigError([f"OLLAMA_MODEL: {self._model} can't see pictures"])
        return refused_picture("Ollama", refused)
