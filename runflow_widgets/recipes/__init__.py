"""Recipes: models in a row and side by side, run over one picture or a thousand, resumed where they were left."""

from __future__ import annotations

from .recipe import Recipe
from .recipe_run import Made, RecipeRun
from .step import Step

__all__ = ["Made", "Recipe", "RecipeRun", "Step"]
