"""What the three networks see on a photo: things, faces, and what the whole picture shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from altwright.describers.offline.vision.image_stats import Pixels
from altwright.describers.offline.vision.imagenet_groups import GROUPS
from altwright.describers.offline.weights import fetch

#: The 80 classes of COCO in the detector's order.
COCO: Final = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat",
    "traffic light", "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog",
    "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella",
    "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange",
    "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant",
    "bed", "dining table", "toilet", "television", "laptop", "mouse", "remote control", "keyboard",
    "mobile phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair dryer", "toothbrush",
)  # fmt: skip

#: Those of them that are animals, from bird to giraffe.
ANIMALS: Final = frozenset(COCO[14:24])

_DETECTOR_PX: Final = 416
_STRIDES: Final = (8, 16, 32)
#: Grey that fills the square around the picture in training.
_FILL: Final = 114
_LEAST_SCORE: Final = 0.3
#: Two boxes of one kind that overlap more are one thing.
_OVERLAP: Final = 0.45
#: … and so is one that lies by this share inside the other: a part taken for another whole.
#: People do stand before each other, and only count as one when nearly all of a box is shared.
_INSIDE: Final = 0.65
_PERSON_INSIDE: Final = 0.85
#: What the score of a thing counts that is seen on the picture or on its mirror image only.
_SEEN_ONCE: Final = 0.75
#: Share of the smaller box that two animals have in common at most; it takes one for two kinds.
_OF_ONE: Final = 0.5
#: What is around a lone animal, in its own sizes, when it is looked at closer; the score of each of
#: two that are found there (two spaniels at a window were one).
_AROUND: Final = 0.1
_EACH: Final = 0.5
_FACES_PX: Final = 640
_LEAST_FACE: Final = 0.6
_CLASSIFIER_PX: Final = 224
#: Share of height and width at each side that the inner part lacks.
_BORDER: Final = 0.1
#: The classifier's inputs: (value - 127) / 128. With ImageNet's mean and deviation, which its
#: package doesn't state, the surest class averages .54 instead of .61 (measured).
_MEAN: Final = 127.0
_SCALE: Final = 128.0


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing or face that a network found, with its box as shares of width and height."""

    name: str
    score: float
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        """Return its height as a share of the picture's."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Return its area as a share of the picture's."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    def common(self, other: Thing) -> float:
        """Return the area that both boxes cover, as a share of the picture's."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, width) * max(0.0, height)

    def overlap(self, other: Thing) -> float:
        """Return the share of both that both have in common; 0 if they are of two kinds."""
        shared = self.common(other)
        union = self.area + other.area - shared
        return shared / union if self.name == other.name and union > 0 else 0.0

    def inside(self, other: Thing) -> float:
        """Return the share of this box that the other one covers."""
        return self.common(other) / max(self.area, 1e-9)

    def to_json(self) -> dict[str, Any]:
        """Return it as evidence."""
        box = [round(v, 3) for v in (self.x0, self.y0, self.x1, self.y1)]
        return {"name": self.name, "score": round(self.score, 2), "box": box}


def _session(path: Path) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Detector:
    """YOLOX-nano: people, animals, vehicles and things of COCO."""

    def __init__(self, directory: Path) -> None:
        self._session = _session(directory / fetch.DETECTOR)
        columns, strides = [], []
        for stride in _STRIDES:
            side = _DETECTOR_PX // stride
            ys, xs = np.mgrid[:side, :side]
            columns.append(np.stack([xs.ravel(), ys.ravel()], axis=1))
            strides.append(np.full((side * side, 1), stride))
        self._grid = np.concatenate(columns).astype(np.float32)
        self._stride = np.concatenate(strides).astype(np.float32)

    def find(self, pixels: Pixels) -> list[Thing]:
        """Return what is seen on the picture and on its mirror image, the surest first.

        A rocket is a boat on one of them only, a book a laptop. A lone animal is looked at closer.
        """
        things = self._agreed(pixels)
        animals = animals_apart(things)
        if len(animals) != 1:
            return things
        each = self._closer(pixels, animals[0])
        if len(each) == 1:
            return things
        others = [one for one in things if one.name not in ANIMALS]
        return sorted([*others, *each], key=lambda thing: -thing.score)

    def _agreed(self, pixels: Pixels) -> list[Thing]:
        seen, mirrored = self._find(pixels), self._find(np.ascontiguousarray(pixels[:, ::-1]))
        return agreed(seen, [replace(one, x0=1 - one.x1, x1=1 - one.x0) for one in mirrored])

    def _closer(self, pixels: Pixels, animal: Thing) -> list[Thing]:
        """Return an animal, or those that its box holds, no surer than it is."""
        height, width = pixels.shape[:2]
        wide, high = _AROUND * (animal.x1 - animal.x0), _AROUND * animal.height
        x0, x1 = max(0.0, animal.x0 - wide), min(1.0, animal.x1 + wide)
        y0, y1 = max(0.0, animal.y0 - high), min(1.0, animal.y1 + high)
        rows, columns = (
            slice(int(y0 * height), int(y1 * height)),
            slice(int(x0 * width), int(x1 * width)),
        )
        part = np.ascontiguousarray(pixels[rows, columns])
        found = [o for o in self._agreed(part) if o.score >= _EACH] if part.size else []
        each = [
            Thing(
                animal.name,
                min(animal.score, one.score),
                x0 + one.x0 * (x1 - x0),
                y0 + one.y0 * (y1 - y0),
                x0 + one.x1 * (x1 - x0),
                y0 + one.y1 * (y1 - y0),
            )
            for one in animals_apart(found)
        ]
        return each if len(each) > 1 else [animal]

    def _find(self, pixels: Pixels) -> list[Thing]:
        height, width = pixels.shape[:2]
        scale = _DETECTOR_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        square = np.full((_DETECTOR_PX, _DETECTOR_PX, 3), _FILL, np.float32)
        square[: size[1], : size[0]] = cv2.resize(pixels, size)[..., ::-1]
        output = self._session.run(None, {"images": square.transpose(2, 0, 1)[None]})[0][0]
        centres = (output[:, :2] + self._grid) * self._stride
        sizes = np.exp(np.minimum(output[:, 2:4], 10)) * self._stride
        scores = output[:, 4:5] * output[:, 5:]
        kinds = scores.argmax(axis=1)
        best = scores.max(axis=1)
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        things = []
        for kind in np.unique(kinds[best >= _LEAST_SCORE]):
            of_kind = np.flatnonzero((kinds == kind) & (best >= _LEAST_SCORE))
            inside = _PERSON_INSIDE if COCO[kind] == "person" else _INSIDE
            for i in _distinct(boxes[of_kind], best[of_kind], inside):
                x0, y0, x1, y1 = boxes[of_kind[i]] / scale / (width, height, width, height)
                corners = [float(min(1.0, max(0.0, v))) for v in (x0, y0, x1, y1)]
                things.append(Thing(COCO[kind], float(best[of_kind[i]]), *corners))
        return sorted(things, key=lambda thing: -thing.score)


def animals_apart(things: Sequence[Thing]) -> list[Thing]:
    """Return the animals among things that are sorted by score, each once, as its surest kind."""
    apart: list[Thing] = []
    for thing in things:
        twins = (one for one in apart if max(thing.inside(one), one.inside(thing)) > _OF_ONE)
        if thing.name in ANIMALS and next(twins, None) is None:
            apart.append(thing)
    return apart


def agreed(seen: list[Thing], mirrored: list[Thing]) -> list[Thing]:
    """Return the things of both views, each once; the score of one in a single view is less."""
    things, left = [], list(mirrored)
    for thing in seen:
        twin = max(left, key=thing.overlap, default=None)
        if twin is not None and thing.overlap(twin) > _OVERLAP:
            left.remove(twin)
            things.append(replace(thing, score=(thing.score + twin.score) / 2))
        else:
            things.append(replace(thing, score=_SEEN_ONCE * thing.score))
    alone = (one for one in left if not any(one.overlap(thing) for thing in things))
    things += [replace(one, score=_SEEN_ONCE * one.score) for one in alone]
    return sorted((o for o in things if o.score >= _LEAST_SCORE), key=lambda o: -o.score)


def _distinct(boxes: NDArray[np.float32], scores: NDArray[np.float32], inside: float) -> list[int]:
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in np.argsort(-scores):
        for k in kept:
            low = np.maximum(boxes[i, :2], boxes[k, :2])
            high = np.minimum(boxes[i, 2:], boxes[k, 2:])
            shared = float(np.prod(np.maximum(0, high - low)))
            union = areas[i] + areas[k] - shared
            if shared > _OVERLAP * union or shared > inside * min(areas[i], areas[k]):
                break
        else:
            kept.append(int(i))
    return kept


class Faces:
    """YuNet: faces, without saying whose."""

    def __init__(self, directory: Path) -> None:
        path = str(directory / fetch.FACES)
        self._net: Any = cv2.FaceDetectorYN.create(path, "", (320, 320), _LEAST_FACE, 0.3, 500)

    def find(self, pixels: Pixels) -> list[Thing]:
        """Return the faces, the surest first."""
        scale = min(1.0, _FACES_PX / max(pixels.shape[:2]))
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        height, width = small.shape[:2]
        self._net.setInputSize((width, height))
        _, found = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        faces = []
        for row in [] if found is None else found:
            x, y, w, h = (float(v) for v in row[:4])
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            faces.append(Thing("face", float(row[-1]), *box))
        return sorted(faces, key=lambda face: -face.score)


@dataclass(frozen=True, slots=True)
class Classes:
    """What the whole picture shows: ImageNet's classes, and their sums by everyday groups."""

    best: list[tuple[str, float]]
    groups: dict[str, float]

    def share(self, group: str) -> float:
        """Return a group's probability."""
        return self.groups.get(group, 0.0)


class Classifier:
    """EfficientNet-lite0 on four views, three of them squeezed.

    They are the middle square, the whole picture, its mirror image, and its inner part.
    """

    def __init__(self, directory: Path) -> None:
        self._session = _session(directory / fetch.CLASSIFIER)
        self._names: list[str] = json.loads((directory / fetch.CLASS_NAMES).read_text())

    def classify(self, pixels: Pixels) -> Classes:
        """Return the probabilities, averaged over the views."""
        height, width = pixels.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        edge = round(side * 0.0625)  # the middle 224 of 256, as in training
        inner = slice(top + edge, top + side - edge), slice(left + edge, left + side - edge)
        middle = pixels[inner] if side > 2 * edge else pixels
        border = round(_BORDER * height), round(_BORDER * width)
        part = pixels[border[0] : height - border[0], border[1] : width - border[1]]
        views = []
        for view in (middle, pixels, pixels[:, ::-1], part):
            size = (_CLASSIFIER_PX, _CLASSIFIER_PX)
            shrinks = min(view.shape[:2]) > _CLASSIFIER_PX
            how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
            small = cv2.resize(view, size, interpolation=how).astype(np.float32)
            views.append(((small - _MEAN) / _SCALE).transpose(2, 0, 1))
        output = self._session.run(None, {"images": np.stack(views)})[0].mean(axis=0)
        order = output.argsort()[::-1][:5]
        groups = {name: float(output[list(of)].sum()) for name, of in GROUPS.items()}
        return Classes(
            best=[(self._names[i], float(output[i])) for i in order],
            groups=dict(sorted(groups.items(), key=lambda item: -item[1])),
        )
