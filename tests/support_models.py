"""Model servers whose answers a test decides, and the ways in which they misbehave."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support_leaves import Call, Exchange, LocalServer, picture_bytes

from altwright.describers.model_servers.ollama import Ollama
from altwright.describers.model_servers.openai import OpenAICompatible
from altwright.describers.port import Describer, Picture
from altwright.errors import (
    AltwrightError,
    CaptionUnusable,
    Category,
    ConfigError,
    DescriberUnavailable,
    RateLimited,
)

PICTURE = Picture(picture_bytes(), "image/png", 64, 48)
MODEL = "eyes:7b"
KEY = "sk-secret-key"


def make(kind: str, url: str, *, model: str = MODEL, timeout_s: float = 30) -> Describer:
    """Return a describer of a kind."""
    if kind == "ollama":
        return Ollama(url, model, timeout_s)
    return OpenAICompatible(f"{url}/v1", KEY, model, timeout_s)


@dataclass
class ModelServerDouble:
    """A model server of either kind whose answers a test decides; ``fault`` answers instead.

    ``thoughts`` are what its model thinks before it answers: the answer is there only if the
    tokens suffice for both (a character counts as one), unless thinking is switched off.
    """

    kind: str
    answer: Any = "A black cat sleeps on a red chair."
    cut_off: bool = False
    models: tuple[str, ...] = ("eyes:7b",)
    fault: Callable[[Exchange], None] | None = None
    #: Fields that replace those of the answer (Ollama's top level, OpenAI's choice).
    ending: dict[str, Any] = field(default_factory=dict)
    thoughts: str = ""
    #: Whether the model thinks whatever it is told, and whether the server knows that it thinks.
    always_thinks: bool = False
    capabilities: tuple[str, ...] | None = ("completion", "vision")

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
            case "/api/show" if self.capabilities is not None:
                exchange.answer(200, {"capabilities": list(self.capabilities)})
            case "/api/chat":
                model = exchange.call.json["model"]
                if model not in self.models:
                    exchange.answer(404, {"error": f"model '{model}' not found"})
                    return
                body = exchange.call.json
                is_off = body.get("think") is False and not self.always_thinks
                said = self._said("thinking", body["options"]["num_predict"], is_off=is_off)
                message = {"role": "assistant", **said}
                reason = "length" if self.cut_off or not said["content"] else "stop"
                answer = {"message": message, "done_reason": reason, "done": True}
                exchange.answer(200, answer | self.ending)
            case _:
                exchange.answer(404, b"404 page not found")

    def _openai(self, exchange: Exchange) -> None:
        match exchange.path:
            case "/v1/models":
                data = [{"id": name, "object": "model"} for name in self.models]
                exchange.answer(200, {"object": "list", "data": data})
            case "/v1/chat/completions":
                body = exchange.call.json
                model = body["model"]
                if model not in self.models:
                    error = {"message": f"The model {model} does not exist", "code": "not_found"}
                    exchange.answer(404, {"error": error})
                    return
                is_off = "chat_template_kwargs" in body and not self.always_thinks
                said = self._said("reasoning_content", body.get("max_tokens", 9_000), is_off=is_off)
                reason = "length" if self.cut_off or not said["content"] else "stop"
                message = {"role": "assistant", **said}
                choice = {"index": 0, "message": message, "finish_reason": reason} | self.ending
                exchange.answer(200, {"object": "chat.completion", "choices": [choice]})
            case _:
                exchange.answer(404, {"detail": "Not Found"})

    def _said(self, thoughts: str, tokens: int, *, is_off: bool) -> dict[str, Any]:
        if not self.thoughts or is_off:
            return {"content": self.answer}
        suffices = len(self.thoughts) + len(self.answer) <= tokens
        return {"content": self.answer if suffices else "", thoughts: self.thoughts[:tokens]}


def chats(server: LocalServer) -> list[Call]:
    """Return the calls that asked for a description."""
    return [call for call in server.calls if call.path.endswith(("/chat", "/completions"))]


# --- misbehaviour ---


@dataclass(frozen=True)
class Misbehaviour:
    """What a model server does wrong, and what is to come of it.

    ``says`` is in the error's text, ``tells`` in what only the operator reads. In ConfigError's
    text URL, KEY and MODEL stand for the describer's settings.
    """

    name: str
    act: Callable[[Exchange], None]
    error: type[AltwrightError]
    says: str = ""
    tells: str = ""
    category: Category | None = None
    #: Seconds after which the server wants to be asked again; 0: it says nothing.
    retry_in_s: float = 0


def answering(status: int, error: Any, **headers: str) -> Callable[[Exchange], None]:
    """Answer with an error in the common shape; bytes as they are."""
    body = error if isinstance(error, bytes) else {"error": error}
    return lambda exchange: exchange.answer(status, body, **headers)


def cut_midway(exchange: Exchange) -> None:
    """Die in the middle of the answer."""
    exchange.send_response(200)
    exchange.send_header("Content-Length", "5000")
    exchange.end_headers()
    exchange.wfile.write(b'{"message": {"content": "A bla')
    exchange.drop()


def never_end(exchange: Exchange) -> None:
    """Send blanks for as long as somebody takes them."""
    exchange.close_connection = True
    exchange.send_response(200)
    exchange.end_headers()
    while not exchange.server.closing.is_set():
        exchange.wfile.write(b" " * 65_536)


def dribble(exchange: Exchange) -> None:
    """Send a blank now and then, for ever."""
    exchange.close_connection = True
    exchange.send_response(200)
    exchange.end_headers()
    while not exchange.server.closing.wait(0.02):
        exchange.wfile.write(b" ")
        exchange.wfile.flush()


def never_answer(exchange: Exchange) -> None:
    """Hang."""
    exchange.wait_for_end()


def send_bomb(exchange: Exchange) -> None:
    """Send a little that unpacks to 20 MB, more than any answer has."""
    exchange.answer(200, gzip.compress(b" " * 20_000_000, 9), Content_Encoding="gzip")


def _flagged(code: int) -> dict[str, Any]:
    return {"code": code, "message": "Input was flagged", "metadata": {"reasons": ["violence"]}}


MISBEHAVIOURS = [
    Misbehaviour("500", answering(500, "boom"), DescriberUnavailable, "(it answered 500)", "boom"),
    Misbehaviour("503 empty", answering(503, b""), DescriberUnavailable, "in trouble"),
    Misbehaviour(
        "loading",
        answering(503, {"message": "Loading model", "type": "unavailable_error"}),
        DescriberUnavailable,
        "in trouble",
        "Loading model",
    ),
    Misbehaviour(
        "a model runner that stops",
        answering(500, "model runner has unexpectedly stopped, this may be due to resources"),
        DescriberUnavailable,
        "in trouble",
        "unexpectedly stopped",
    ),
    Misbehaviour(
        "hangs up",
        lambda one: one.drop(),
        DescriberUnavailable,
        "hung up",
        category=Category.NETWORK,
    ),
    Misbehaviour(
        "dies midway", cut_midway, DescriberUnavailable, "hung up", category=Category.NETWORK
    ),
    Misbehaviour(
        "a page", lambda one: one.answer(200, b"<html>"), DescriberUnavailable, "isn't what"
    ),
    Misbehaviour("a list", lambda one: one.answer(200, []), DescriberUnavailable, "isn't what"),
    Misbehaviour(
        "another shape", lambda one: one.answer(200, {"x": 1}), DescriberUnavailable, "isn't what"
    ),
    Misbehaviour(
        "deep JSON",
        lambda one: one.answer(200, b"[" * 200_000),
        DescriberUnavailable,
        "isn't what",
    ),
    Misbehaviour("never ends", never_end, DescriberUnavailable, "isn't what", "bytes"),
    Misbehaviour("a bomb", send_bomb, DescriberUnavailable, "isn't what", "bytes"),
    Misbehaviour(
        "out of time",
        answering(408, "slow"),
        DescriberUnavailable,
        "time",
        category=Category.TIMEOUT,
    ),
    Misbehaviour(
        "asks to wait", answering(429, {}, Retry_After="42"), RateLimited, "to wait", retry_in_s=42
    ),
    Misbehaviour(
        "no credit",
        answering(402, {"message": "Payment needed"}),
        ConfigError,
        "KEY: its account at the model server has no credit left",
        "Payment needed",
    ),
    Misbehaviour(
        "no quota",
        answering(
            429,
            {"message": "You exceeded your current quota", "code": "insufficient_quota"},
        ),
        ConfigError,
        "has no credit left",
        "exceeded your current quota",
    ),
    Misbehaviour(
        "too little credit",
        answering(400, {"message": "Your credit balance is too low to access the API."}),
        ConfigError,
        "has no credit left",
    ),
    Misbehaviour(
        "no credit, with 200",
        answering(200, {"code": 402, "message": "Insufficient credits"}),
        ConfigError,
        "has no credit left",
    ),
    Misbehaviour("wrong key", answering(401, "key?"), ConfigError, "KEY: "),
    Misbehaviour("forbidden", answering(403, "key?"), ConfigError, "KEY: "),
    Misbehaviour(
        "a wall in front",
        answering(403, b"<!DOCTYPE html><title>Just a moment...</title>"),
        DescriberUnavailable,
        "in front of",
    ),
    Misbehaviour("moderation", answering(403, _flagged(403)), CaptionUnusable, "rules", "violence"),
    Misbehaviour("moderation, with 200", answering(200, _flagged(403)), CaptionUnusable, "rules"),
    Misbehaviour(
        "a filter",
        answering(400, {"message": "ResponsibleAIPolicyViolation", "code": "content_filter"}),
        CaptionUnusable,
        "rules",
    ),
    Misbehaviour(
        "unknown model",
        answering(404, {"message": "model 'eyes:7b' not found"}),
        ConfigError,
        "MODEL: ",
        "not found",
    ),
    Misbehaviour(
        "no access to the model",
        answering(
            403,
            {"message": "Project does not have access to model eyes", "code": "model_not_found"},
        ),
        ConfigError,
        "MODEL: ",
    ),
    Misbehaviour("another server", lambda one: one.answer(404, b"not here"), ConfigError, "URL: "),
    Misbehaviour(
        "moved", lambda one: one.answer(301, Location="https://x.example"), ConfigError, "URL: "
    ),
    Misbehaviour(
        "blind",
        answering(400, {"message": "this model does not support images"}),
        ConfigError,
        "MODEL: eyes:7b can't see pictures",
    ),
    Misbehaviour(
        "blind, by its endpoints",
        answering(404, {"message": "No endpoints found that support image input"}),
        ConfigError,
        "can't see pictures",
    ),
    Misbehaviour(
        "an unknown format",
        answering(400, {"message": "image format webp is not supported"}),
        CaptionUnusable,
        "can't read",
    ),
    Misbehaviour(
        "blind, with 500",
        answering(500, {"message": "image input is not supported - you may need the mmproj"}),
        ConfigError,
        "can't see pictures",
    ),
    Misbehaviour(
        "context",
        answering(400, "prompt too long; exceeded max context length by 812 tokens"),
        CaptionUnusable,
        "more than the model takes in",
        "812 tokens",
    ),
    Misbehaviour(
        "context, with 500",
        answering(500, {"message": "the request exceeds the available context size"}),
        CaptionUnusable,
        "more than the model takes in",
    ),
    Misbehaviour(
        "too small",
        answering(400, {"message": "height:1 or width:1 must be larger than factor:28"}),
        CaptionUnusable,
        "too small",
    ),
    Misbehaviour(
        "too small, with 500",
        answering(500, {"message": "height:1 or width:1 must be larger than factor:28"}),
        CaptionUnusable,
        "too small",
    ),
    Misbehaviour(
        "an unknown format, with 500",
        answering(500, "an error was encountered while running the model: image: unknown format"),
        CaptionUnusable,
        "can't read",
    ),
    *(
        Misbehaviour(
            f"trouble in words about pictures: {said}",
            answering(status, said, Retry_After="42"),
            DescriberUnavailable,
            "in trouble",
            retry_in_s=42,
        )
        for status, said in (
            (500, "failed to process image: CUDA out of memory"),
            (503, "The service cannot process your image right now. Overloaded, please retry"),
            (502, "upstream request failed to read image data: connection reset"),
            (500, "CUDA error: KV cache size too small for batch"),
            (500, "unable to load image encoder: CUDA out of memory"),
            (500, "The image request timed out; minimum resources unavailable"),
            (500, "failed to create a context of size 4096: context size, out of memory"),
            (500, "The image could not be described. Please contact support"),
        )
    ),
    Misbehaviour(
        "addresses only",
        answering(400, {"message": "Invalid 'image_url': only https URLs are supported"}),
        ConfigError,
        "takes pictures by their address only",
    ),
    Misbehaviour(
        "maintenance",
        answering(503, b"<!DOCTYPE html><title>Maintenance</title>", Retry_After="42"),
        DescriberUnavailable,
        "in front of",
        retry_in_s=42,
    ),
    Misbehaviour("413", answering(413, b"large"), CaptionUnusable, "too large"),
    Misbehaviour(
        "too large",
        answering(400, {"message": "image exceeds 5 MB maximum: 6123444 bytes"}),
        CaptionUnusable,
        "too large",
    ),
    Misbehaviour(
        "can't be read",
        answering(400, {"message": "Failed to load image: cannot identify image file"}),
        CaptionUnusable,
        "can't read",
    ),
    Misbehaviour("400", answering(400, "bad"), CaptionUnusable, "refused the picture (400)", "bad"),
    Misbehaviour(
        "a detail instead of an error",
        lambda one: one.answer(422, {"detail": [{"msg": "field required"}]}),
        CaptionUnusable,
        "refused the picture (422)",
        "field required",
    ),
    Misbehaviour("an error with 200", answering(200, "boom"), DescriberUnavailable, "", "boom"),
    Misbehaviour(
        "says secrets",
        answering(
            500, "sk-secret-key at /srv/models/eyes.gguf, see https://h.example/?token=abcdef"
        ),
        DescriberUnavailable,
        "",
        "see https",
    ),
    Misbehaviour(
        "says terminal codes",
        lambda one: one.answer(500, json.dumps({"error": "\x1b[31mboom\u202e\x9b"}).encode()),
        DescriberUnavailable,
        "",
        "[31mboom",
    ),
]
