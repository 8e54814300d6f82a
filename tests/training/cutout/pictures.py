"""Training pictures without end: cut-outs before grounds they never stood before, made to look like one photo.

A network learns whatever betrays the paste, so nothing may: edges are as soft as the picture, light and grain fall on
all of it, sharpness says only sometimes what is the subject, and other things lie about that are not.
"""

import cv2
import numpy as np
from grounds import SURFACES, ground, room, studio, textured

#: How often what is drawn: cut-outs before a ground, bent to its colours or not; shapes filled with a texture; studio
#: shots; things that stand on a table or a floor before a wall; and photos as the published network sees them.
KINDS = ("pasted", "filled", "studio", "standing", "labelled")
SHARES = (0.25, 0.05, 0.12, 0.18, 0.4)


def draw_batch(material, seed, count, size):
    """Pictures of `size` by `size`, and their alpha."""
    rng = np.random.default_rng([seed, 3])
    made = [draw(material, rng, size) for _ in range(count)]
    return np.stack([picture for picture, _ in made]), np.stack([alpha for _, alpha in made])


def draw(material, rng, size, kind=None):
    """One picture and its alpha, uint8."""
    kind = kind or rng.choice(KINDS, p=SHARES)
    if kind == "labelled" and material.labelled:
        canvas, alpha = _as_it_is(material, rng, size)
    else:
        canvas, alpha = _composed(material, rng, size, kind)
    return developed(canvas, rng), np.clip(alpha * 255, 0, 255).round().astype(np.uint8)


def _composed(material, rng, size, kind):
    plain, stands = kind == "studio", kind == "standing"
    edge = float(rng.uniform(0.25, 0.7))
    canvas = studio(rng, size) if plain else room(material, rng, size, edge) if stands else ground(material, rng, size)
    if not plain:
        _litter(material, rng, canvas)
        if rng.random() < 0.5:
            canvas = cv2.GaussianBlur(canvas, (0, 0), float(np.exp(rng.uniform(np.log(0.5), np.log(0.03 * size)))))
    total = np.zeros((size, size), np.float32)
    count = int(rng.choice([1, 2, 3, 4], p=[0.8, 0.12, 0.05, 0.03]))
    share = np.exp(rng.uniform(np.log(0.045), np.log(0.6))) / count
    flock = _any_cutout(material, rng, kind) if rng.random() < 0.5 else None
    spots = _spots(rng, count, share)
    likeness = rng.choice([0, 0.35, 0.75], p=[0.5, 0.3, 0.2])
    for spot in spots:
        cutout = flock if flock is not None else _any_cutout(material, rng, kind)
        colour, alpha = _placed(cutout, rng, size, share, spot)
        if stands:
            colour, alpha = _set_down(colour, alpha, rng, edge)
        if kind != "pasted" and rng.random() < 0.2:
            alpha = _pierced(alpha, rng)
        if kind == "filled":
            colour = _relief(_patched(material, rng, size), alpha, rng)
        colour = _tuned(colour, alpha, canvas, likeness, rng)
        if rng.random() < (0.85 if plain or stands else 0.5):
            _shaded(canvas, alpha, rng)
        if not stands and rng.random() < 0.06:
            _hung(canvas, alpha, rng)
        canvas += (colour - canvas) * alpha[..., None]
        total = np.maximum(total, alpha)
    if not plain and rng.random() < 0.12:
        _in_front(material, rng, canvas, total)
    return canvas, total


def _any_cutout(material, rng, kind):
    """Drawn shapes are many, so they lend their outline; photographed things are few and lend their looks."""
    drawn = rng.random() < (0.75 if kind == "filled" else 0.2)
    stock = material.drawn if drawn else material.photographed
    return stock[rng.integers(len(stock))]


def _spots(rng, count, share):
    """Where the middles of the subjects lie; small ones wander farther from the middle of the picture."""
    middle = 0.5 + np.clip(rng.normal(0, 0.14 - 0.1 * share, 2), -0.3, 0.3)
    if count == 1:
        return [middle]
    apart = np.sqrt(share) * rng.uniform(0.7, 1.3)
    steps = np.arange(count) - (count - 1) / 2
    turn = rng.normal(0, 0.4)
    return [middle + step * apart * np.array([np.cos(turn), np.sin(turn)]) + rng.normal(0, 0.03, 2) for step in steps]


def _placed(cutout, rng, size, share, spot):
    """The cut-out turned, mirrored, scaled to a share of the picture; some are cut by the frame, mostly at the foot."""
    if rng.random() < 0.5:
        cutout = cutout[:, ::-1]
    height, width = cutout.shape[:2]
    filled = (cutout[..., 3] > 127).mean()
    stretch = np.exp(rng.normal(0, 0.15))
    scale = size * np.sqrt(share / (filled * height * width))
    scale = min(scale, 1.5 * size / max(height, width))
    if scale < 0.7:
        small = (max(2, round(width * scale * 1.3)), max(2, round(height * scale * 1.3)))
        cutout = cv2.resize(cutout, small, interpolation=cv2.INTER_AREA)
        scale *= height / cutout.shape[0]
        height, width = cutout.shape[:2]
    turn = rng.normal(0, 10) if rng.random() < 0.85 else rng.uniform(-180, 180)
    turn = np.deg2rad(turn)
    spin = (
        scale
        * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        @ np.diag([stretch, 1 / stretch])
    )
    spot = np.array(spot) * size
    # What is large is seldom whole in the picture.
    if rng.random() < min(0.45, 2 * share):
        reach = 0.5 * np.abs(spin) @ [width, height]
        side = rng.choice(4, p=[0.6, 0.1, 0.15, 0.15])
        beyond = rng.uniform(-0.05, 0.6)
        spot[1 if side < 2 else 0] = [size - reach[1] * (1 - beyond), reach[1] * (1 - beyond),
                                      reach[0] * (1 - beyond), size - reach[0] * (1 - beyond)][side]  # fmt: skip
    move = np.column_stack([spin, spot - spin @ [width / 2, height / 2]])
    cutout = np.ascontiguousarray(cutout)
    colour = cv2.warpAffine(
        cutout[..., :3], move, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    alpha = cv2.warpAffine(np.ascontiguousarray(cutout[..., 3]), move, (size, size), flags=cv2.INTER_LINEAR)
    return colour, _softened(alpha, rng)


def _softened(alpha, rng):
    """The rim taken off, where the old ground still shows, and as soft as a lens makes it."""
    soft = cv2.GaussianBlur(alpha.astype(np.float32) / 255, (0, 0), rng.uniform(0.4, 1.3))
    limit = rng.uniform(0.1, 0.35)
    return np.clip((soft - limit) / (0.95 - limit), 0, 1)


def _pierced(alpha, rng):
    """A ring or a frame: the outline once more, smaller, is a hole in it through which the ground shows."""
    y, x = np.nonzero(alpha > 0.5)
    if len(y) < 200:
        return alpha
    middle = np.array([x.mean(), y.mean()])
    small = rng.uniform(0.4, 0.88) * np.array([1, np.exp(rng.normal(0, 0.1))])
    shift = (1 - small) * middle + rng.normal(0, 0.03, 2) * np.sqrt(len(y))
    move = np.column_stack([np.diag(small), shift])
    hole = cv2.warpAffine(cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.3, 4)), move, alpha.shape[::-1])
    return alpha * (1 - np.clip(3 * hole - 1, 0, 1))


def _tuned(colour, alpha, canvas, likeness, rng):
    """The subject's colours: perhaps another hue, and pulled towards those of its new ground."""
    if rng.random() < 0.3:
        hue = cv2.cvtColor(np.clip(colour, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV)
        hue[..., 0] = (hue[..., 0].astype(int) + rng.integers(180)) % 180
        hue[..., 1] = np.clip(hue[..., 1] * rng.uniform(0.2, 1.3), 0, 255)
        colour = cv2.cvtColor(hue, cv2.COLOR_HSV2RGB).astype(np.float32)
    inside = alpha > 0.5
    if not inside.any():
        return colour
    own, behind = colour[inside], canvas[inside]
    centre = own.mean(0) + likeness * (behind.mean(0) - own.mean(0))
    spread = (own.std() + likeness * (behind.std() - own.std())) / (own.std() + 1)
    gain = np.exp(rng.normal(0, 0.12)) * np.clip(spread, 0.4, 2)
    colour = (colour - own.mean(0)) * gain + centre + rng.normal(0, 8)
    size = len(alpha)
    if rng.random() < 0.5:
        lean = rng.uniform(-0.3, 0.3, 2)
        ramp = np.linspace(-1, 1, size, dtype=np.float32)
        colour = colour * (1 + lean[0] * ramp[None, :, None] + lean[1] * ramp[:, None, None])
    return np.clip(colour, 0, 255).astype(np.float32)


def _patched(material, rng, size):
    """One texture, or two that meet, as fur and belly, shirt and trousers do."""
    colour = textured(material, rng, size)
    if rng.random() < 0.5:
        where = SURFACES.cloud(rng, size) + rng.uniform(-0.3, 0.3)
        share = 1 / (1 + np.exp(np.clip(-where * rng.choice([10, 60]), -40, 40)))
        colour = colour + (textured(material, rng, size) - colour) * share[..., None]
    return colour


def _relief(colour, alpha, rng):
    """Light from one side on a body as round as its outline."""
    size = len(alpha)
    round_ = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.02, 0.08) * size)
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 6)
    slope = np.cos(angle) * cv2.Sobel(round_, cv2.CV_32F, 1, 0) + np.sin(angle) * cv2.Sobel(round_, cv2.CV_32F, 0, 1)
    return np.clip(colour * (1 + depth * slope)[..., None], 0, 255).astype(np.float32)


def _shaded(canvas, alpha, rng):
    """A cast shadow to one side, and the dark where the subject stands."""
    size = len(alpha)
    rows = np.nonzero(alpha.max(1) > 0.5)[0]
    if not len(rows):
        return
    foot = rows[-1]
    lean, flat = rng.uniform(-1, 1), rng.uniform(0.05, 0.5)
    if rng.random() < 0.6:
        fall = np.array([[1, lean * flat, -lean * flat * foot], [0, flat, foot * (1 - flat)]], np.float32)
    else:
        fall = np.array([[1, 0, rng.normal(0, 0.03) * size], [0, 1, rng.uniform(0, 0.04) * size]], np.float32)
    cast = cv2.GaussianBlur(cv2.warpAffine(alpha, fall, (size, size)), (0, 0), rng.uniform(0.006, 0.04) * size)
    canvas *= 1 - rng.uniform(0.05, 0.6) * cast[..., None]


def _set_down(colour, alpha, rng, edge):
    """The subject moved up or down until its foot is somewhere on the table, whose edge is at a height of 0 to 1."""
    size = len(alpha)
    rows = np.nonzero(alpha.max(1) > 0.5)[0]
    if not len(rows):
        return colour, alpha
    foot = rng.uniform(edge + 0.05, min(0.97, edge + 0.4)) * size
    move = np.float32([[1, 0, 0], [0, 1, foot - rows[-1]]])
    return cv2.warpAffine(colour, move, (size, size), borderMode=cv2.BORDER_REPLICATE), cv2.warpAffine(
        alpha, move, (size, size)
    )


def _hung(canvas, alpha, rng):
    """A string or a rod from above, which is not the subject."""
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows):
        return
    top = int(rows.min())
    across = int(columns[rows == top].mean())
    size = len(alpha)
    colour = tuple(float(value) for value in rng.uniform(0, 255, 3))
    start = (int(across + rng.normal(0, 0.12) * size), -2)
    cv2.line(canvas, start, (across, top + 2), colour, int(rng.integers(1, max(2, size // 50))), cv2.LINE_AA)


def _litter(material, rng, canvas):
    """Things that are not the subject: small ones about the rim, or many alike all over."""
    size = len(canvas)
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 4))):
            angle = rng.uniform(0, 2 * np.pi)
            spot = 0.5 + 0.58 * np.array([np.cos(angle), np.sin(angle)])
            _lay(material, rng, canvas, float(np.exp(rng.uniform(np.log(0.004), np.log(0.03)))), spot)
    if rng.random() < 0.12:
        cutout = _any_cutout(material, rng, "pasted")
        share = float(np.exp(rng.uniform(np.log(0.0015), np.log(0.012))))
        for _ in range(int(rng.integers(8, 40))):
            colour, alpha = _placed(cutout, rng, size, share * np.exp(rng.normal(0, 0.3)), rng.uniform(0, 1, 2))
            canvas += (colour - canvas) * alpha[..., None]


def _in_front(material, rng, canvas, total):
    """Something out of focus before a corner of the picture."""
    size = len(canvas)
    angle = rng.uniform(0, 2 * np.pi)
    spot = 0.5 + 0.68 * np.array([np.cos(angle), np.sin(angle)])
    alpha = _lay(material, rng, canvas, rng.uniform(0.01, 0.08), spot, blur=rng.uniform(0.005, 0.03) * size)
    total *= 1 - alpha


def _lay(material, rng, canvas, share, spot, blur=0.0):
    colour, alpha = _placed(_any_cutout(material, rng, "pasted"), rng, len(canvas), share, spot)
    colour = _tuned(colour, alpha, canvas, 0.35, rng)
    if blur:
        colour, alpha = cv2.GaussianBlur(colour, (0, 0), blur), cv2.GaussianBlur(alpha, (0, 0), blur)
    canvas += (colour - canvas) * alpha[..., None]
    return alpha


def _as_it_is(material, rng, size):
    """A labelled photo, framed anew."""
    whole = material.labelled[rng.integers(len(material.labelled))]
    height, width = whole.shape[:2]
    if rng.random() < 0.5:
        whole = whole[:, ::-1]
    keep = rng.uniform(0.7, 1, 2) if rng.random() < 0.6 else np.ones(2)
    high, wide = round(height * keep[0]), round(width * keep[1])
    top, left = int(rng.integers(0, height - high + 1)), int(rng.integers(0, width - wide + 1))
    part = cv2.resize(
        np.ascontiguousarray(whole[top : top + high, left : left + wide]), (size, size), interpolation=cv2.INTER_AREA
    )
    if rng.random() < 0.15:
        part = np.ascontiguousarray(np.rot90(part, int(rng.integers(1, 4))))
    return part[..., :3].astype(np.float32), part[..., 3].astype(np.float32) / 255


def developed(canvas, rng):
    """What camera and file do to all of it: light, colour, blur, grain, JPEG."""
    size = len(canvas)
    if rng.random() < 0.6:
        values = np.clip(canvas / 255, 0, 1) ** np.exp(rng.normal(0, 0.2))
        tint = np.exp(rng.normal(0, 0.06, 3)) if rng.random() < 0.6 else np.ones(3)
        canvas = 255 * values * (np.exp(rng.normal(0, 0.12)) * tint).astype(np.float32)
    if rng.random() < 0.4:
        grey = canvas @ np.array([0.3, 0.59, 0.11], np.float32)
        canvas = grey[..., None] + (canvas - grey[..., None]) * (0 if rng.random() < 0.25 else rng.uniform(0.3, 1.5))
    if rng.random() < 0.3:
        ramp = np.linspace(-1, 1, size, dtype=np.float32) ** 2
        canvas = canvas * (1 - rng.uniform(0, 0.3) * (ramp[:, None] + ramp[None]) / 2)[..., None]
    if rng.random() < 0.5:
        canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 0.9))
    if rng.random() < 0.7:
        canvas = canvas + rng.normal(0, rng.uniform(0.5, 9), (1, 1, 1)) * SURFACES.grain(rng, size)
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return picture
