"""Servers that speak OpenAI's API: OpenAI, vLLM, llama.cpp, LM Studio, and many more."""

from __future__ import annotations

import base64
from typing import Any

from altwright.describers.model_servers.asking import TEMPERATURE, Answer, ServedModel
from altwright.describers.model_servers.calls import ModelServer
from altwright.describers.model_servers.error_meanings import Names, Refused
from altwright.describers.model_servers.prompts import guidelines, max_tokens, question
from altwright.describers.port import Picture, Request
from altwright.errors import ConfigError

#: What servers call an answer that is whole. All else, and nothing, counts as cut off.
_WHOLE = frozenset(
    {"stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete", "completed"}
)
#: What asks a model to think little or not at all; each server takes its own and refuses others.
_NO_THOUGHTS: dict[str, Any] = {
    "reasoning_effort": "low",
    "chat_template_kwargs": {"enable_thinking": False},
}
#: Parameters that are left out, or sent by another name, once a server has refused them.
_OPTIONAL = ("max_tokens", "temperature", *_NO_THOUGHTS)


class OpenAICompatible(ServedModel):
    """A describer that asks for chat completions with a picture.

    Source: OpenAI's API reference (chat completions, models).
    """

    name = "openai"

    def __init__(
        self,
        base_url: str,
        api_key: str,
        model: str,
        timeout_s: float,
        *,
        names: Names | None = None,
        is_direct: bool = False,
    ) -> None:
        """Ask ``model`` at ``base_url`` (up to and with /v1); nothing is called yet.

        ``names`` are for messages; ``is_direct``: past the proxies of the environment.
        """
        names = names or Names(
            "The model server", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", model
        )
        server = ModelServer(names, base_url, timeout_s, key=api_key, is_direct=is_direct)
        super().__init__(server)
        #: Parameters that this server doesn't take, learnt from its refusals.
        self._unwanted: set[str] = set()

    def complete(self, picture: Picture, views: tuple[Picture, ...], request: Request) -> Answer:
        """Return the first choice; asks again without a parameter that the server doesn't take."""
        while True:
            try:
                choice = self._choice(
                    self._server.ask("/chat/completions", self._body(picture, views, request))
                )
            except Refused as refused:
                unwanted = _unwanted(refused) - self._unwanted
                if not unwanted:
                    raise self._server.meaning(refused) from refused
                self._unwanted |= unwanted
            else:
                return _answer(choice)

    def probe(self) -> str:
        """Return what the server has, by its list of models; after a failure, try a picture too."""
        try:
            self._check_models(self._server.ask("/models").get("data"))
        except Refused as refused:
            if refused.status not in {404, 405}:
                raise self._server.meaning(refused) from refused
            self.try_one()  # some servers have no list
        self.try_if_doubtful()
        return f"OpenAI-compatible server, model {self.model}"

    def _check_models(self, models: Any) -> None:
        if not isinstance(models, list):
            raise self._server.unexpected()
        listed = [one for one in models if isinstance(one, dict)]
        # llama.cpp has one model, lists it by its file and answers to any name.
        is_lax = any(one.get("owned_by") == "llamacpp" for one in listed)
        if listed and not is_lax and self.model not in {one.get("id") for one in listed}:
            raise ConfigError([f"OPENAI_MODEL: the server doesn't have {self.model}"])

    def try_one(self) -> None:
        """Ask for a word on a small picture; say how the address of most servers ends."""
        try:
            super().try_one()
        except ConfigError as error:
            if error.problems[0].startswith("OPENAI_BASE_URL"):
                raise ConfigError(
                    ["OPENAI_BASE_URL: no OpenAI-compatible server; should end in /v1 for most"]
                ) from error
            raise

    def _choice(self, answer: dict[str, Any]) -> dict[str, Any]:
        choices = answer.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            raise self._server.unexpected()
        if choice.get("error"):  # OpenRouter: the server behind it failed in the middle
            raise self._server.refusal(choice["error"])
        if not isinstance(choice.get("message"), dict):
            raise self._server.unexpected()
        return choice

    def _body(
        self, picture: Picture, views: tuple[Picture, ...], request: Request
    ) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "temperature": TEMPERATURE,
            "max_tokens": max_tokens(request, thinks=self._thinks),
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
        if self._thinks:
            body |= _NO_THOUGHTS
        if "max_tokens" in self._unwanted:
            body["max_completion_tokens"] = body["max_tokens"]
        return {name: value for name, value in body.items() if name not in self._unwanted}


def _url(picture: Picture) -> str:
    encoded = base64.b64encode(picture.data).decode("ascii")
    return f"data:{picture.media_type};base64,{encoded}"


def _unwanted(refused: Refused) -> set[str]:
    """Return parameters that a refusal is about.

    Source: OpenAI's reasoning models take max_completion_tokens only, and no temperature.
    """
    if refused.status not in {400, 422}:
        return set()
    return {name for name in _OPTIONAL if name in refused.said}


def _answer(choice: dict[str, Any]) -> Answer:
    """Return a choice's text, and whether the answer ended before it began.

    Sources: DeepSeek, vLLM and llama.cpp put thoughts into "reasoning_content", OpenRouter and
    newer vLLM into "reasoning"; OpenAI counts their tokens and shows none.
    """
    reason, message = choice.get("finish_reason"), choice["message"]
    text, refusal = _text(message.get("content")), message.get("refusal")
    thoughts = message.get("reasoning_content") or message.get("reasoning")
    is_silent = not text.strip() and not refusal
    return Answer(
        text,
        is_cut_off=str(reason).lower() not in _WHOLE,
        is_thought_only=is_silent and (bool(thoughts) or reason == "length"),
        is_refusal=reason == "content_filter" or bool(refusal),
    )


def _text(content: Any) -> str:
    """Return an answer's text, which may come in parts; "" where there is none.

    Parts of other types ("reasoning", "thinking") aren't for people.
    """
    if isinstance(content, list):
        texts = [
            part.get("text")
            for part in content
            if isinstance(part, dict) and part.get("type", "text") in {"text", "output_text"}
        ]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""
