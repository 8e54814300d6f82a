"""A small ray marcher: scenes of signed distances, lit by one soft box and a bright room, in NumPy.

Method: sphere tracing (Hart, 1996). Each ray of a pixel draws its own point of the soft box, so shadows are soft and
what noise remains looks like grain.
"""

from dataclasses import dataclass, field

import numpy as np


def vec(*values):
    return np.array(values, np.float32)


def unit(vectors):
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def box(p, centre, half, rounding):
    q = np.abs(p - vec(*centre)) - vec(*half) + rounding
    return np.linalg.norm(np.maximum(q, 0), axis=-1) + np.minimum(q.max(axis=-1), 0) - rounding


def cylinder(p, centre, radius, half, rounding):
    q = p - vec(*centre)
    d = np.stack([np.hypot(q[:, 0], q[:, 2]) - radius + rounding, np.abs(q[:, 1]) - half + rounding], axis=-1)
    return np.linalg.norm(np.maximum(d, 0), axis=-1) + np.minimum(d.max(axis=-1), 0) - rounding


def capsule(p, start, end, radius):
    start, end = vec(*start), vec(*end)
    along = np.clip(((p - start) @ (end - start)) / ((end - start) @ (end - start)), 0, 1)
    return np.linalg.norm(p - start - along[:, None] * (end - start), axis=-1) - radius


def smooth_min(one, other, k):
    h = np.maximum(k - np.abs(one - other), 0) / k
    return np.minimum(one, other) - h * h * k / 4


def cove(p, wall=2.6, k=2.4):
    """A studio backdrop: floor and wall with a round corner between them."""
    return smooth_min(p[:, 1], wall - p[:, 2], k)


@dataclass
class Thing:
    """One object: its distance, its colour (a tuple, or a function of points and normals), and how it shines."""

    distance: object
    colour: object
    gloss: float = 0.04
    roughness: float = 0.3
    glass: tuple = ()
    metal: bool = False


@dataclass
class Scene:
    things: list
    eye: tuple
    target: tuple
    zoom: float = 2.0
    light: tuple = (-2.2, 4.2, -2.0)
    light_size: float = 1.3
    light_power: float = 1.0
    fill: float = 0.55
    room: tuple = (0.95, 0.95, 1.0)
    exposure: float = 1.0
    far: float = 14.0
    rng: object = field(default_factory=lambda: np.random.default_rng(1))


def nearest(scene, p):
    return np.min([thing.distance(p) for thing in scene.things], axis=0)


def march(scene, origin, direction, distance, steps, far):
    """How far each ray goes before it meets something; infinity where it meets nothing."""
    travelled = np.full(len(origin), 1e-3, np.float32)
    active = np.arange(len(origin))
    met = np.zeros(len(origin), bool)
    for _ in range(steps):
        gap = distance(origin[active] + travelled[active, None] * direction[active])
        hit = gap < 6e-4 * (1 + travelled[active])
        met[active[hit]] = True
        travelled[active] += np.where(hit, 0, gap * 0.95)
        active = active[~hit & (travelled[active] < far)]
        if not len(active):
            break
    return np.where(met, travelled, np.inf)


def normals(distance, p, step=8e-4):
    corners = vec(1, -1, -1), vec(-1, -1, 1), vec(-1, 1, -1), vec(1, 1, 1)
    return unit(np.sum([corner * distance(p + step * corner)[:, None] for corner in corners], axis=0))


def room(scene, direction):
    """What a mirror would see: a bright ceiling, a tall strip light on the left, a dimmer one on the right."""
    up = direction[:, 1]
    tone = 0.16 + 0.5 * np.clip(up, 0, 1) ** 1.5
    left = np.exp(-(((direction[:, 0] + 0.72) / 0.13) ** 4) - (((up - 0.25) / 0.6) ** 4))
    right = np.exp(-(((direction[:, 0] - 0.8) / 0.07) ** 4) - (((up - 0.2) / 0.7) ** 4))
    return (tone + 1.5 * left + 0.7 * right)[:, None] * vec(*scene.room)


def openness(scene, p, normal):
    """Ambient occlusion by a few steps along the normal."""
    open_ = np.ones(len(p), np.float32)
    for reach, weight in ((0.02, 0.35), (0.06, 0.3), (0.15, 0.22), (0.35, 0.18)):
        open_ -= weight * np.clip(1 - nearest(scene, p + reach * normal) / reach, 0, 1)
    return np.clip(open_, 0, 1)


def colour_of(thing, p, normal):
    if callable(thing.colour):
        return thing.colour(p, normal)
    return np.broadcast_to(vec(*thing.colour), p.shape)


def shade(scene, p, direction, depth=0):
    """Light that leaves each point towards the eye."""
    which = np.argmin([thing.distance(p) for thing in scene.things], axis=0)
    result = np.zeros_like(p)
    lamp = vec(*scene.light)[None] + scene.light_size * scene.rng.uniform(-1, 1, p.shape).astype(np.float32)
    for index in np.unique(which):
        own = which == index
        thing, at, towards = scene.things[index], p[own], direction[own]
        normal = normals(thing.distance, at)
        to_lamp = unit(lamp[own] - at)
        facing = np.clip((normal * to_lamp).sum(axis=-1), 0, 1)
        lit = np.zeros(len(at), np.float32)
        front = facing > 0
        away = np.linalg.norm(lamp[own] - at, axis=-1)
        start = at + 4e-3 * normal
        blocked = march(scene, start[front], to_lamp[front], lambda q: nearest(scene, q), 40, 6.0)
        lit[front] = np.where(np.isfinite(blocked), 0, 1)
        sky = (0.6 + 0.4 * normal[:, 1]) * openness(scene, at, normal) * scene.fill
        light = sky + scene.light_power * 1.25 * lit * facing * (23 / (away**2 + 3))
        albedo = colour_of(thing, at, normal)
        mirrored = towards - 2 * (towards * normal).sum(axis=-1, keepdims=True) * normal
        jitter = thing.roughness * scene.rng.normal(0, 1, at.shape).astype(np.float32) * 0.35
        seen = reflected(scene, at + 4e-3 * normal, unit(mirrored + jitter), depth)
        grazing = np.clip(1 + (towards * normal).sum(axis=-1), 0, 1) ** 5
        share = (thing.gloss + (1 - thing.gloss) * grazing * (1 - 0.75 * thing.roughness))[:, None]
        if thing.glass:
            body = through(scene, thing, at, towards, normal, depth)
            result[own] = body * (1 - share) + seen * share
        elif thing.metal:
            result[own] = seen * albedo * (0.75 + 0.25 * openness(scene, at, normal)[:, None])
        else:
            result[own] = albedo * light[:, None] * (1 - share) + seen * share
    return result


def reflected(scene, p, direction, depth):
    seen = room(scene, direction)
    if depth >= 1:
        return seen
    distance = march(scene, p, direction, lambda q: nearest(scene, q), 32, scene.far)
    hit = np.isfinite(distance)
    if hit.any():
        at = p[hit] + distance[hit, None] * direction[hit]
        seen[hit] = shade(scene, at, direction[hit], depth + 1)
    return seen


def bent(direction, normal, ratio):
    """The refracted direction; where none exists, the mirrored one (total reflection)."""
    cosine = -(direction * normal).sum(axis=-1, keepdims=True)
    rest = 1 - ratio**2 * (1 - cosine**2)
    refracted = ratio * direction + (ratio * cosine - np.sqrt(np.maximum(rest, 0))) * normal
    return unit(np.where(rest > 0, refracted, direction + 2 * cosine * normal)).astype(np.float32)


def through(scene, thing, p, direction, normal, depth):
    """Light through coloured glass: bent on the way in, swallowed on the way, and out into the scene."""
    inward = bent(direction, normal, 1 / 1.45)
    inside = p - 6e-3 * normal
    length = march(scene, inside, inward, lambda q: -thing.distance(q), 48, 4.0)
    length = np.where(np.isfinite(length), length, 0.5)
    exit_ = inside + length[:, None] * inward
    other = [one for one in scene.things if one is not thing]
    behind = Scene(**{**scene.__dict__, "things": other})
    outward = bent(inward, -normals(thing.distance, exit_), 1.45)
    distance = march(behind, exit_, outward, lambda q: nearest(behind, q), 50, scene.far)
    hit = np.isfinite(distance)
    seen = room(scene, outward)
    if hit.any():
        seen[hit] = shade(behind, exit_[hit] + distance[hit, None] * outward[hit], outward[hit], depth + 1)
    return seen * np.exp(-vec(*thing.glass) * length[:, None])


def camera(scene, size):
    eye, target = vec(*scene.eye), vec(*scene.target)
    ahead = unit(target - eye)
    right = unit(np.cross(vec(0, 1, 0), ahead))
    return eye, right, np.cross(ahead, right), ahead


def project(scene, size, points):
    """Where points of the scene appear in the picture, in pixels, and how far away they are."""
    eye, right, up, ahead = camera(scene, size)
    offset = np.asarray(points, np.float32) - eye
    depth = offset @ ahead
    scale = scene.zoom * max(size) / 2 / depth
    return np.stack([size[0] / 2 + offset @ right * scale, size[1] / 2 - offset @ up * scale], axis=-1), depth


def render(scene, size, rays=9):
    """Linear light, height×width×3."""
    width, height = size
    eye, right, up, ahead = camera(scene, size)
    picture = np.zeros((height, width, 3), np.float32)
    side = round(np.sqrt(rays))
    for top in range(0, height, 48):
        y, x = np.mgrid[top : min(height, top + 48), 0:width].astype(np.float32)
        for cell in range(side * side):
            dx = (cell % side + scene.rng.random(x.shape)) / side
            dy = (cell // side + scene.rng.random(x.shape)) / side
            across = ((x + dx - width / 2) * 2 / max(size) / scene.zoom)[..., None]
            down = ((y + dy - height / 2) * 2 / max(size) / scene.zoom)[..., None]
            direction = unit(ahead + across * right - down * up).reshape(-1, 3).astype(np.float32)
            origin = np.broadcast_to(eye, direction.shape)
            distance = march(scene, origin, direction, lambda q: nearest(scene, q), 90, scene.far)
            light = room(scene, direction) * 0.8
            hit = np.isfinite(distance)
            light[hit] = shade(scene, origin[hit] + distance[hit, None] * direction[hit], direction[hit])
            picture[top : top + 48] += np.minimum(light, 4).reshape(*x.shape, 3) / side**2
    return picture * scene.exposure


def develop(light, rng, grain=0.010, vignette=0.14):
    """Linear light to a photograph: tone curve, vignette, grain; uint8."""
    height, width = light.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light = light * (1 - vignette * (x**2 + y**2) / 2)[..., None]
    # The filmic curve fitted by Narkowicz (2015): whites roll off instead of clipping.
    toned = np.clip(light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14), 0, 1) ** (1 / 2.2)
    noise = rng.normal(0, grain, (height, width, 1)) + rng.normal(0, grain / 2, light.shape)
    return np.clip((toned + noise) * 255 + 0.5, 0, 255).astype(np.uint8)
