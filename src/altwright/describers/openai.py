"""Servers that speak OpenAI's API: OpenAI, vLLM, llama.cpp, LM Studio, and many more."""

from __future__ import annotations

import base64
from typing import Any

from altwright.describers.answers import alt_text
from altwright.describers.port import Describer, Description, Picture, Request
from altwright.describers.prompts import guidelines, max_tokens, question
from altwright.describers.server import ModelServer, Refused, is_blind, refused_picture
from altwright.describers.showing import shown
from altwright.errors import CaptionUnusable, ConfigError

#: Low, because a description isn't to be original.
TEMPERATURE = 0.2


class OpenAICompatible(Describer):
    """A describer that asks for chat completions with a picture.

    Source: OpenAI's API reference (chat completions, models).
    """

    name = "openai"

    def __init__(self, base_url: str, api_key: str, model: str, timeout_s: float) -> None:
        """Ask ``model`` at ``base_url`` (up to and with /v1); nothing is called yet."""
        self._model = model
        self._server = ModelServer(
            "The model server",
            base_url,
            timeout_s,
            settings=("OPENAI_BASE_URL", "OPENAI_API_KEY"),
            key=api_key,
        )
        #: Parameters that this server doesn't take, learnt from its refusals.
        self._unwanted: set[str] = set()

    @property
    def model(self) -> str:
        """Return the model's name."""
        return self._model

    def describe(self, picture: Picture, request: Request) -> Description:
        """Describe one picture."""
        answer = shown(picture, lambda views: self._complete(picture, views, request))
        try:
            choice = answer["choices"][0]
            content = _text(choice["message"].get("content"))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise self._server.unexpected() from error
        if choice.get("finish_reason") == "content_filter" or choice["message"].get("refusal"):
            raise CaptionUnusable("The model refused to describe the picture.")
        cut_off = choice.get("finish_reason") == "length"
        text = alt_text(content, max_length=request.max_length, cut_off=cut_off)
        return Description(text, self.name, self._model)

    def probe(self) -> str:
        """Return what the server has, by its list of models."""
        try:
            models = self._server.ask("/models").get("data")
        except Refused as refused:
            raise ConfigError(
                ["OPENAI_BASE_URL: no OpenAI-compatible server; should end in /v1 for most"]
            ) from refused
        if not isinstance(models, list):
            raise self._server.unexpected()
        listed = [one for one in models if isinstance(one, dict)]
        # llama.cpp has one model, lists it by its file and answers to any name.
        is_lax = any(one.get("owned_by") == "llamacpp" for one in listed)
        if listed and not is_lax and self._model not in {one.get("id") for one in listed}:
            raise ConfigError([f"OPENAI_MODEL: the server doesn't have {self._model}"])
        return f"OpenAI-compatible server, model {self._model}"

    def close(self) -> None:
        """Do nothing: no connection is kept."""

    def _complete(
        self, picture: Picture, views: tuple[Picture, ...], request: Request
    ) -> dict[str, Any]:
        """Ask; once more without a parameter that the server turns out not to take."""
        while True:
            try:
                return self._server.ask("/chat/completions", self._body(picture, views, request))
            except Refused as refused:
                unwanted = _unwanted(refused) - self._unwanted
                if not unwanted:
                    raise self._meaning(refused) from refused
                self._unwanted |= unwanted

    def _body(
        self, picture: Picture, views: tuple[Picture, ...], request: Request
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "temperature": TEMPERATURE,
            "max_tokens": max_tokens(request),
            "messages": [
                {"role": "system", "content": guidelines(request)},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": question(picture, request)},
                        *({"type": "image_url", "image_url": {"url": _url(one)}} for one in views),
                    ],
                },
            ],
        }
        if "max_tokens" in self._unwanted:
            body["max_completion_tokens"] = max_tokens(request)
        return {name: value for name, value in body.items() if name not in self._unwanted}

    def _meaning(self, refused: Refused) -> Exception:
        said = refused.said.lower()
        if refused.status == 404 or ("model" in said and "not" in said and "exist" in said):  # noqa: PLR2004 - HTTP's not found
            return ConfigError(
                [f"OPENAI_MODEL: {self._model} isn't there, or OPENAI_BASE_URL is wrong"]
            )
        if is_blind(refused):
            return ConfigError([f"OPENAI_MODEL: {self._model} can't see pictures"])
        return refused_picture("The model server", refused)


def _url(picture: Picture) -> str:
    encoded = base64.b64encode(picture.data).decode("ascii")
    return f"data:{picture.media_type};base64,{encoded}"


def _unwanted(refused: Refused) -> set[str]:
    """Return parameters that a refusal is about.

    Source: OpenAI's reasoning models take max_completion_tokens only, and no temperature.
    """
    if refused.status != 400:  # noqa: PLR2004 - HTTP's bad request
        return set()
    return {name for name in ("max_tokens", "temperature") if name in refused.said}


def _text(content: Any) -> str:
    """Return an answer's text, which may come in parts; "" where there is none."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(content or "")
