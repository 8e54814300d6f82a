"""Runflow image models inside a Jupyter notebook: pick one, run it, go on working with the result.

Example:
    >>> import runflow_widgets as rf
    >>> run = rf.run("runflow/tag-removal", image=rf.samples.load("tagged_mug"))
    >>> await run
    >>> run.image

Nothing heavy is loaded before it is used: a public name is resolved when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import session as _session

if TYPE_CHECKING:
    from . import callbacks, errors, samples
    from .catalogue import Field, ModelSpec, Price, Quote
    from .client import Client, verify_callback
    from .connection import Models, connect, model
    from .errors import RunflowError
    from .history import Runs
    from .many import Results
    from .many import start as map  # noqa: A004  # what it does is what map does
    from .many import start_batch as batch
    from .nesting import nest
    from .recipes import Recipe, RecipeRun
    from .result import Output
    from .running import Run
    from .running import start as run
    from .serving import Server, serve
    from .session import Session, budget
    from .settings import settings_in_pictures, settings_of
    from .tag_finds import find_tags
    from .weights import fetch_weights
    from .widgets.compare import Compare, compare
    from .widgets.form import ModelForm, form
    from .widgets.gallery import Gallery
    from .widgets.image_field import ImageField
    from .widgets.mask_pad import MaskPad
    from .widgets.model_picker import ModelPicker
    from .widgets.run_table import RunTable
    from .widgets.studio import Studio, studio
    from .wire import Asset, Batch, Delivery, RunState

    models: Models
    runs: Runs

__version__ = "0.1.0"

__all__ = [
    "Asset",
    "Batch",
    "Client",
    "Compare",
    "Delivery",
    "Field",
    "Gallery",
    "ImageField",
    "MaskPad",
    "ModelForm",
    "ModelPicker",
    "ModelSpec",
    "Output",
    "Price",
    "Quote",
    "Recipe",
    "RecipeRun",
    "Results",
    "Run",
    "RunState",
    "RunTable",
    "RunflowError",
    "Server",
    "Session",
    "Studio",
    "batch",
    "budget",
    "callbacks",
    "compare",
    "connect",
    "errors",
    "fetch_weights",
    "find_tags",
    "form",
    "map",
    "model",
    "models",
    "nest",
    "run",
    "runs",
    "samples",
    "serve",
    "settings_in_pictures",
    "settings_of",
    "studio",
    "verify_callback",
]

#: Where each public name lives; an empty attribute means the module itself.
_HOMES = {
    "Asset": ("wire", "Asset"),
    "Batch": ("wire", "Batch"),
    "Client": ("client", "Client"),
    "Compare": ("widgets.compare", "Compare"),
    "Delivery": ("wire", "Delivery"),
    "Field": ("catalogue", "Field"),
    "Gallery": ("widgets.gallery", "Gallery"),
    "ImageField": ("widgets.image_field", "ImageField"),
    "MaskPad": ("widgets.mask_pad", "MaskPad"),
    "ModelForm": ("widgets.form", "ModelForm"),
    "ModelPicker": ("widgets.model_picker", "ModelPicker"),
    "ModelSpec": ("catalogue", "ModelSpec"),
    "Output": ("result", "Output"),
    "Price": ("catalogue", "Price"),
    "Quote": ("catalogue", "Quote"),
    "Recipe": ("recipes", "Recipe"),
    "RecipeRun": ("recipes", "RecipeRun"),
    "Results": ("many", "Results"),
    "Run": ("running", "Run"),
    "RunState": ("wire", "RunState"),
    "RunTable": ("widgets.run_table", "RunTable"),
    "RunflowError": ("errors", "RunflowError"),
    "Server": ("serving", "Server"),
    "Session": ("session", "Session"),
    "Studio": ("widgets.studio", "Studio"),
    "batch": ("many", "start_batch"),
    "budget": ("session", "budget"),
    "callbacks": ("callbacks", ""),
    "compare": ("widgets.compare", "compare"),
    "connect": ("connection", "connect"),
    "errors": ("errors", ""),
    "fetch_weights": ("weights", "fetch_weights"),
    "find_tags": ("tag_finds", "find_tags"),
    "form": ("widgets.form", "form"),
    "map": ("many", "start"),
    "model": ("connection", "model"),
    "models": ("connection", "Models()"),
    "nest": ("nesting", "nest"),
    "run": ("running", "start"),
    "runs": ("history", "Runs()"),
    "samples": ("samples", ""),
    "serve": ("serving", "serve"),
    "settings_in_pictures": ("settings", "settings_in_pictures"),
    "settings_of": ("settings", "settings_of"),
    "studio": ("widgets.studio", "studio"),
    "verify_callback": ("client", "verify_callback"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module_name, attribute = _HOMES[name]
    found: Any = import_module(f".{module_name}", __name__)
    if attribute.endswith("()"):
        found = getattr(found, attribute[:-2])()
    elif attribute:
        found = getattr(found, attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext runflow_widgets`."""
    print(import_module(".ipython", __name__).load(shell))  # noqa: T201  # nothing is changed without being said


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext runflow_widgets`."""
    import_module(".ipython", __name__).unload(shell)


def _open_default() -> Any:
    return import_module(".connection", __name__).connect()


def _show(thing: Any) -> Any:
    cell = import_module(".widgets.run_cell", __name__)
    if hasattr(thing, "steps"):
        return import_module(".widgets.recipe_view", __name__).show_recipe(thing)
    return cell.show_all(thing) if hasattr(thing, "items") else cell.show(thing)


# The package is where the layers are put together: below, nobody knows how a session is opened or a run is shown.
_session.opens_with(_open_default)
_session.shows_with(_show)
