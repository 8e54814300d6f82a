"""What each embedded model does with the inputs of the API; a worker calls `perform`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .models import Map, Photo, part_of
from .models.canvas import Placement, around, place, reframe, reframe_plane
from .models.cutout import DOUBTFUL, Cutout, cut_out
from .models.extend import extend
from .models.fill_nets import FILLERS, fill_by
from .models.inpaint import InpaintOptions, inpaint
from .models.isolate import TIERS, IsolateOptions, choose, frame_of, isolate, stands
from .models.matting import own_colours, refine
from .models.rim import with_rim
from .models.subject_nets import BUNDLED_NAME, RECIPES, SubjectNet, bundled, subject_net
from .models.tags import remove_tags
from .ratio import ratio_of
from .workbench import Picture, Workbench
from .workers import WorkDone, WorkOrder

Task = Callable[[Workbench], None]

#: A mask that marks more than this was perhaps meant the other way round.
_MOSTLY_WHITE: Final = 0.6
#: The longest side of an outpainted picture.
_MOST_PX: Final = 4096
_LOCAL: Final = "This ran locally, not on Runflow's service."
#: What a log says of the bundled network.
_ABOUT_BUNDLED: Final = f"{BUNDLED_NAME} (U²-Net-p, Apache-2.0, fine-tuned)"


def perform(order: WorkOrder, report: Callable[[float, str], None]) -> WorkDone:
    """Do one order: read its files, run the model, write the results into its folder.

    Raises:
        InputError: An input cannot be used; `field` names it.
    """
    task = TASKS.get(order.model)
    if task is None:
        raise InputError(f"{order.model} cannot run here.", field="model", advice=f"Possible are {', '.join(TASKS)}.")
    bench = Workbench(order, report)
    report(0.0, "opening the inputs")
    task(bench)
    bench.note(_LOCAL)
    report(1.0, "done")
    return bench.done()


def _background_removal(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    ratio = _ratio(bench, "config.aspect_ratio", required=False)
    with bench.timed("inference_ms"):
        colours, alpha, _ = _cut_out(bench, picture)
        if ratio:
            placement = place(alpha > 0.5, ratio)
            colours, alpha = reframe(colours, placement), reframe_plane(alpha, placement, 0)
            bench.note(placement.sentence)
    bench.save(colours, picture, alpha=alpha, as_png=True)


def _background_colour(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    colour = np.array([_channel(bench, f"color_{name}") for name in ("red", "green", "blue")], np.float32)
    with bench.timed("inference_ms"):
        colours, alpha, _ = _cut_out(bench, picture)
        share = alpha[..., None]
        result = np.asarray(np.rint(colours * share + colour * (1 - share)), np.uint8)
    grey = bool((colour == colour[0]).all()) and picture.is_grey
    bench.save(result, picture if grey == picture.is_grey else _in_colour(picture))


def _product_isolation(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    ratio = _ratio(bench, "aspect_ratio", required=True)
    tier = _tier(bench)
    prompt = bench.value("prompt", default="")
    if not isinstance(prompt, str):
        raise InputError("prompt must be text.", field="prompt")
    with bench.timed("inference_ms"):
        colours, alpha, found = _cut_out(bench, picture, share=0.6)
        if prompt.strip():
            alpha = _chosen(bench, picture, found, alpha, prompt)
        size = frame_of(ratio or (1, 1), TIERS[tier])
        options = IsolateOptions(stands=stands(picture.rgb, alpha))
        result, scale = isolate(colours, alpha, size, options, part_of(bench.report, 0.65, 0.95))
    shadow = "a contact shadow" if options.stands else "a faint shadow all round, as it lay flat"
    bench.note(f"The product was placed on {size[0]}×{size[1]} px, scaled by {scale:.2f}, with {shadow}.")
    if scale > 1.2:
        bench.note(
            f"The photo has too few pixels for {tier}: the product was enlarged {scale:.1f} times and looks soft.",
            level="warning",
        )
    bench.save(result, _in_colour(picture))


def _tag_removal(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    ratio = _ratio(bench, "config.aspect_ratio", required=False)
    bench.seed = bench.order.seed or 0
    with bench.timed("inference_ms"):
        result, tags = remove_tags(picture.rgb, report=part_of(bench.report, 0.05, 0.85), seed=bench.seed)
        for tag in tags:
            left, top, width, height = tag.box
            what = "A tag with its string" if tag.has_string else "A tag"
            bench.note(f"{what} was removed at {left}, {top} ({width}×{height} px, score {tag.score:.2f}).")
        if not tags:
            bench.note("No tag was found, so the picture is unchanged.", level="warning")
        alpha = picture.alpha
        if ratio:
            placement = place(_enlarged(cut_out(result).mask, result), ratio)
            bench.note(placement.sentence)
            result = reframe(result, placement, report=part_of(bench.report, 0.85, 0.95))
            alpha = None if alpha is None else reframe_plane(alpha, placement, 1)
    if result is picture.rgb:
        bench.save_bytes(picture.data, picture.mime, (result.shape[1], result.shape[0]))
    else:
        bench.save(result, picture, alpha=alpha)


def _object_removal(bench: Workbench) -> None:
    picture, mask = bench.photo_and_mask()
    bench.seed = bench.order.seed or 0
    if mask.mean() > _MOSTLY_WHITE:
        bench.note(
            f"The mask marks {mask.mean():.0%} of the picture: white is removed. Invert it if that was not meant.",
            level="warning",
        )
    with bench.timed("inference_ms"):
        report = part_of(bench.report, 0.05, 0.95)
        hole = with_rim(picture.rgb, mask)
        if network := _network(bench, FILLERS):
            bench.note(f"Network: {network[0]}.")
            result = fill_by(picture.rgb, hole, *network, report)
        else:
            result = inpaint(picture.rgb, hole, InpaintOptions(seed=bench.seed), report)
    bench.note(f"{hole.mean():.1%} of the picture was filled.")
    if added := float(hole.mean() - mask.mean()):
        bench.note(f"{added:.2%} of it lies beside the mask: a seam of the object that the mask had left out.")
    bench.save(result, picture, alpha=picture.alpha)


def _outpaint(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    height, width = picture.rgb.shape[:2]
    shares = {side: _percent(bench, f"expand_{side}") for side in ("top", "bottom", "left", "right")}
    top, bottom = (round(height * shares[side] / 100) for side in ("top", "bottom"))
    left, right = (round(width * shares[side] / 100) for side in ("left", "right"))
    bench.seed = bench.order.seed or 0
    frame = Placement(-top, -left, width + left + right, height + top + bottom, "")
    with bench.timed("inference_ms"):
        result, how = extend(picture.rgb, frame, bench.seed, part_of(bench.report, 0.05, 0.95))
    bench.note(how)
    if max(result.shape) > _MOST_PX:
        result = _fitted(result, _MOST_PX / max(result.shape))
        bench.note(f"The result was made smaller: its longer side is {_MOST_PX} px at most.", level="warning")
    bench.save(result, picture)


def _smart_resize(bench: Workbench) -> None:
    picture = bench.picture("image_url")
    ratio = _ratio(bench, "aspect_ratio", required=True) or (1, 1)
    tier = _tier(bench)
    bench.seed = bench.order.seed or 0
    with bench.timed("inference_ms"):
        product = _enlarged(
            cut_out(picture.rgb, _subject_net(bench), part_of(bench.report, 0.0, 0.2)).mask, picture.rgb
        )
        result, how = extend(picture.rgb, around(product, ratio), bench.seed, part_of(bench.report, 0.2, 0.95))
        size = frame_of(ratio, TIERS[tier])
        scale = size[0] / result.shape[1]
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        result = np.asarray(cv2.resize(result, size, interpolation=method), np.uint8)
    bench.note(f"{how} Nothing was cropped or stretched; the picture was scaled by {scale:.2f}.")
    if scale > 1.2:
        bench.note("The photo has fewer pixels than the asked resolution, so it looks soft.", level="warning")
    bench.save(result, picture)


TASKS: Final[Mapping[str, Task]] = {
    "bria/background/remove": _background_removal,
    "runflow/background-removal": _background_removal,
    "runflow/background-color": _background_colour,
    "runflow/object-removal": _object_removal,
    "runflow/outpaint": _outpaint,
    "runflow/product-isolation": _product_isolation,
    "runflow/smart-resize": _smart_resize,
    "runflow/tag-removal": _tag_removal,
}


def _cut_out(bench: Workbench, picture: Picture, *, share: float = 0.9) -> tuple[Photo, Map, Cutout]:
    """The subject's own colours, its alpha, and how it was found; says so when in doubt."""
    found = cut_out(picture.rgb, _subject_net(bench), part_of(bench.report, 0.05, 0.6 * share))
    if not found.mask.any():
        raise InputError(
            "No subject found: nothing stands out from the background of this picture.",
            field="image_url",
            advice="A cut-out needs a subject that differs from what is around it.",
        )
    alpha = refine(picture.rgb, found.mask, report=part_of(bench.report, 0.6 * share, share))
    if picture.alpha is not None:
        alpha = alpha * picture.alpha
    if found.confidence < DOUBTFUL:
        bench.note(f"The cut-out is doubtful (confidence {found.confidence:.2f}): check it.", level="warning")
    else:
        bench.note(f"The subject was cut out with confidence {found.confidence:.2f}.")
    bench.note(f"Network: {_ABOUT_BUNDLED if found.network == BUNDLED_NAME else found.network}.")
    return own_colours(picture.rgb, alpha), alpha, found


def _subject_net(bench: Workbench) -> SubjectNet:
    network = _network(bench, RECIPES)
    return subject_net(*network) if network else bundled()


def _network(bench: Workbench, kinds: Mapping[str, object]) -> tuple[str, str] | None:
    """The network that is to do the job, if there is one; it must be of a kind that can."""
    if not bench.order.network:
        return None
    kind, path = bench.order.network
    if kind not in kinds:
        raise InputError(
            f"{kind} cannot do {bench.order.model}.", field="model", advice=f"Possible are {', '.join(kinds)}."
        )
    return kind, path


def _chosen(bench: Workbench, picture: Picture, found: Cutout, alpha: Map, prompt: str) -> Map:
    part, sentence = choose(picture.rgb, _enlarged(found.mask, picture.rgb), prompt)
    bench.note(sentence, level="warning" if "ignored" in sentence else "info")
    reach = max(3, round(0.01 * max(part.shape)))
    return alpha * np.asarray(cv2.dilate(part.astype(np.uint8), np.ones((reach, reach), np.uint8)), np.float32)


def _enlarged(mask: NDArray[np.bool_], photo: Photo) -> NDArray[np.bool_]:
    size = (photo.shape[1], photo.shape[0])
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0, np.bool_)


def _in_colour(picture: Picture) -> Picture:
    """The same manner of writing, for a result that is not grey although the input was."""
    if not picture.is_grey:
        return picture
    return Picture(picture.rgb, picture.alpha, picture.mime, False, None, picture.data)


def _ratio(bench: Workbench, name: str, *, required: bool) -> tuple[int, int] | None:
    text = bench.value(name)
    if text is None and required:
        raise InputError(f"{name} is missing.", field=name, advice='One looks like "4:3".')
    return None if text is None else ratio_of(text, name)


def _tier(bench: Workbench) -> str:
    tier = bench.value("resolution")
    if tier not in TIERS:
        raise InputError(f"resolution is {tier!r}.", field="resolution", advice=f"Possible are {', '.join(TIERS)}.")
    return str(tier)


def _percent(bench: Workbench, name: str) -> int:
    value = bench.value(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 80:
        raise InputError(
            f"{name} is {value!r}.", field=name, advice="It must be a whole number from 0 to 80, in percent."
        )
    return value


def _fitted(photo: Photo, scale: float) -> Photo:
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    return np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)


def _channel(bench: Workbench, name: str) -> int:
    value = bench.value(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 255:
        raise InputError(f"{name} is {value!r}.", field=name, advice="It must be a whole number from 0 to 255.")
    return value
