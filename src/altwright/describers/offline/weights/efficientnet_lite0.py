"""EfficientNet-lite0 as an ONNX graph, from the weights' PyTorch file and without PyTorch."""

from __future__ import annotations

import pickle  # the file's hash is checked before, and only names on a list are resolved
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

#: Kernel, stride, expansion, channels and repeats of the seven stages.
#: Source: EfficientNet-lite0 of the TensorFlow TPU models (efficientnet_lite_builder.py).
_STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM_CHANNELS: Final = 32
_INPUT_PX: Final = 224
_CLASSES: Final = 1000
#: Epsilon of the batch normalisations, as trained in TensorFlow.
_EPSILON: Final = 1e-3
#: Oldest operator set with Clip on inputs; newer runtimes read it too.
_OPSET: Final = 13
_IR_VERSION: Final = 8
#: First number of a PyTorch file of the kind before 1.6 (torch.serialization.MAGIC_NUMBER).
_MAGIC: Final = 0x1950A86A20F9469CFC6C

Floats = NDArray[np.float32]


def convert(weights: bytes) -> bytes:
    """Return the graph for RGB input ``(n, 3, 224, 224)`` scaled to (value - 127) / 128.

    Batch normalisations are folded into the convolutions; the output is 1,000 probabilities.

    Raises:
        ValueError: the bytes aren't such a file.
    """
    return _Graph(_read(weights)).build()


class _Graph:
    def __init__(self, weights: dict[str, Floats]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._bounds = [self._constant("zero", np.array(0)), self._constant("six", np.array(6))]

    def build(self) -> bytes:
        at = self._conv("images", "_conv_stem", "_bn0", stride=2)
        channels, number = _STEM_CHANNELS, 0
        for kernel, first_stride, expansion, out, repeats in _STAGES:
            for repeat in range(repeats):
                stride = first_stride if repeat == 0 else 1
                at = self._block(
                    at, number, kernel, stride, expands=expansion > 1, skips=channels == out
                )
                channels, number = out, number + 1
        at = self._conv(at, "_conv_head", "_bn1")
        at = self._node("GlobalAveragePool", [at])
        at = self._node("Flatten", [at], axis=1)
        fc = [self._constant(name, self._weights[name]) for name in ("_fc.weight", "_fc.bias")]
        at = self._node("Gemm", [at, *fc], transB=1)
        self._nodes.append(helper.make_node("Softmax", [at], ["probabilities"], axis=1))
        shape: list[str | int | None] = ["n", 3, _INPUT_PX, _INPUT_PX]
        graph = helper.make_graph(
            self._nodes,
            "efficientnet-lite0",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", _CLASSES])],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _block(
        self, before: str, number: int, kernel: int, stride: int, *, expands: bool, skips: bool
    ) -> str:
        name = f"_blocks.{number}."
        at = before
        if expands:
            at = self._conv(at, f"{name}_expand_conv", f"{name}_bn0")
        at = self._conv(
            at,
            f"{name}_depthwise_conv",
            f"{name}_bn1",
            kernel=kernel,
            stride=stride,
            depthwise=True,
        )
        at = self._conv(at, f"{name}_project_conv", f"{name}_bn2", bounded=False)
        return self._node("Add", [at, before]) if skips and stride == 1 else at

    def _conv(
        self,
        before: str,
        conv: str,
        norm: str,
        *,
        kernel: int | None = None,
        stride: int = 1,
        depthwise: bool = False,
        bounded: bool = True,
    ) -> str:
        kernels = self._weights[f"{conv}.weight"]
        if kernel is not None and kernels.shape[2] != kernel:
            raise ValueError(f"{conv} has another size than EfficientNet-lite0's.")
        scale = self._weights[f"{norm}.weight"] / np.sqrt(
            self._weights[f"{norm}.running_var"] + np.float32(_EPSILON)
        )
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        folded = self._constant(f"{conv}.w", kernels * scale[:, None, None, None])
        at = self._node(
            "Conv",
            [before, folded, self._constant(f"{conv}.b", bias)],
            strides=[stride, stride],
            kernel_shape=list(kernels.shape[2:]),
            group=kernels.shape[0] if depthwise else 1,
            auto_pad="SAME_UPPER",
        )
        return self._node("Clip", [at, *self._bounds]) if bounded else at

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        array = np.asarray(values, np.float32, order="C")
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def _node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        output = f"{operator}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output


def _read(weights: bytes) -> dict[str, Floats]:
    """Return the tensors of a PyTorch file older than 1.6: four pickles, then raw storages."""
    stream = BytesIO(weights)
    try:
        if _Reader(stream).load() != _MAGIC:
            raise ValueError("The weights aren't a PyTorch file.")
        _Reader(stream).load()  # protocol version
        _Reader(stream).load()  # byte order and sizes: little-endian, checked with the file's hash
        views = _Reader(stream).load()
        keys = _Reader(stream).load()
    except (pickle.UnpicklingError, EOFError, AttributeError, IndexError, KeyError) as error:
        raise ValueError("The weights aren't a PyTorch file.") from error
    widths = {view.storage[2]: view.storage[1] for view in views.values()}
    storages: dict[str, NDArray[Any]] = {}
    for key in keys:
        count = int(np.frombuffer(stream.read(8), "<i8")[0])
        dtype = np.dtype(widths[key])
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    return {name: view.array(storages) for name, view in views.items() if view.is_float}


class _View:
    """A tensor: a window on a storage, with strides counted in elements."""

    def __init__(
        self, storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
    ) -> None:
        self.storage = storage
        self.is_float = storage[1] == "<f4"
        self._offset, self._size, self._stride = offset, size, stride

    def array(self, storages: dict[str, NDArray[Any]]) -> Floats:
        flat = storages[self.storage[2]][self._offset :]
        if sum((n - 1) * s for n, s in zip(self._size, self._stride, strict=True)) >= flat.size:
            raise ValueError("A tensor is longer than its storage.")
        strides = tuple(step * flat.itemsize for step in self._stride)
        return np.lib.stride_tricks.as_strided(flat, self._size, strides, writeable=False)


class _Reader(pickle.Unpickler):
    """Reads nothing but ordered dictionaries, tensors and the two kinds of storage."""

    _ALLOWED: Final[dict[tuple[str, str], Callable[..., Any] | str]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _View,
        ("torch", "FloatStorage"): "<f4",
        ("torch", "LongStorage"): "<i8",
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._ALLOWED[module, name]
        except KeyError:
            raise ValueError(f"The weights name {module}.{name}, which no tensor needs.") from None

    def persistent_load(self, pid: Any) -> Any:
        return pid
