"""Every column name of every table, once."""

from __future__ import annotations

# catalog
ITEM_ID = "item_id"
IMAGE = "image"  # path or URL; several joined by IMAGE_SEPARATOR
TITLE = "title"
DESCRIPTION = "description"
CATEGORY = "category"  # levels joined by CATEGORY_SEPARATOR
BRAND = "brand"
PRICE = "price"
AVAILABLE = "available"
CREATED_AT = "created_at"
SPLIT = "split"  # train, validation or test; filled by a hash of the id where absent
ATTRIBUTE_PREFIX = "attr_"

IMAGE_SEPARATOR = "|"
CATEGORY_SEPARATOR = " > "
SPLITS = ("train", "validation", "test")

CATALOG_TEXT = (IMAGE, TITLE, DESCRIPTION, CATEGORY, BRAND)
CATALOG = (ITEM_ID, *CATALOG_TEXT, PRICE, AVAILABLE, CREATED_AT, SPLIT)

# events
USER_ID = "user_id"
EVENT = "event"
TIMESTAMP = "timestamp"
VALUE = "value"
REQUEST_ID = "request_id"

EVENTS = (USER_ID, ITEM_ID, EVENT, TIMESTAMP, VALUE, REQUEST_ID)

# rejected rows
TABLE = "table"  # catalog, events or photos
ROW = "row"  # 0-based position in the input
REASON = "reason"
DETAIL = "detail"

REJECTED = (TABLE, ROW, ITEM_ID, REASON, DETAIL)

# a bundle's items: the catalog's columns without SPLIT, and
HAS_PHOTO = "has_photo"  # whether the item has an embedding
DUPLICATE_GROUP = "duplicate_group"  # near-duplicate photos share a number; -1 for none; optional

# embedding table
EMBEDDING = "embedding"
PHOTO_SHA256 = "photo_sha256"
TOWER_FINGERPRINT = "tower_fingerprint"


def attribute_columns(columns: list[str]) -> list[str]:
    """The attribute columns among `columns`, in their order."""
    return [name for name in columns if name.startswith(ATTRIBUTE_PREFIX)]
