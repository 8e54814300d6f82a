"""The catalogue: which models there are, what each takes and what it costs; it knows nothing of the network."""

from .field import KINDS, MEDIA_KINDS, Field
from .listing import Catalogue
from .model import ModelSpec
from .paths import choices_of, paths_of
from .price import Extra, Price, Quote, money
from .record import from_record, record_id, to_record
from .table import ModelTable

__all__ = [
    "KINDS",
    "MEDIA_KINDS",
    "Catalogue",
    "Extra",
    "Field",
    "ModelSpec",
    "ModelTable",
    "Price",
    "Quote",
    "choices_of",
    "from_record",
    "money",
    "paths_of",
    "record_id",
    "to_record",
]
