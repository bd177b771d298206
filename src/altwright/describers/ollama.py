"""Ollama: vision models on a machine of one's own."""

from __future__ import annotations

import base64
from typing import Any

from altwright.describers.answers import alt_text
from altwright.describers.port import Describer, Description, Picture, Request
from altwright.describers.prompts import TRIAL, guidelines, max_tokens, question
from altwright.describers.refused import Names, Refused
from altwright.describers.server import ModelServer, only_thought
from altwright.describers.showing import shown
from altwright.errors import AltwrightError, ConfigError, DescriberUnavailable

#: Low, because a description isn't to be original.
TEMPERATURE = 0.2


class Ollama(Describer):
    """A describer that asks an Ollama server.

    Source: Ollama's docs/api.md (chat, show, version, tags).
    """

    name = "ollama"

    def __init__(self, url: str, model: str, timeout_s: float) -> None:
        """Ask ``model`` at ``url``; nothing is called yet."""
        self._model = model
        names = Names("Ollama", "OLLAMA_URL", "OLLAMA_URL", "OLLAMA_MODEL", model)
        self._server = ModelServer(names, url, timeout_s)
        #: Whether the model thinks before it answers; None: not asked yet.
        self._thinks: bool | None = None
        #: Whether it thinks even when told not to (gpt-oss does).
        self._always_thinks = False
        #: Whether the last picture failed by the server's fault: then a probe tries one.
        self._is_doubtful = False

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self._model

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture."""
        try:
            answer = self._answer(picture, request)
        except (DescriberUnavailable, ConfigError):
            self._is_doubtful = True
            raise
        self._is_doubtful = False
        content = answer["message"]["content"]
        if not content.strip() and answer["message"].get("thinking"):
            raise only_thought(self._model)
        # Without its last line an answer is a part of one, whatever the reason says.
        cut_off = answer.get("done") is not True or answer.get("done_reason") not in {None, "stop"}
        text = alt_text(content, max_length=request.max_length, cut_off=cut_off)
        return Description(text, self.name, self._model)

    def probe(self) -> str:
        """Return Ollama's version and the model; after a failure, try a small picture too."""
        try:
            version = self._server.ask("/api/version").get("version", "of an unknown version")
            models = self._server.ask("/api/tags").get("models")
        except Refused as refused:
            raise self._not_ollama(refused) from refused
        if not isinstance(models, list):
            raise self._server.unexpected()
        names = {str(one.get("name")) for one in models if isinstance(one, dict)}
        if not names & {self._model, f"{self._model}:latest"}:
            raise self._missing()
        if self._is_doubtful:
            self._chat(*TRIAL, budget=1)
            self._is_doubtful = False
        return f"Ollama {version}, model {self._model}"

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _answer(self, picture: Picture, request: Request) -> dict[str, Any]:
        """Ask; once more, with room for thoughts, if the model used its answer up on them."""
        if self._thinks is None:
            self._thinks = self._can_think()
        budget = max_tokens(request, thinks=self._always_thinks)
        answer = self._chat(picture, request, budget=budget)
        message = answer["message"]
        if not message["content"].strip() and message.get("thinking") and not self._always_thinks:
            self._thinks = self._always_thinks = True
            answer = self._chat(picture, request, budget=max_tokens(request, thinks=True))
        return answer

    def _chat(self, picture: Picture, request: Request, *, budget: int) -> dict[str, Any]:
        """Return an answer that has a message with a text, which may be empty."""
        try:
            answer = shown(
                picture,
                lambda views: self._server.ask(
                    "/api/chat", self._body(picture, views, request, budget=budget)
                ),
            )
        except Refused as refused:
            if self._thinks and "think" in refused.said.lower():
                self._thinks = False  # it takes no switch
                return self._chat(picture, request, budget=budget)
            raise self._meaning(refused) from refused
        message = answer.get("message")
        if not isinstance(message, dict) or not isinstance(message.get("content"), str):
            raise self._server.unexpected()
        return answer

    def _body(
        self, picture: Picture, views: tuple[Picture, ...], request: Request, *, budget: int
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
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
        if self._thinks:
            body["think"] = False
        return body

    def _can_think(self) -> bool | None:
        """Return what /api/show says; None where it says nothing (Ollama before 0.6.4)."""
        try:
            found = self._server.ask("/api/show", {"model": self._model}).get("capabilities")
        except Refused:
            return None
        return "thinking" in found if isinstance(found, list) else None

    def _missing(self) -> ConfigError:
        return ConfigError(
            [f"OLLAMA_MODEL: Ollama doesn't have it; run: ollama pull {self._model}"]
        )

    def _not_ollama(self, refused: Refused) -> AltwrightError:
        if refused.status in {404, 405}:
            return ConfigError(["OLLAMA_URL: what answers there isn't Ollama"])
        return self._server.meaning(refused)

    def _meaning(self, refused: Refused) -> AltwrightError:
        words = refused.said.lower()
        if "model" in words and "not found" in words:
            error: AltwrightError = self._missing()
            error.operator_detail = f"Ollama answered {refused.status}: {refused.said}"
            return error
        return self._server.meaning(refused)
