# SPDX-License-Identifier: MIT
"""Faces: finding, landmarks, aligning, regions, occlusion: include/microexpr/face.h."""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from . import _signatures as c
from ._buffer import Memory, bytes_of, floats_of, new_memory
from ._library import lib
from .base import (Caller, Context, Path, Speaker, check, constant, default_context,
                   path_bytes, text_bytes, wanted)
from .image import (LANDMARKS_68, ClipLike, Format, Image, ImageLike, _c_matrix, _copy,
                    _landmarks, clip_of, image_of)

if TYPE_CHECKING:
    from ._buffer import FloatArray

MDMO_REGIONS = c.MEXPR_MDMO_REGIONS
MDMO_CORNERS = c.MEXPR_MDMO_CORNERS

# A transform: (x, y) goes to (m[0][0] x + m[0][1] y + m[0][2], m[1][0] x + …).
Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


class TransformModel(enum.IntEnum):
    """Which transform is fitted."""

    TRANSLATION = 1
    SIMILARITY = 2
    AFFINE = 3


class Regions(enum.IntEnum):
    """Regions of a face; docs/face.md lists them."""

    ACTION = 1
    MDMO = 2
    BANDS = 3
    NINE = 4
    EYES = 5
    STILL = 6


class Occluder(enum.IntEnum):
    """Synthetic occluders of RRRN."""

    BLOCK = 1
    MASK = 2
    GLASSES = 3


class FaceMark(enum.IntFlag):
    """What draw_face() draws."""

    BOX = 1
    POINTS = 2
    REGIONS = 4


def _c_landmarks(landmarks: Any) -> Any:
    """68 points as a C array."""
    return (ctypes.c_float * (2 * LANDMARKS_68)).from_buffer_copy(
        _landmarks(landmarks).tobytes())


def _matrix_of(numbers: Any) -> Matrix:
    m = list(numbers)
    return (m[0], m[1], m[2]), (m[3], m[4], m[5])


def _points_of(numbers: Any, shape: tuple[int, ...]) -> Any:
    memory = new_memory("f4", shape)
    ctypes.memmove(memory.address, numbers, memory.nbytes)
    return memory.array()


# --- finding ----------------------------------------------------------------------------

class Face(NamedTuple):
    """A face in a picture.

    Attributes:
        id: a tracker's number of this face; a finder's place in order.
        box: x, y, width, height in px, a square from above the brows to the chin.
        score: 0 to 1; the detector's and the landmarks' together, if there are
            landmarks; else the detector's alone.
        confidence: of the landmarks, 0 to 1.
        landmarks: float32 (68, 2) in px, iBUG order; None without.
        followed: from the frame before, by a tracker.
    """

    id: int
    box: tuple[float, float, float, float]
    score: float
    confidence: float
    landmarks: FloatArray | None
    followed: bool


def _face_of(face: c.mexpr_face) -> Face:
    x, y, width, height = face.box
    landmarks = _points_of(face.landmarks, (LANDMARKS_68, 2)) if face.has_landmarks else None
    return Face(face.id, (x, y, width, height), face.score, face.confidence, landmarks,
                bool(face.followed))


def _face_options(smallest: float, largest: float, threshold: float | None,
                  max_faces: int) -> Any:
    return c.mexpr_face_options(
        smallest=smallest, largest=largest, threshold=threshold or 0,
        threshold_set=threshold is not None, max_faces=max_faces)


class FaceFinder(Speaker):
    """Finds faces: `for face in finder(image): face.box, face.landmarks`.

    Args:
        smallest, largest: sides of the boxes looked for in px; 0: 40 and any.
        threshold: least score; None: 0.5.
        max_faces: the best that many; 0: 16.
        landmarks: find those too.
        confidence: faces whose landmarks are less sure are dropped; 0: 0.15.
    """

    _last_error = lib.mexpr_face_finder_last_error

    def __init__(self, *, smallest: float = 0.0, largest: float = 0.0,
                 threshold: float | None = None, max_faces: int = 0,
                 landmarks: bool = True, confidence: float = 0.0,
                 context: Context | None = None) -> None:
        self._context = context or default_context()
        options = _face_options(smallest, largest, threshold, max_faces)
        options.boxes_only = not landmarks
        options.confidence = confidence
        super().__init__(self._context._make(
            c.mexpr_face_finder, lib.mexpr_face_finder_destroy,
            lib.mexpr_face_finder_create, ctypes.byref(options)))

    def __call__(self, image: ImageLike) -> list[Face]:
        """The faces in a picture, the surest first."""
        source = image_of(image, self._context)
        n = ctypes.c_int32()
        with self._lock:
            self._call(lib.mexpr_face_finder_run, source._use(), ctypes.byref(n))
            return [self._face(i) for i in range(n.value)]

    def _face(self, index: int) -> Face:
        face = c.mexpr_face()
        self._call(lib.mexpr_face_finder_face, index, ctypes.byref(face))
        return _face_of(face)

    def refine(self, image: ImageLike, box: Sequence[float]) -> Face:
        """The landmarks of the face in a box (x, y, width, height)."""
        source = image_of(image, self._context)
        face = c.mexpr_face()
        self._call(lib.mexpr_face_finder_refine, source._use(),
                   (ctypes.c_double * 4)(*box), ctypes.byref(face))
        return _face_of(face)

    def __repr__(self) -> str:
        return "<FaceFinder, closed>" if self.closed else "<FaceFinder>"


def find_faces(image: ImageLike, *, context: Context | None = None,
               **options: Any) -> list[Face]:
    """The faces in one picture; for many, keep a FaceFinder."""
    with FaceFinder(context=context, **options) as finder:
        return finder(image)


class FaceTracker(Speaker):
    """Follows the faces of a clip, frame by frame: `faces = tracker(frame)`.

    Args:
        smallest, largest, threshold, max_faces: as those of FaceFinder.
        search: frames from one search for new faces to the next; 0: only after a loss.
        confidence: landmarks less sure are a loss; 0: 0.25.
        filter: smooth the landmarks in time.
    """

    _last_error = lib.mexpr_face_tracker_last_error

    def __init__(self, *, smallest: float = 0.0, largest: float = 0.0,
                 threshold: float | None = None, max_faces: int = 0, search: int = 0,
                 confidence: float = 0.0, filter: bool = True,
                 context: Context | None = None) -> None:
        self._context = context or default_context()
        options = _face_options(smallest, largest, threshold, max_faces)
        options.search = search
        options.confidence = confidence
        options.no_filter = not filter
        super().__init__(self._context._make(
            c.mexpr_face_tracker, lib.mexpr_face_tracker_destroy,
            lib.mexpr_face_tracker_create, ctypes.byref(options)))

    def __call__(self, frame: ImageLike) -> list[Face]:
        """The faces in the next frame, by id."""
        source = image_of(frame, self._context)
        n = ctypes.c_int32()
        faces = []
        with self._lock:
            self._call(lib.mexpr_face_tracker_push, source._use(), ctypes.byref(n))
            for i in range(n.value):
                face = c.mexpr_face()
                self._call(lib.mexpr_face_tracker_face, i, ctypes.byref(face))
                faces.append(_face_of(face))
        return faces

    def reset(self) -> None:
        """Forgets all faces: the next frame may begin another clip."""
        with self._lock:
            lib.mexpr_face_tracker_reset(self._use())

    def __repr__(self) -> str:
        return "<FaceTracker, closed>" if self.closed else "<FaceTracker>"


# --- transforms and crops ---------------------------------------------------------------

class Fit(NamedTuple):
    """A transform, and the RMS distance it leaves in px."""

    matrix: Matrix
    residual: float


def fit_transform(source: Any, target: Any,
                  model: TransformModel | str = TransformModel.SIMILARITY, *,
                  weights: Sequence[float] | None = None,
                  context: Context | None = None) -> Fit:
    """The transform that carries `source` nearest to `target`, both (n, 2), in least
    squares."""
    a, b = floats_of(source), floats_of(target)
    n = a.shape[0] // 2
    if a.shape[0] % 2 or a.shape != b.shape:
        raise ValueError("source and target are as many points (x, y)")
    if weights is not None and len(weights) != n:
        raise ValueError("weights are as many as points")
    matrix, residual = (ctypes.c_double * 6)(), ctypes.c_double()
    (context or default_context())._call(
        lib.mexpr_transform_fit, constant(TransformModel, model), a.floats(), b.floats(),
        None if weights is None else (ctypes.c_double * n)(*weights), n, matrix,
        ctypes.byref(residual))
    return Fit(_matrix_of(matrix), residual.value)


def invert_transform(matrix: Any, *, context: Context | None = None) -> Matrix:
    """The transform back."""
    back = (ctypes.c_double * 6)()
    (context or default_context())._call(lib.mexpr_transform_invert, _c_matrix(matrix), back)
    return _matrix_of(back)


def transform_points(matrix: Any, points: Any, *,
                     context: Context | None = None) -> FloatArray:
    """The points (n, 2) carried by a transform, float32."""
    given = floats_of(points)
    if given.shape[0] % 2:
        raise ValueError("every point has an x and a y")
    out = new_memory("f4", (given.shape[0] // 2, 2))
    (context or default_context())._call(lib.mexpr_transform_points, _c_matrix(matrix),
                                         given.floats(), out.shape[0], out.floats())
    array: FloatArray = out.array()
    return array


class Crop(NamedTuple):
    """A way of cropping: size in px; the distance between the eyes' centres as a share of
    the width, and their line as a share of the height."""

    width: int
    height: int
    eye_distance: float
    eye_y: float


def crop_names() -> list[str]:
    """The crops that Crop stands for by name: "140x170", …"""
    names: list[str] = []
    while (name := lib.mexpr_crop_name(len(names))) is not None:
        names.append(name.decode())
    return names


def find_crop(name: str) -> Crop:
    """A crop by its name."""
    crop = c.mexpr_crop()
    check(lib.mexpr_crop_find(text_bytes(name), ctypes.byref(crop)),
          f"there is no crop {name!r}".encode())
    return Crop(crop.width, crop.height, crop.eye_distance, crop.eye_y)


def _c_crop(crop: Crop | str) -> Any:
    found = find_crop(crop) if isinstance(crop, str) else crop
    if not isinstance(found, Crop):
        raise TypeError("crop must be a Crop or the name of one, not "
                        f"{type(found).__name__}")
    return c.mexpr_crop(width=found.width, height=found.height,
                        eye_distance=found.eye_distance, eye_y=found.eye_y)


def crop_transform(landmarks: Any, crop: Crop | str = "140x170", *,
                   context: Context | None = None) -> Matrix:
    """The transform from a picture to a crop of the face with these landmarks."""
    matrix = (ctypes.c_double * 6)()
    (context or default_context())._call(
        lib.mexpr_crop_transform, ctypes.byref(_c_crop(crop)), _c_landmarks(landmarks),
        matrix)
    return _matrix_of(matrix)


def crop_face(image: ImageLike, landmarks: Any, crop: Crop | str = "140x170", *,
              context: Context | None = None) -> Image:
    """A crop of the face with these landmarks, upright."""
    context = context or default_context()
    return Image._new(context, lib.mexpr_face_crop, image_of(image, context)._use(),
                      ctypes.byref(_c_crop(crop)), _c_landmarks(landmarks))


# --- aligning ---------------------------------------------------------------------------

class HeadMotion(NamedTuple):
    """About the crop's centre it turns (radians, clockwise) and zooms, then it moves."""

    dx: float
    dy: float
    angle: float
    zoom: float


class Alignment(NamedTuple):
    """How the head moved in a frame, and what of that is left.

    Attributes:
        frame: of the clip; a count otherwise.
        before: since the onset, in px of the crop.
        after: measured once more on the aligned frame.
        residual: RMS of `after` over the still parts of the face, px.
        correlation: of the aligned frame with the onset over the still parts.
        matrix: from the frame to the crop.
        is_lost: the face was not found again.
        iterations: of the finest level.
    """

    frame: int
    before: HeadMotion
    after: HeadMotion
    residual: float
    correlation: float
    matrix: Matrix
    is_lost: bool
    iterations: int


def _head_motion(motion: c.mexpr_head_motion) -> HeadMotion:
    return HeadMotion(motion.dx, motion.dy, motion.angle, motion.zoom)


def _alignment_of(a: c.mexpr_alignment) -> Alignment:
    return Alignment(a.frame, _head_motion(a.before), _head_motion(a.after), a.residual,
                     a.correlation, _matrix_of(a.matrix), bool(a.is_lost), a.iterations)


class Aligner(Speaker):
    """Takes the motion of the head out of a clip and leaves that of the face.

        onset_crop = aligner.begin(onset, landmarks)
        crop, alignment = aligner(frame)

    Args:
        crop: a Crop or its name.
        model: "similarity" or "translation".
        refine: by intensity; otherwise by landmarks alone.
        least: correlation below which a face is lost; 0: 0.6.
    """

    _last_error = lib.mexpr_aligner_last_error

    def __init__(self, crop: Crop | str = "140x170", *,
                 model: TransformModel | str = TransformModel.SIMILARITY,
                 refine: bool = True, least: float = 0.0,
                 context: Context | None = None) -> None:
        self._context = context or default_context()
        given = _c_crop(crop)
        options = c.mexpr_align_options(
            crop=ctypes.pointer(given), model=constant(TransformModel, model),
            landmarks=not refine, least=least)
        super().__init__(self._context._make(
            c.mexpr_aligner, lib.mexpr_aligner_destroy, lib.mexpr_aligner_create,
            ctypes.byref(options)))

    def _crop(self) -> Image:
        pointer = ctypes.POINTER(c.mexpr_image)()
        self._call(lib.mexpr_aligner_frame, ctypes.byref(pointer))
        return _copy(pointer, self._context)

    def begin(self, onset: ImageLike, landmarks: Any) -> Image:
        """Begins a clip with its onset frame; returns its crop."""
        source = image_of(onset, self._context)
        with self._lock:
            self._call(lib.mexpr_aligner_begin, source._use(),
                       _c_landmarks(landmarks))
            return self._crop()

    def __call__(self, frame: ImageLike, landmarks: Any = None
                 ) -> tuple[Image, Alignment]:
        """The frame aligned. Without landmarks it starts from the frame before."""
        source = image_of(frame, self._context)
        points = None if landmarks is None else _c_landmarks(landmarks)
        report = c.mexpr_alignment()
        with self._lock:
            self._call(lib.mexpr_aligner_push, source._use(), points, ctypes.byref(report))
            return self._crop(), _alignment_of(report)

    def align(self, clip: ClipLike, take: Callable[[Image, Alignment], object], *,
              onset: int = 0, first: int = 0, n_frames: int = 0, landmarks: Any = None,
              finder: FaceFinder | None = None,
              progress: Callable[[int, int], object] | None = None) -> None:
        """Aligns a clip, calling `take(image, alignment)` for each frame. The face is the
        largest in the onset frame unless its landmarks are given."""
        caller, source = Caller(), clip_of(clip, self._context)
        points = None if landmarks is None else _c_landmarks(landmarks)
        options = c.mexpr_align_clip_options(onset=onset, first=first, n_frames=n_frames)
        if points is not None:
            options.landmarks = ctypes.cast(points, ctypes.POINTER(ctypes.c_float))

        def give(user: int | None, crop: Any, report: Any) -> int:
            take(_copy(crop, self._context), _alignment_of(report.contents))
            return 0

        with source._lock:
            caller.run(self._call, lib.mexpr_align_clip,
                       None if finder is None else
                       wanted(finder, FaceFinder, "finder")._use(), source._use(),
                       ctypes.byref(options), caller.keep(c.mexpr_aligned_fn, give, 1),
                       caller.progress(progress), None)

    def __repr__(self) -> str:
        return "<Aligner, closed>" if self.closed else "<Aligner>"


def align_clip(clip: ClipLike, crop: Crop | str = "140x170", *,
               context: Context | None = None, **options: Any
               ) -> list[tuple[Image, Alignment]]:
    """All frames of a clip aligned to its onset, and how the head moved."""
    frames: list[tuple[Image, Alignment]] = []
    with Aligner(crop, context=context) as aligner:
        aligner.align(clip, lambda image, report: frames.append((image, report)), **options)
    return frames


# --- regions ----------------------------------------------------------------------------

def _size_of(kind: Regions) -> tuple[int, int]:
    n_regions, n_corners = ctypes.c_int32(), ctypes.c_int32()
    check(lib.mexpr_face_regions_size(kind, ctypes.byref(n_regions),
                                      ctypes.byref(n_corners)))
    return n_regions.value, n_corners.value


def region_names(kind: Regions | str = Regions.ACTION) -> list[str]:
    """Names of the regions of a kind, in order."""
    kind = constant(Regions, kind)
    return [lib.mexpr_face_region_name(kind, i).decode() for i in range(_size_of(kind)[0])]


def face_regions(landmarks: Any, kind: Regions | str = Regions.ACTION, *,
                 context: Context | None = None) -> list[list[tuple[float, float]]]:
    """Regions of a face as polygons, from 68 landmarks, (68, 2) in px."""
    kind = constant(Regions, kind)
    n_regions, n_corners = _size_of(kind)
    xy = (ctypes.c_float * (2 * n_corners))()
    corners = (ctypes.c_int32 * n_regions)()
    (context or default_context())._call(lib.mexpr_face_regions, kind,
                                         _c_landmarks(landmarks), xy, corners)
    ends = list(accumulate(corners))
    return [[(xy[2 * i], xy[2 * i + 1]) for i in range(end - count, end)]
            for end, count in zip(ends, corners)]


def face_region_boxes(landmarks: Any, kind: Regions | str = Regions.NINE, *,
                      context: Context | None = None) -> FloatArray:
    """The boxes around the regions, float32 (regions, 4): x, y, width, height."""
    kind = constant(Regions, kind)
    boxes = new_memory("f4", (_size_of(kind)[0], 4))
    (context or default_context())._call(lib.mexpr_face_region_boxes, kind,
                                         _c_landmarks(landmarks), boxes.floats())
    array: FloatArray = boxes.array()
    return array


# --- occlusion and pictures -------------------------------------------------------------

class Occlusion(NamedTuple):
    """An occluder chosen for a clip by plan_occlusion()."""

    kind: Occluder
    variant: int
    width: float
    height: float
    dx: float
    dy: float


def plan_occlusion(kind: Occluder | str, landmarks: Any, *, ratio: float = 0.2,
                   seed: int = 0, context: Context | None = None) -> Occlusion:
    """Chooses an occluder for a clip from the landmarks of its first frame.

    Args:
        ratio: share of the face's box that a block covers.
        seed: same seed, same choice.
    """
    plan = c.mexpr_occlusion()
    (context or default_context())._call(
        lib.mexpr_occlusion_plan, constant(Occluder, kind), ratio, seed,
        _c_landmarks(landmarks), ctypes.byref(plan))
    return Occlusion(Occluder(plan.kind), plan.variant, plan.width, plan.height, plan.dx,
                     plan.dy)


def occlude(image: ImageLike, occlusion: Occlusion, landmarks: Any, *,
            context: Context | None = None) -> Image:
    """A copy of a frame with the occluder over the face with these landmarks."""
    context = context or default_context()
    source = image_of(image, context)
    copy = source.convert(source.format)
    plan = c.mexpr_occlusion(**wanted(occlusion, Occlusion, "occlusion")._asdict())
    context._call(lib.mexpr_occlusion_apply, ctypes.byref(plan),
                  _c_landmarks(landmarks), copy._use())
    return copy


def draw_faces(image: ImageLike, faces: Iterable[Face],
               marks: FaceMark = FaceMark.BOX | FaceMark.POINTS,
               regions: Regions | str = Regions.ACTION, *,
               context: Context | None = None) -> Image:
    """An RGB8 copy of a picture with faces drawn over it."""
    context = context or default_context()
    copy = image_of(image, context).convert(Format.RGB8)
    for face in faces:
        drawn = c.mexpr_face(id=face.id, box=(ctypes.c_double * 4)(*face.box))
        if face.landmarks is not None:
            drawn.has_landmarks = 1
            drawn.landmarks[:] = _c_landmarks(face.landmarks)
        context._call(lib.mexpr_face_draw, copy._use(), ctypes.byref(drawn), marks,
                      constant(Regions, regions))
    return copy


# --- landmarks of other programs --------------------------------------------------------

class FaceRow(NamedTuple):
    """One face in one frame, as OpenFace tells it: frames count from 1, s, 0 to 1; without
    success the landmarks are of no face."""

    landmarks: Any
    frame: int = 1
    face_id: int = 0
    timestamp: float = 0.0
    confidence: float = 1.0
    success: bool = True


class _Table(Speaker):
    """A mexpr_face_table while it is read or written."""

    _last_error = lib.mexpr_face_table_last_error

    def __init__(self, context: Context | None, function: Any, *arguments: Any) -> None:
        self._context = context or default_context()
        super().__init__(self._context._make(
            c.mexpr_face_table, lib.mexpr_face_table_destroy, function, *arguments))

    def rows(self) -> list[FaceRow]:
        rows = []
        for i in range(lib.mexpr_face_table_n_rows(self._use())):
            row = c.mexpr_face_row()
            self._call(lib.mexpr_face_table_row, i, ctypes.byref(row))
            rows.append(FaceRow(_points_of(row.landmarks, (LANDMARKS_68, 2)), row.frame,
                                row.face_id, row.timestamp, row.confidence,
                                bool(row.success)))
        return rows

    def add(self, row: FaceRow) -> None:
        given = c.mexpr_face_row(
            frame=row.frame, face_id=row.face_id, timestamp=row.timestamp,
            confidence=row.confidence, success=row.success)
        given.landmarks[:] = _c_landmarks(row.landmarks)
        self._call(lib.mexpr_face_table_add, ctypes.byref(given))


def read_landmarks(path: Path, *, context: Context | None = None) -> list[FaceRow]:
    """Landmarks from a .pts file of iBUG, a CSV of OpenFace, or a plain CSV."""
    with _Table(context, lib.mexpr_face_table_read, path_bytes(path)) as table:
        return table.rows()


def decode_landmarks(data: Any, *, context: Context | None = None) -> list[FaceRow]:
    """The same from the bytes of a file."""
    memory = bytes_of(data)
    with _Table(context, lib.mexpr_face_table_decode, memory.address,
                memory.nbytes) as table:
        return table.rows()


def write_landmarks(path: Path, rows: Iterable[FaceRow], *,
                    context: Context | None = None) -> None:
    """Writes a CSV with OpenFace's columns."""
    with _Table(context, lib.mexpr_face_table_create) as table:
        for row in rows:
            table.add(row)
        table._call(lib.mexpr_face_table_write_csv, path_bytes(path))


def encode_landmarks(rows: Iterable[FaceRow], *, context: Context | None = None) -> bytes:
    """The bytes of such a file."""
    data, size = ctypes.c_void_p(), ctypes.c_size_t()
    with _Table(context, lib.mexpr_face_table_create) as table:
        for row in rows:
            table.add(row)
        table._call(lib.mexpr_face_table_encode_csv, ctypes.byref(data), ctypes.byref(size))
        try:
            return ctypes.string_at(data, size.value)
        finally:
            lib.mexpr_bytes_free(table._context._use(), ctypes.byref(data))


def write_pts(path: Path, landmarks: Any, *, context: Context | None = None) -> None:
    """Writes 68 landmarks as a .pts file of iBUG."""
    (context or default_context())._call(
        lib.mexpr_landmarks_write_pts, _c_landmarks(landmarks), path_bytes(path))


def landmarks_from_mesh(mesh: Any, width: float = 1.0, height: float = 1.0, *,
                        context: Context | None = None) -> FloatArray:
    """68 landmarks from the 468 or 478 points of the MediaPipe face mesh, float32 (68, 2).

    Args:
        mesh: (n, 2) or (n, 3); 0 to 1 with `width` and `height` of the picture, or px.
    """
    points = floats_of(mesh)
    step = next((k for k in (2, 3) if points.shape[0] in (468 * k, 478 * k)), 2)
    out = new_memory("f4", (LANDMARKS_68, 2))
    (context or default_context())._call(
        lib.mexpr_landmarks_from_mesh, points.floats(), points.shape[0] // step, step,
        width, height, out.floats())
    array: FloatArray = out.array()
    return array
