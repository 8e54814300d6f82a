"""Render the sample pictures of the package: `python tests/tools/render_samples.py [name …] [--scale 0.25]`.

Everything is made here, so the pictures belong to the project: two studio shots by ray marching (`marching.py`), a
plant as a mesh, a meadow of painted blades. A few minutes for all on one core; the same seeds give the same pictures.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from marching import Scene, Thing, box, capsule, cove, cylinder, develop, project, render, smooth_min, unit, vec
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parents[2] / "runflow_widgets" / "samples"


def lettering(size, ground, lines, scale=1.0):
    """A printed card as linear colours: lines are (text, height share, y share, colour)."""
    card = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(card)
    for text, height, y, ink in lines:
        font = ImageFont.load_default(round(height * size[1] * scale))
        left, top, right, bottom = pen.textbbox((0, 0), text, font=font)
        pen.text(((size[0] - right + left) / 2 - left, y * size[1] - (bottom + top) / 2), text, font=font, fill=ink)
    return card


def linear(card):
    return (np.asarray(card, np.float32) / 255) ** 2.2


def pick(texture, u, v):
    """Colours of a texture at 0…1 coordinates, the origin at the top left."""
    height, width = texture.shape[:2]
    y = np.clip(v * height, 0, height - 1).astype(int)
    x = np.clip(u * width, 0, width - 1).astype(int)
    return texture[y, x]


def backdrop(low, high):
    def colour(p, normal):
        mix = np.clip((p[:, 1:2] + 0.2 * p[:, 2:3]) / 3, 0, 1)
        return vec(*low) * (1 - mix) + vec(*high) * mix

    return Thing(cove, colour, gloss=0.012, roughness=1.0)


def perfume(size, rng):
    label = linear(
        lettering(
            (900, 640),
            (238, 229, 212),
            [
                ("VERSO", 0.26, 0.38, (44, 34, 30)),
                ("eau de parfum", 0.085, 0.62, (90, 70, 60)),
                ("50 ml", 0.07, 0.8, (120, 96, 80)),
            ],
        )
    )
    label[30:36, 30:-30] = label[-36:-30, 30:-30] = vec(0.25, 0.15, 0.08)
    label[30:-30, 30:36] = label[30:-30, -36:-30] = vec(0.25, 0.15, 0.08)

    def printed(p, normal):
        return pick(label, (p[:, 0] + 0.27) / 0.54, (0.79 - p[:, 1]) / 0.384)

    things = [
        backdrop((0.46, 0.25, 0.20), (0.60, 0.40, 0.33)),
        Thing(lambda p: box(p, (0, 0.62, 0), (0.43, 0.6, 0.21), 0.07), (1, 1, 1), 0.045, 0.0, glass=(0.15, 0.75, 2.1)),
        Thing(lambda p: box(p, (0, 0.6, -0.212), (0.27, 0.192, 0.006), 0.004), printed, 0.03, 0.7),
        Thing(lambda p: cylinder(p, (0, 1.255, 0), 0.15, 0.055, 0.012), (0.95, 0.70, 0.38), 0.6, 0.1, metal=True),
        Thing(lambda p: cylinder(p, (0, 1.53, 0), 0.215, 0.235, 0.03), (0.012, 0.011, 0.012), 0.05, 0.04),
    ]
    scene = Scene(things, (0.75, 1.25, -5.2), (0.03, 0.84, 0), 3.5, rng=rng, exposure=0.72, light_size=1.0)
    return develop(render(scene, size, rays=16), rng)


def bars(card, left, top, width, height, rng):
    pen = ImageDraw.Draw(card)
    x = left
    while x < left + width:
        wide = int(rng.integers(3, 11))
        pen.rectangle((x, top, min(x + wide, left + width), top + height), fill=(25, 25, 28))
        x += wide + int(rng.integers(4, 11))


def tagged_mug(size, rng):
    card = lettering(
        (520, 760), (246, 243, 236), [("24,90", 0.2, 0.46, (20, 20, 22)), ("STONEWARE", 0.075, 0.27, (110, 60, 40))]
    )
    ImageDraw.Draw(card).ellipse((232, 40, 288, 96), fill=(70, 68, 66))
    bars(card, 70, 520, 380, 150, rng)
    card = linear(card)
    sticker = lettering((600, 600), (236, 92, 30), [("-30%", 0.3, 0.5, (255, 250, 240))])
    ImageDraw.Draw(sticker).ellipse((24, 24, 576, 576), outline=(255, 240, 220), width=12)
    sticker = linear(sticker)
    speckles = cv2.GaussianBlur(rng.random((512, 512)).astype(np.float32), (0, 0), 1.2)

    def glaze(p, normal):
        angle = np.arctan2(p[:, 0], -p[:, 2])
        u, v = (angle + 0.62) / 0.62, (0.64 - p[:, 1]) / 0.31
        dots = pick(speckles[..., None], (angle / 3 + 1) % 1, np.clip(p[:, 1] / 1.2, 0, 1)) > 0.585
        dip = np.clip((p[:, 1:2] - 0.24 - 0.015 * np.sin(5 * angle)[:, None]) / 0.02, 0, 1)
        base = vec(0.56, 0.44, 0.31) * (1 - dip) + vec(0.035, 0.17, 0.19) * dip
        base = np.where(dots & (dip > 0.5), base * 2.2, base)
        outer = np.hypot(p[:, 0], p[:, 2]) > 0.47
        on = (np.hypot(u - 0.5, v - 0.5) < 0.47) & (p[:, 2] < 0) & outer
        return np.where(on[:, None], pick(sticker, u, v), base)

    def body(p):
        outer = cylinder(p, (0, 0.56, 0), 0.5, 0.55, 0.05)
        shell = np.maximum(outer, -cylinder(p, (0, 0.72, 0), 0.44, 0.62, 0.05))
        around = np.hypot(p[:, 0] - 0.54, p[:, 1] - 0.56) - 0.29
        handle = np.hypot(around, p[:, 2] * 0.75) - 0.062
        handle = np.maximum(handle, 0.46 - np.hypot(p[:, 0], p[:, 2]))
        return smooth_min(shell, handle, 0.06)

    turn = np.deg2rad(9)
    axis, rise = vec(np.cos(turn), np.sin(turn), 0), vec(-np.sin(turn), np.cos(turn), 0)
    middle = vec(0.24, 0.5, -0.56)

    def local(p):
        q = p - middle
        return np.stack([q @ axis, q @ rise, q[:, 2] - 0.16 * (q @ axis)], axis=-1)

    def printed(p, normal):
        q = local(p)
        return pick(card, (q[:, 0] + 0.135) / 0.27, (0.197 - q[:, 1]) / 0.394)

    def tag(p):
        q = local(p)
        corner = (np.abs(q[:, 0]) + np.abs(q[:, 1]) - 0.275) * 0.707
        return np.maximum(box(q, (0, 0, 0), (0.135, 0.197, 0.005), 0.003), corner) * 0.9

    knots = [
        tuple(middle + 0.168 * rise + vec(0, 0, -0.012)),
        (0.40, 0.86, -0.43),
        (0.585, 0.88, -0.14),
        (0.66, 0.83, 0.0),
    ]

    def string(p):
        return np.min([capsule(p, a, b, 0.0085) for a, b in pairwise(knots)], axis=0)

    things = [
        backdrop((0.36, 0.36, 0.33), (0.50, 0.50, 0.47)),
        Thing(body, glaze, 0.05, 0.06),
        Thing(tag, printed, 0.02, 0.8),
        Thing(string, (0.50, 0.36, 0.20), 0.01, 1.0),
    ]
    scene = Scene(things, (0.35, 1.5, -4.4), (0.13, 0.50, 0), 3.15, rng=rng, exposure=0.8, light_size=0.8)
    return develop(render(scene, size, rays=16), rng)


def blade(root, tip, bend, width, fold, steps=36):
    """A leaf: a strip along a bent line, a little folded at its rib; points steps×5×3."""
    root, tip = np.array(root, float), np.array(tip, float)
    t = np.linspace(0, 1, steps)[:, None]
    peak = (root + tip) / 2 + np.array(bend, float)
    spine = (1 - t) ** 2 * root + 2 * t * (1 - t) * peak + t**2 * tip
    along = unit(np.gradient(spine, axis=0))
    side = unit(np.cross(along, [0.15, 0.25, -1.0]))
    lift = unit(np.cross(side, along))
    breadth = width * np.sin(np.pi * t**0.75) ** 0.8
    return np.stack(
        [spine + s * breadth * side + fold * abs(s) * breadth * lift for s in (-1, -0.5, 0, 0.5, 1)], axis=1
    )


def plant_leaves(rng):
    leaves = []
    for number in range(34):
        angle = number * 2.39996 + rng.normal(0, 0.15)
        # The inner leaves stand, the outer ones hang over.
        spread = (number / 33) ** 0.8
        reach, rise = 0.10 + 0.85 * spread, 1.22 - 0.85 * spread**1.5 + rng.normal(0, 0.09)
        tip = (reach * np.cos(angle), 0.66 + rise, 0.75 * reach * np.sin(angle))
        bend = (-0.06 * reach * np.cos(angle), 0.5 * rise + 0.32 * spread, -0.06 * reach * np.sin(angle))
        root = (0.10 * np.cos(angle), 0.58, 0.08 * np.sin(angle))
        leaves.append(
            (blade(root, tip, bend, rng.uniform(0.034, 0.056), rng.uniform(0.3, 0.8)), rng.uniform(0.6, 1.25))
        )
    return leaves


def leaf_quads(leaves, light):
    """Every little face with its linear colour, lit from both sides: leaves let light through."""
    for points, tone in leaves:
        for i in range(len(points) - 1):
            for j in range(4):
                face = np.array([points[i, j], points[i, j + 1], points[i + 1, j + 1], points[i + 1, j]])
                normal = np.cross(face[1] - face[0], face[3] - face[0])
                normal = normal / (np.linalg.norm(normal) + 1e-9)
                facing = float(normal @ unit(light - face.mean(axis=0)))
                along = i / len(points)
                green = vec(0.075, 0.24, 0.055) * tone * (0.75 + 0.5 * along)
                rib = 1.25 if j in (1, 2) else 1.0
                shine = max(0.0, abs(facing)) ** 14 * 0.12
                through = vec(0.10, 0.19, 0.015) * max(0.0, -facing) * 0.9
                yield face, green * rib * (0.34 + 1.0 * abs(facing)) + through + shine


def plant(size, rng):
    def pot(p):
        tall = np.clip((p[:, 1] + 0.0) / 0.66, 0, 1)
        radius = 0.29 + 0.09 * tall
        wall = np.maximum((np.hypot(p[:, 0], p[:, 2]) - radius) * 0.97, np.abs(p[:, 1] - 0.33) - 0.33)
        hollow = np.maximum((np.hypot(p[:, 0], p[:, 2]) - radius + 0.035) * 0.97, 0.58 - p[:, 1])
        return np.maximum(wall, -hollow) - 0.012

    def clay(p, normal):
        rings = 0.97 + 0.03 * np.sin(p[:, 1:2] * 160)
        earth = (np.hypot(p[:, 0], p[:, 2]) < 0.345)[:, None] & (p[:, 1:2] > 0.5) & (normal[:, 1:2] > 0.5)
        return np.where(earth, vec(0.05, 0.035, 0.025), vec(0.78, 0.74, 0.68) * rings)

    things = [backdrop((0.40, 0.46, 0.48), (0.54, 0.60, 0.61)), Thing(pot, clay, 0.03, 0.5)]
    scene = Scene(things, (0.1, 1.5, -5.6), (0, 0.95, 0), 3.0, rng=rng, exposure=0.75)
    light = render(scene, size, rays=16)
    leaves = plant_leaves(rng)
    lamp = vec(*scene.light)

    fine = 3
    big = (size[0] * fine, size[1] * fine)
    # The leaves' shadow on the floor: every face pushed along the light until it lies on the ground.
    shadow = np.zeros((big[1], big[0]), np.float32)
    faces = list(leaf_quads(leaves, lamp))
    for face, _ in faces:
        fallen = face + (face - lamp) * (face[:, 1:2] / np.maximum(lamp[1] - face[:, 1:2], 1e-3))
        fallen = np.where(fallen[:, 2:3] > 1.1, np.nan, fallen)
        if not np.isnan(fallen).any():
            cv2.fillConvexPoly(shadow, project(scene, big, fallen)[0].astype(np.int32), 1.0)
    shadow = cv2.resize(cv2.GaussianBlur(shadow, (0, 0), 14 * big[1] / 3000), size, interpolation=cv2.INTER_AREA)
    light *= (1 - 0.30 * shadow)[..., None]

    canvas = cv2.resize(light, big, interpolation=cv2.INTER_LINEAR)
    cover = np.zeros((big[1], big[0]), np.float32)
    eye = vec(*scene.eye)
    for face, colour in sorted(faces, key=lambda pair: -np.linalg.norm(pair[0].mean(axis=0) - eye)):
        corners = np.round(project(scene, big, face)[0] * 16).astype(np.int32)
        cv2.fillConvexPoly(canvas, corners, [float(c) for c in colour], cv2.LINE_AA, 4)
        cv2.fillConvexPoly(cover, corners, 1.0, cv2.LINE_AA, 4)
    # The pot's front rim stands before the leaf roots.
    leafy = cv2.resize(canvas, size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(cover, size, interpolation=cv2.INTER_AREA)[..., None]
    rim = project(scene, size, [(0, 0.655, -0.36)])[0][0, 1]
    behind = (np.arange(size[1]) < rim)[:, None, None]
    return develop(np.where(behind, light * (1 - share) + leafy * share, light), rng)


def noise(shape, scales, rng):
    """Clouds: blurred noise of several sizes, about -1 to 1."""
    total = np.zeros(shape, np.float32)
    for scale, weight in scales:
        small = rng.normal(0, 1, (max(2, int(shape[0] / scale) + 2), max(2, int(shape[1] / scale) + 2)))
        layer = cv2.resize(small.astype(np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
        total += weight * layer
    return total


def grass(size, rng):
    """A meadow seen from above and a little aslant: tens of thousands of blades, the near ones last and largest."""
    width, height = size
    soil = noise((height, width), [(90, 0.3), (25, 0.2), (6, 0.2)], rng)[..., None]
    canvas = np.clip(vec(0.055, 0.085, 0.022) * (1 + 0.5 * soil), 0, 1)
    patch = noise((height, width), [(220, 0.5), (70, 0.35)], rng)
    count = int(width * height / 26)
    for y, x in sorted(zip(rng.uniform(0, height * 1.06, count), rng.uniform(0, width, count), strict=True)):
        near = 0.55 + 0.6 * y / height
        length = rng.uniform(9, 26) * near * width / 1400
        lean = rng.normal(0, 0.55)
        tint = patch[min(int(y), height - 1), int(x)]
        green = vec(0.13 + 0.05 * tint, 0.23 + 0.045 * tint, 0.045) * rng.uniform(0.45, 1.35)
        if rng.random() < 0.05:
            green = vec(0.42, 0.36, 0.15) * rng.uniform(0.6, 1.1)
        tip = (x + lean * length, y - length)
        bend = (x + 0.25 * lean * length, y - 0.6 * length)
        line = np.array([(x, y), bend, tip]) * 8
        thick = max(1, round(2.1 * near * width / 1400))
        cv2.polylines(canvas, [line.astype(np.int32)], False, [float(c) for c in green], thick, cv2.LINE_AA, 3)
    return canvas


def gingham(squares, pixels, rng):
    cell = pixels // squares
    index = np.arange(pixels) // cell % 2
    share = (index[:, None] + index[None]) / 2
    weave = 1 + 0.05 * np.sin(np.arange(pixels) * 2.1)[:, None] + 0.05 * np.sin(np.arange(pixels) * 2.1)[None]
    cloth = vec(0.86, 0.84, 0.78) * (1 - share[..., None]) + vec(0.55, 0.035, 0.04) * share[..., None]
    return cloth * weave[..., None] * (1 + 0.03 * rng.normal(0, 1, (pixels, pixels, 1)).astype(np.float32))


def ball(canvas, middle, radius, paint, sun):
    """A ball on the ground with its shadow; returns what belongs to it, shadow and all."""
    height, width = canvas.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    foot = (middle[0] + 0.62 * radius, middle[1] + 0.60 * radius)
    away = np.hypot((x - foot[0]) / (1.05 * radius), (y - foot[1]) / (0.62 * radius))
    shade = cv2.GaussianBlur((away < 1).astype(np.float32), (0, 0), 0.10 * radius)
    canvas *= 1 - 0.72 * shade[..., None] * vec(1.0, 0.98, 0.9)
    u, v = (x - middle[0]) / radius, (y - middle[1]) / radius
    inside = np.clip((1 - np.hypot(u, v)) * radius + 0.5, 0, 1)
    depth = np.sqrt(np.clip(1 - u**2 - v**2, 0, 1))
    normal = np.stack([u, -v, depth], axis=-1)
    facing = np.clip(normal @ unit(vec(*sun)), 0, 1)
    gleam = np.clip(normal @ unit(unit(vec(*sun)) + vec(0, 0, 1)), 0, 1) ** 90
    bounce = np.clip(v, 0, 1)[..., None] * vec(0.05, 0.09, 0.02)
    colour = paint(normal) * (0.16 + 1.05 * facing[..., None]) + bounce + 0.9 * gleam[..., None]
    canvas[:] = canvas * (1 - inside[..., None]) + colour * inside[..., None]
    return (inside > 0.02) | (shade > 0.02)


def beach_ball(normal):
    tilt = unit(vec(0.35, 0.8, 0.48))
    side = unit(np.cross(tilt, vec(0, 0, 1)))
    angle = np.arctan2(normal @ np.cross(tilt, side), normal @ side)
    colours = np.array([(0.02, 0.12, 0.50), (0.88, 0.86, 0.80), (0.75, 0.42, 0.02), (0.88, 0.86, 0.80)], np.float32)
    paint = colours[np.floor((angle / np.pi + 1) * 3).astype(int) % 4]
    cap = (normal @ tilt > 0.965)[..., None]
    return np.where(cap, vec(0.88, 0.86, 0.80), paint)


def apple(normal):
    stripes = 0.5 + 0.5 * np.sin(9 * np.arctan2(normal[..., 0], normal[..., 2]) + 4 * normal[..., 1])
    return vec(0.42, 0.018, 0.02) * (0.75 + 0.4 * stripes[..., None]) + vec(0.25, 0.2, 0.0) * (normal[..., 1:2] > 0.8)


def picnic(size, rng):
    """The meadow with its blanket; the picture and the mask of the ball."""
    fine = (size[0] * 2, size[1] * 2)
    width, height = fine
    canvas = grass(fine, rng)
    sun = (-0.55, 0.62, 0.56)
    cloth = gingham(14, 1400, rng).astype(np.float32)
    folds = noise((1400, 1400), [(330, 0.10), (140, 0.06)], rng)
    cloth *= (1 + np.clip(cv2.Sobel(cv2.GaussianBlur(folds, (0, 0), 12), cv2.CV_32F, 1, 1) * 3, -0.25, 0.25))[..., None]
    corners = np.array([(0.02, 0.30), (0.44, 0.12), (0.72, 0.66), (0.22, 0.97)], np.float32) * vec(width, height)
    warp = cv2.getPerspectiveTransform(np.array([(0, 0), (1399, 0), (1399, 1399), (0, 1399)], np.float32), corners)
    wavy_x = np.tile(np.arange(width, dtype=np.float32), (height, 1)) + 9 * noise((height, width), [(160, 1.0)], rng)
    wavy_y = np.tile(np.arange(height, dtype=np.float32)[:, None], (1, width)) + 9 * noise(
        (height, width), [(160, 1.0)], rng
    )
    flat = cv2.warpPerspective(cloth, warp, fine, flags=cv2.INTER_AREA)
    cover = cv2.warpPerspective(np.ones((1400, 1400), np.float32), warp, fine)
    flat, cover = (cv2.remap(layer, wavy_x, wavy_y, cv2.INTER_LINEAR) for layer in (flat, cover))
    drop = cv2.GaussianBlur(np.roll(cover, (10, 12), (0, 1)), (0, 0), 9)
    canvas *= 1 - 0.6 * drop[..., None] * (1 - cover[..., None])
    canvas = canvas * (1 - cover[..., None]) + flat * cover[..., None]

    plate = (0.36 * width, 0.50 * height)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot((x - plate[0]) / (0.115 * width), (y - plate[1]) / (0.082 * width))
    under = cv2.GaussianBlur(
        (np.hypot(x - plate[0] - 16, (y - plate[1] - 14) * 1.38) < 0.117 * width).astype(np.float32), (0, 0), 10
    )
    canvas *= 1 - 0.5 * under[..., None]
    china = (
        vec(0.80, 0.82, 0.84)
        * (0.9 + 0.13 * np.tanh((0.72 - away) * 14) * (x < plate[0]) - 0.05 * (away > 0.72))[..., None]
    )
    edge = np.clip((1 - away) * 80, 0, 1)[..., None]
    canvas = canvas * (1 - edge) + china * edge
    for dx, dy, radius in ((-0.036, -0.018, 0.036), (0.034, -0.014, 0.034), (0.0, 0.026, 0.036)):
        ball(canvas, (plate[0] + dx * width, plate[1] + dy * width), radius * width, apple, sun)
    mask = ball(canvas, (0.78 * width, 0.42 * height), 0.072 * width, beach_ball, sun)
    shine = 1.12 + 0.22 * noise((height, width), [(600, 0.5)], rng)[..., None]
    light = cv2.resize(canvas * shine, size, interpolation=cv2.INTER_AREA)
    marked = cv2.dilate(mask.astype(np.uint8) * 255, np.ones((9, 9), np.uint8))
    return develop(light, rng, vignette=0.22), cv2.resize(marked, size, interpolation=cv2.INTER_AREA) > 20


SIZES = {"perfume": (880, 1100), "tagged_mug": (1120, 960), "plant": (880, 1100), "picnic": (1200, 900)}
PAINTERS = {"perfume": perfume, "tagged_mug": tagged_mug, "plant": plant, "picnic": picnic}


def main():
    parser = argparse.ArgumentParser(description="Render the bundled sample pictures.")
    parser.add_argument("names", nargs="*", default=list(PAINTERS))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.names:
        size = tuple(round(side * chosen.scale) for side in SIZES[name])
        painted = PAINTERS[name](size, np.random.default_rng(7))
        if name == "picnic":
            painted, mask = painted
            Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).convert("1").save(
                chosen.folder / "picnic_mask.png", optimize=True
            )
        Image.fromarray(painted).save(chosen.folder / f"{name}.jpg", quality=88, optimize=True, progressive=True)


if __name__ == "__main__":
    main()
