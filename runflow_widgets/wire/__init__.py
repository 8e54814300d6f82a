"""What travels between the client and the service: paths, JSON keys, statuses.

Reading is lenient on purpose. Each class keeps the JSON it was read from in `raw`; unknown keys and unknown
statuses never raise, because a client must outlive the service it was written for.
"""

from .records import Asset, Batch, BatchItem, Delivery, Page
from .run_state import OutputLink, RunState, output_links
from .values import (
    ASSET_SCHEME,
    CANCELLED,
    DEFAULT_BASE_URL,
    FAILED,
    IN_ORDER,
    MAX_BATCH_ITEMS,
    MAX_CALLBACK_URL,
    MAX_CLIENT_REF,
    MAX_UPLOAD_BYTES,
    MOST_NAME,
    POLL_HINT_HEADER,
    SUCCEEDED,
    TERMINAL,
    Json,
    item_path,
    model_path,
    nested_path,
    plain_name,
    read_money,
    read_time,
    tame,
    write_time,
)

__all__ = [
    "ASSET_SCHEME",
    "CANCELLED",
    "DEFAULT_BASE_URL",
    "FAILED",
    "IN_ORDER",
    "MAX_BATCH_ITEMS",
    "MAX_CALLBACK_URL",
    "MAX_CLIENT_REF",
    "MAX_UPLOAD_BYTES",
    "MOST_NAME",
    "POLL_HINT_HEADER",
    "SUCCEEDED",
    "TERMINAL",
    "Asset",
    "Batch",
    "BatchItem",
    "Delivery",
    "Json",
    "OutputLink",
    "Page",
    "RunState",
    "item_path",
    "model_path",
    "nested_path",
    "output_links",
    "plain_name",
    "read_money",
    "read_time",
    "tame",
    "write_time",
]
