"""Filling in the inputs of a model, without any user interface: what is asked, what was answered, what is wrong."""

from __future__ import annotations

from .answers import Answers, Moved
from .pasted import read_json
from .pictured import values_from_picture, values_of
from .questions import Question, picture_of, questions_of, takes_short_names

__all__ = [
    "Answers",
    "Moved",
    "Question",
    "picture_of",
    "questions_of",
    "read_json",
    "takes_short_names",
    "values_from_picture",
    "values_of",
]
