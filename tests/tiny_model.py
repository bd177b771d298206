"""A vision model of 300 kB, made here: it loads, looks and answers as a large one does.

Its eyes are random. Its language is a chain: whatever it is asked, it says ``SAYS``, word by word.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import gguf
import numpy as np

SAYS: Final = "A red disc on white paper."
_WORDS: Final = ("▁A", "▁red", "▁disc", "▁on", "▁white", "▁paper", ".")
_SPECIAL: Final = ("<unk>", "<s>", "</s>")
_END: Final = 2
#: Numbers of a token, and of what the eyes see; pixels of a side, and of a patch's.
_WIDTH, _SIGHT, _SIDE, _PATCH = 64, 32, 56, 14
#: How much likelier the next word is than any other.
_SURE: Final = 5.0
_TEMPLATE: Final = "{% for one in messages %}{{ one.content }}\n{% endfor %}ASSISTANT:"


def write_pair(folder: Path) -> tuple[Path, Path]:
    """Write the language model and its projector; the same bytes each time."""
    random = np.random.default_rng(7)
    weights, projector = folder / "tiny-Q8_0.gguf", folder / "mmproj-tiny-Q8_0.gguf"
    _language(weights, random)
    _eyes(projector, random)
    return weights, projector


def _language(path: Path, random: np.random.Generator) -> None:
    tokens = [*_SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *_WORDS]
    first = len(tokens) - len(_WORDS)
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(_WORDS)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(8192)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_WIDTH)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(_WIDTH // 2)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(position) for position in range(len(tokens))])
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(_END)
    writer.add_unk_token_id(0)
    writer.add_chat_template(_TEMPLATE)
    # What was said last stands at its own place; each word follows from the one before it.
    places = np.zeros((len(tokens), _WIDTH), np.float32)
    places[:, 0] = 1.0
    follows = np.zeros((len(tokens), _WIDTH), np.float32)
    for at in range(len(_WORDS)):
        places[first + at] = 0.0
        places[first + at, at + 1] = 1.0
        follows[first + at, at] = _SURE
    follows[_END, len(_WORDS)] = _SURE
    writer.add_tensor("token_embd.weight", places)
    writer.add_tensor("output.weight", follows)
    writer.add_tensor("output_norm.weight", np.ones(_WIDTH, np.float32))
    square = (_WIDTH, _WIDTH)
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(_WIDTH, np.float32))
    for name in ("attn_q", "attn_k", "attn_v", "ffn_gate", "ffn_up"):
        writer.add_tensor(f"blk.0.{name}.weight", _drawn(random, square))
    for name in ("attn_output", "ffn_down"):  # nothing comes of what it thinks
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(square, np.float32))
    _write(writer)


def _eyes(path: Path, random: np.random.Generator) -> None:
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name("tiny eyes")
    writer.add_clip_has_vision_encoder(value=True)
    writer.add_bool("clip.has_llava_projector", val=True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_image_size(_SIDE)
    writer.add_vision_patch_size(_PATCH)
    writer.add_vision_embedding_length(_SIGHT)
    writer.add_vision_feed_forward_length(_SIGHT)
    writer.add_vision_projection_dim(_WIDTH)
    writer.add_vision_block_count(2)
    writer.add_vision_head_count(2)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_image_mean([0.5, 0.5, 0.5])
    writer.add_vision_image_std([0.5, 0.5, 0.5])
    writer.add_vision_use_gelu(value=True)
    patches = (_SIDE // _PATCH) ** 2
    writer.add_tensor("v.class_embd", _drawn(random, (_SIGHT,)))
    writer.add_tensor("v.patch_embd.weight", _drawn(random, (_SIGHT, 3, _PATCH, _PATCH)))
    writer.add_tensor("v.position_embd.weight", _drawn(random, (patches + 1, _SIGHT)))
    square = (_SIGHT, _SIGHT)
    for layer in range(2):
        for name in ("ln1", "ln2"):
            _norm(writer, f"v.blk.{layer}.{name}")
        for name in ("attn_q", "attn_k", "attn_v", "attn_out", "ffn_up", "ffn_down"):
            writer.add_tensor(f"v.blk.{layer}.{name}.weight", _drawn(random, square))
            writer.add_tensor(f"v.blk.{layer}.{name}.bias", _drawn(random, (_SIGHT,)))
    _norm(writer, "v.pre_ln")
    writer.add_tensor("mm.0.weight", _drawn(random, (_WIDTH, _SIGHT)))
    writer.add_tensor("mm.0.bias", _drawn(random, (_WIDTH,)))
    writer.add_tensor("mm.2.weight", _drawn(random, (_WIDTH, _WIDTH)))
    writer.add_tensor("mm.2.bias", _drawn(random, (_WIDTH,)))
    _write(writer)


def _norm(writer: gguf.GGUFWriter, name: str) -> None:
    writer.add_tensor(f"{name}.weight", np.ones(_SIGHT, np.float32))
    writer.add_tensor(f"{name}.bias", np.zeros(_SIGHT, np.float32))


def _drawn(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return (random.standard_normal(shape) * 0.02).astype(np.float32)


def _write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
