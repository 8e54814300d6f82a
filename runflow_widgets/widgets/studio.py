"""The Studio: from a photo to a result and on from there, in one view."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ipywidgets

from ..catalogue import Catalogue
from ..errors import InputError, RunflowError
from ..filling.kept import kept_file
from ..filling.pasted import as_json, from_json
from ..history import Runs
from ..images import encode_png, open_image, thumbnail_webp
from ..running import Run
from ..session import Session, current
from .background import Background
from .compare import compare
from .form import ModelForm
from .own_widget import OwnVBox, close_whole
from .sources import open_source
from .studio_bar import StudioBar
from .studio_versions import Begun, Version, Versions, kept_inputs, mask_of, read, write

if TYPE_CHECKING:
    from PIL.Image import Image

_TASKS: Final = (
    ("runflow/tag-removal", "Remove tags"),
    ("runflow/object-removal", "Remove an object"),
    ("runflow/product-isolation", "Isolate the product"),
    ("bria/background/remove", "Remove the background"),
)
_THUMB_PX: Final = 160


class Studio(OwnVBox):
    """Work on a photo step by step: choose what to do, run it, compare, go on from any version.

    Example:
        >>> studio = rf.studio("mug.jpg", key="mug")
        >>> studio
        >>> studio.image
        >>> print(studio.code())

    Args:
        image: The photo to begin with: a path, address, bytes, Pillow picture, array, or a run's result; by default
            a bundled one.
        model: The model to begin with.
        key: A name under which all is kept; a Studio with the same key goes on where it was left.
        session: Where to run; by default what `rf.connect` last opened.
    """

    def __init__(
        self,
        image: object = None,
        model: str | None = None,
        *,
        key: str | None = None,
        session: Session | None = None,
    ) -> None:
        self._lock = threading.RLock()
        self._key, self._session = key, session
        self._thumbs: dict[Path, bytes] = {}
        #: Pictures that are no files, with the versions that they are.
        self._known: list[tuple[Any, int]] = []
        self._begun: dict[str, Begun] = {}
        self._saving = False
        kept = read(key) if key else {}
        self._versions = Versions.from_json(kept.get("versions"))
        self.bar = StudioBar(tasks=[{"model": name, "label": label} for name, label in _TASKS])
        self._background = Background(lambda text: setattr(self.bar, "busy", text), self._fail)
        self.form = ModelForm(model or str(kept.get("model") or _TASKS[0][0]), session=session)
        self._right = ipywidgets.VBox([])
        self._right.add_class("rfw-studio-right")
        desk = ipywidgets.HBox([self.form, self._right])
        desk.add_class("rfw-studio-desk")
        super().__init__([self.bar, desk])
        self.add_class("rfw-studio")
        self.bar.on_msg(self._asked)
        self.form.on_run(self._began)
        self.form.on_use = self._use_output
        self.form.observe(lambda _: self._form_changed(), ["value", "model"])
        self._begin(image, kept)

    def _begin(self, image: object, kept: dict[str, Any]) -> None:
        if isinstance(kept.get("values"), str) and image is None:
            try:
                self.form.value = from_json(kept["values"])
            except InputError:
                self._tell("What was filled in could not be read any more; the versions are there.", failed=True)
        elif image is not None:
            self.form.use(image)
        else:
            self.form.start()
        if self._versions.all:
            pair = kept.get("pair")
            last = self._versions.all[-1]
            known = isinstance(pair, list) and len(pair) == 2 and all(number in self._versions for number in pair)
            self._compare(*(pair if known and isinstance(pair, list) else (last.parent or last.number, last.number)))
        self._tell_bar()
        for under_way in kept.get("open", []):
            self._resume(under_way)

    # ------------------------------------------------------------------ for the next cell

    @property
    def versions(self) -> Sequence[Version]:
        """All pictures: those that were brought and those that were made of them."""
        return self._versions.all

    @property
    def image(self) -> Image:
        """The latest picture.

        Raises:
            InputError: There is none yet.
        """
        if not self._versions.all:
            raise InputError("There is no picture yet.", advice="Run something first.")
        return open_image(self._versions.all[-1].path)

    def code(self, number: int | None = None) -> str:
        """The Python that makes a version again, by default the latest; it runs as it stands on this machine."""
        made = [version for version in self._versions.all if version.model]
        if number is None and not made:
            return ""
        return self._versions.code(number or made[-1].number, self._catalogue)

    def save(self, path: str | Path) -> Path:
        """Write all versions and the code that makes them into a zip."""
        goal = Path(path).expanduser()
        goal.parent.mkdir(parents=True, exist_ok=True)
        goal.write_bytes(self._versions.packed(self._catalogue))
        return goal

    def use(self, number: int) -> None:
        """Go on from a version."""
        self.form.use(self._versions[number].path)

    def compare(self, before: int, after: int) -> None:
        """Look at two versions together."""
        self._compare(self._versions[before].number, self._versions[after].number)
        self._tell_bar()

    def undo(self) -> None:
        """Take back the last change of the versions."""
        with self._lock:
            self._versions.undo()
            a, b = self.bar.pair
            if not (a in self._versions and b in self._versions):
                last = self._versions.all[-1] if self._versions.all else None
                self._compare(*((last.parent or last.number, last.number) if last else (0, 0)))
            self._changed("Taken back.")

    @property
    def _catalogue(self) -> Catalogue:
        return (self._session or current()).catalogue

    # ------------------------------------------------------------------ runs

    def _began(self, run: Run) -> None:
        """A run was started in the form: when it is over, its pictures are versions."""
        begun = Begun(self.form.picture, self.form.picture_name, run.given()[0])
        self._begun[run.key] = begun
        self._follow(run, begun)
        self._save_soon()

    def _follow(self, run: Run, begun: Begun) -> None:
        told = threading.Lock()

        def changed(run: Run) -> None:
            # Both the watching and the look below may find the run over.
            if run.done and told.acquire(blocking=False):
                self._background.do("Laying the result beside the photo…", lambda: self._finished(run, begun))

        run.watch(changed)
        changed(run)

    def _finished(self, run: Run, begun: Begun) -> None:
        self._begun.pop(run.key, None)
        pictures = [output for output in run.outputs if output.kind == "image"]
        if run.error is not None or not pictures:
            self._save_soon()
            return
        parent = self._version_of(begun.photo)
        inputs = kept_inputs(begun.values, begun.slot)
        facts = f"{run.elapsed_s:.1f} s · {'free' if run.is_embedded else f'${run.cost}'}"
        with self._lock:
            for output in pictures:
                made = Version(
                    0,
                    output.path,
                    run.spec.name or run.spec.slug,
                    parent=parent.number if parent else None,
                    model=run.model,
                    slot=begun.slot,
                    inputs=inputs,
                    key=run.key,
                    facts=facts,
                )
                made = self._versions.add(made)
            self._compare(parent.number if parent else made.number, made.number)
            self._changed("")

    def _version_of(self, photo: Any) -> Version | None:
        """The version that a picture of the form is; a picture that is new here becomes one."""
        if photo is None:
            return None
        label = "Photo"
        try:
            kept = kept_file(photo)
            if not isinstance(kept, Path):
                picture, label = open_source(kept)
                kept = kept_file(encode_png(picture))
            elif isinstance(photo, str | Path):
                label = kept.stem
        except RunflowError:
            # An address that this machine cannot reach, or an asset of the service: the result stands by itself.
            return None
        assert isinstance(kept, Path)
        with self._lock:
            version = self._versions.photo(kept, label)
            self._known.append((photo, version.number))
            return version

    def _resume(self, under_way: Any) -> None:
        """Follow a run that was under way when the kernel ended."""
        try:
            key, begun = Begun.read(under_way)
            run = Runs().get(key, session=self._session)
        except RunflowError as error:
            self._fail(str(error))
            return
        self._begun[key] = begun
        self._follow(run, begun)

    # ------------------------------------------------------------------ what is shown

    def _compare(self, before: int, after: int) -> None:
        old = self._right.children
        if before in self._versions and after in self._versions:
            a, b = self._versions[before], self._versions[after]
            if before == after:
                view: ipywidgets.Widget = ipywidgets.Image(value=_shown(a.path), format="webp")
                view.add_class("rfw-studio-single")
            else:
                mask = mask_of(b) if b.parent == before else None
                view = compare({f"{a.number} {a.label}": a.path, f"{b.number} {b.label}": b.path}, mask=mask)
            self._right.children = [view]
        else:
            self._right.children = []
        self.bar.pair = [before, after]
        for widget in old:
            close_whole(widget)

    def _tell_bar(self) -> None:
        made = self.bar.pair[1] if self.bar.pair[1] in self._versions else 0
        with self.bar.hold_sync():
            self.bar.task = self.form.model
            self.bar.source = self._source()
            self.bar.can_undo = self._versions.can_undo
            self.bar.code = self.code(made) if made and self._versions[made].model else ""
            self.bar.versions = [
                {
                    "number": version.number,
                    "parent": version.parent or 0,
                    "label": version.label,
                    "facts": version.facts,
                    "thumb": self._thumb(version.path),
                }
                for version in self._versions.all
            ]

    def _source(self) -> int:
        """The version that stands in the form; 0 if it is none."""
        photo = self.form.picture
        known = next((number for picture, number in self._known if picture is photo and number in self._versions), 0)
        if known or not isinstance(photo, str | Path):
            return known
        return next((version.number for version in self._versions.all if version.path == Path(photo)), 0)

    def _thumb(self, path: Path) -> bytes:
        if path not in self._thumbs:
            try:
                self._thumbs[path] = thumbnail_webp(open_image(path), _THUMB_PX)
            except RunflowError:
                return b""
        return self._thumbs[path]

    def _tell(self, sentence: str, *, failed: bool = False) -> None:
        with self.bar.hold_sync():
            self.bar.says, self.bar.failed = sentence, failed

    def _fail(self, sentence: str) -> None:
        self._tell(sentence, failed=True)

    # ------------------------------------------------------------------ the page

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        self._tell("")
        try:
            with self._lock:
                self._do(str(content.get("do")), content)
        except RunflowError as error:
            self._fail(str(error))

    def _do(self, action: str, content: dict[str, Any]) -> None:
        match action:
            case "task":
                self.form.model = str(content.get("model"))
            case "use":
                self.use(int(content["number"]))
                self._tell(f"Version {content['number']} is the source now.")
            case "compare":
                self.compare(int(content["before"]), int(content["after"]))
            case "drop":
                self._versions.drop(int(content["number"]))
                if int(content["number"]) in self.bar.pair:
                    last = self._versions.all[-1] if self._versions.all else None
                    self._compare(*((last.parent or last.number, last.number) if last else (0, 0)))
                self._changed(f"Version {content['number']} was taken out; its file stays.")
            case "undo":
                self.undo()
            case "zip":
                self.bar.send({"kind": "file", "name": "studio.zip"}, [self._versions.packed(self._catalogue)])

    def _use_output(self, output: Any) -> None:
        self.form.use(output.path)
        self._tell("The result is the source now.")

    def _form_changed(self) -> None:
        self._tell_bar()
        self._save_soon()

    def _changed(self, sentence: str) -> None:
        self._tell(sentence)
        self._tell_bar()
        self._save_soon()

    # ------------------------------------------------------------------ kept

    def _save_soon(self) -> None:
        """Keep the state; many changes in a row are one."""
        if self._key is None or self._saving:
            return
        self._saving = True
        self._background.quietly(self._save)

    def _save(self) -> None:
        self._saving = False
        with self._lock:
            state = {
                "versions": self._versions.as_json(),
                "model": self.form.model,
                "pair": list(self.bar.pair),
            }
            begun = dict(self._begun)
        try:
            under_way = [one.kept(key) for key, one in begun.items()]
            write(self._key or "", {**state, "open": under_way, "values": as_json(self.form.value)})
        except RunflowError as error:
            self._fail(f"The Studio could not be kept: {error}")

    def close(self) -> None:
        """Close the Studio; its versions and runs stay."""
        background: Background | None = self.__dict__.get("_background")
        if background is not None:
            background.close()
            for widget in (*self.children, self._right, self.form):
                close_whole(widget)
        super().close()

    def __repr__(self) -> str:
        return f"Studio({len(self._versions.all)} versions, {self.form.model})"


def studio(
    image: object = None, model: str | None = None, *, key: str | None = None, session: Session | None = None
) -> Studio:
    """The whole way in one view: photo, model, form, mask, run, comparison, and on from any version."""
    return Studio(image, model, key=key, session=session)


def _shown(path: Path) -> bytes:
    return thumbnail_webp(open_image(path), 1024)
