"""The mask under the pad: painted, refined, undone, kept and exported at the picture's full size, without a browser."""

from .patch import Box, Patch
from .sheet import Sheet

__all__ = ["Box", "Patch", "Sheet"]
