"""What requests bring and answers hold; the OpenAPI document is made of these."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from serving.reasons import Kind as ReasonKind

HARD_K = 10_000  # the configured limit is lower and is what the OpenAPI document shows
PHOTO_SIZES = (128, 256, 512)  # few, so that each is remembered
LATEST = 253_402_300_799.0  # the end of the year 9999


def _plain(text: str) -> str:
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in text):
        raise ValueError("control characters are not accepted")
    return text


def _seconds(moment: float | datetime) -> float:
    if isinstance(moment, datetime):
        # a time without a zone is taken for UTC, as in the tables
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(moment):
        raise ValueError("a time must be finite")
    return moment


def _written(moment: object) -> object:
    # a bare number would be guessed to be milliseconds where it is large
    if not isinstance(moment, (str, datetime)):
        raise ValueError("give epoch seconds, or a time as ISO 8601 text")
    return moment


def _offered(size: int) -> int:
    if size not in PHOTO_SIZES:
        raise ValueError(f"use one of {', '.join(map(str, PHOTO_SIZES))}")
    return size


PLAIN = {"pattern": r"^[^\x00-\x1F\x7F]*$"}  # what `_plain` refuses, for the OpenAPI document
Id = Annotated[
    str, Field(min_length=1, max_length=256, json_schema_extra=PLAIN), AfterValidator(_plain)
]
Words = Annotated[str, Field(max_length=200, json_schema_extra=PLAIN), AfterValidator(_plain)]
Kind = Annotated[str, Field(min_length=1, max_length=64)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Moment = Annotated[
    Annotated[float, Field(ge=0, le=LATEST, strict=True)]
    | Annotated[datetime, BeforeValidator(_written)],
    AfterValidator(_seconds),
]


Strength = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False, strict=True)]
Cap = Annotated[int, Field(ge=0, le=HARD_K)]
MAX_JSON = 8000  # of JSON in an address; servers refuse longer ones
FilterText = Annotated[str, Field(max_length=MAX_JSON)]
FilterBody = dict[str, Any]
FILTER_TEXT = Field("", description="JSON: what an item must be; see docs/api.md.",
                    examples=['{"brand": ["Acme"], "price": {"max": 50}}'])  # fmt: skip


class Schema(BaseModel):
    """Refuses names that it does not know, so that a misspelled one is not passed over."""

    model_config = ConfigDict(extra="forbid")


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


# what requests bring


class FilterQuery(Schema):
    """Filters; withdrawn items are never recommended, whatever these say."""

    category: Words = Field("", description="A category, with everything below it.")
    words: Words = Field("", description="Words that a title must hold.")
    min_price: Price | None = Field(None, description="Inclusive.")
    max_price: Price | None = Field(None, description="Inclusive.")


class PageQuery(FilterQuery):
    """Which part of a ranked list, filtered and arranged how."""

    k: int = Field(10, ge=1, le=HARD_K, description="How many; a smaller catalog gives all.")
    limit: int | None = Field(None, ge=1, le=HARD_K, description="The same as `k`.")
    offset: int = Field(0, ge=0, le=HARD_K, description="How many of the best to pass over.")
    exclude: list[Id] = Field([], max_length=1000, description="Items to leave out as well.")
    diversity: Strength | None = Field(
        None, description="0 orders by score alone, 1 by unlikeness alone; missing: as configured."
    )
    max_per_brand: Cap | None = Field(None, description="On a page; 0 is no cap.")
    max_per_category: Cap | None = Field(None, description="On a page; 0 is no cap.")
    collapse: bool | None = Field(None, description="Show one of several near-duplicates.")


class RankedQuery(PageQuery):
    """Which part of a ranked list, as the parameters of an address say it."""

    filter: FilterText = FILTER_TEXT
    boost: Annotated[str, Field(max_length=MAX_JSON)] = Field(
        "", description="JSON: a list of boosts.",
        examples=['[{"filter": {"brand": "Acme"}, "by": 0.1}]'],
    )  # fmt: skip


class BoostBody(Schema):
    """What is moved up, or down."""

    filter: FilterBody = Field(description="Which items.")
    by: float = Field(ge=-10, le=10, allow_inf_nan=False, strict=True, description=(
        "In cosine: 0.1 moves an item as far as being 0.1 more similar would."
    ))  # fmt: skip


class RankedBody(PageQuery):
    """Which part of a ranked list, as a body says it: a query's numbers are text, these are not."""

    k: int = Field(10, ge=1, le=HARD_K, strict=True)
    limit: int | None = Field(None, ge=1, le=HARD_K, strict=True)
    offset: int = Field(0, ge=0, le=HARD_K, strict=True)
    min_price: Price | None = Field(None, strict=True)
    max_price: Price | None = Field(None, strict=True)
    diversity: Strength | None = Field(None, strict=True)
    max_per_brand: Cap | None = Field(None, strict=True)
    max_per_category: Cap | None = Field(None, strict=True)
    collapse: bool | None = Field(None, strict=True)
    filter: FilterBody | None = Field(None, description="What an item must be; see docs/api.md.")
    boost: list[BoostBody] = Field([], max_length=16)


class ListQuery(FilterQuery):
    """Which part of the catalog."""

    filter: FilterText = FILTER_TEXT
    limit: int = Field(24, ge=1, le=200)
    offset: int = Field(0, ge=0, le=10_000_000)
    available: bool = Field(True, description="Only items that can be bought.")
    sort: Literal["catalog", "popular", "new", "price"] = "catalog"


class UsersQuery(Schema):
    """Which users."""

    limit: int = Field(24, ge=1, le=200)
    offset: int = Field(0, ge=0, le=10_000_000)
    min_events: int = Field(1, ge=1, le=1_000_000)


class AttributionQuery(Schema):
    """How far back."""

    days: float = Field(7.0, gt=0, le=3650, allow_inf_nan=False)


class HistoryQuery(Schema):
    """How much of a history."""

    limit: int = Field(50, ge=1, le=500)


class PhotoQuery(Schema):
    """Which size of which photo."""

    size: Annotated[int, AfterValidator(_offered)] = Field(
        256, description="The longer side, in pixels.", json_schema_extra={"enum": [*PHOTO_SIZES]}
    )
    index: int = Field(0, ge=0, le=1000, description="Which photo, where an item has several.")


class HistoryEvent(Schema):
    """Something a visitor did, oldest first; without a time it happened now."""

    item_id: Id
    event: Kind = "view"
    timestamp: Moment | None = Field(None, description="Epoch seconds or ISO 8601.")


EXPLAIN = "Say of each item which of the history and what of the item its score comes from."


class RecommendationQuery(RankedQuery):
    """Which part of a user's recommendations, and whether with reasons in numbers."""

    explain: bool = Field(False, description=EXPLAIN)


class RecommendationRequest(RankedBody):
    """A history of anyone; an empty one is a new visitor's."""

    model_config = _example(history=[{"item_id": "17"}, {"item_id": "40", "event": "cart"}], k=5)

    history: list[HistoryEvent] = Field([], max_length=1000)
    hour: int | None = Field(
        None, ge=-1, le=23, strict=True, description="UTC; -1 unknown; missing: now."
    )
    weekday: int | None = Field(
        None, ge=-1, le=6, strict=True, description="0 is Monday; missing: now."
    )
    explain: bool = Field(False, strict=True, description=EXPLAIN)


class Weighted(Schema):
    """A part of a query; a weight below 0 leads away from it."""

    weight: Weight = 1.0


class PhotoPart(Weighted):
    """One of the photos sent, in their order."""

    box: tuple[Share, Share, Share, Share] | None = Field(
        None, description="A region: left, top, right, bottom in shares of the sides."
    )

    @model_validator(mode="after")
    def _has_inside(self) -> PhotoPart:
        if self.box and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("a box goes from left to right and from top to bottom")
        return self


class WordsPart(Weighted):
    """Words that say what is wanted."""

    text: Annotated[Words, Field(min_length=1)]


class ItemPart(Weighted):
    """An item that what is wanted looks like."""

    item_id: Id


class SearchRequest(RankedBody):
    """What is searched by: photos, words and items, each with a weight that may be negative.

    In a form with photos this is the field `query`. `words` of a filter must be in the title;
    `text` is understood. The query is normalize(sum of weight times unit vector).
    """

    model_config = _example(text=[{"text": "red midi dress"}], k=5)

    photos: list[PhotoPart] = Field(
        [], max_length=64, description="Of each photo sent; missing: weight 1 and all of it."
    )
    text: list[WordsPart] = Field([], max_length=8)
    items: list[ItemPart] = Field([], max_length=64)


class EventBody(Schema):
    """Something a user did."""

    user_id: Id
    item_id: Id
    event: Kind
    timestamp: Moment | None = Field(None, description="Epoch seconds or ISO 8601; missing: now.")
    value: float | None = Field(None, allow_inf_nan=False, strict=True)
    request_id: Words = Field("", description="The answer that showed the item.")
    event_id: Words = Field("", description="Your name for it: a repeat is not stored twice.")


class EventsRequest(Schema):
    """A batch of events: all are kept, or none."""

    model_config = _example(events=[{"user_id": "ann", "item_id": "17", "event": "view"}])

    events: list[EventBody] = Field(min_length=1)


# what answers hold


class BundleOut(BaseModel):
    """The bundle that answered."""

    version: int
    fingerprint: str


class Answer(BaseModel):
    """What every answer says."""

    request_id: str
    bundle: BundleOut
    took_ms: float
    degraded: bool = Field(False, description="Less than it should be: something does not answer.")
    degraded_because: str | None = Field(None, description="Why, in words.")


class ItemCard(BaseModel):
    """An item in a list."""

    item_id: str
    title: str
    category: str
    brand: str
    price: float | None
    available: bool
    photo: str | None = Field(description="The path of its photo, where this API can show one.")


class ItemOut(ItemCard):
    """Everything that is shown of an item."""

    description: str
    created_at: float | None
    attributes: dict[str, str]
    num_events: int


class RankedItem(ItemCard):
    """An item in an answer, with why it is there."""

    score: float = Field(description="Higher is nearer; comparable within one answer only.")
    reason: str = Field(examples=["similar to item 17 you viewed", "popular in Dresses", "new"])
    reason_kind: ReasonKind
    because_of: str | None = Field(description="The item that it is similar to.")


class Because(BaseModel):
    """An item of the history that speaks for a recommendation."""

    item_id: str
    share: float = Field(description="Of all that the history says for it, in [0, 1].")


class PartsOut(BaseModel):
    """What of an item its score comes from, as shares of what adds to it."""

    photo: float
    words: float = Field(description="Category, brand, price, title and attributes.")
    id: float = Field(description="What behavior taught of this very item.")
    context: float = Field(description="The hour and the weekday.")


class ExplanationOut(BaseModel):
    """Why an item is recommended, in numbers."""

    because: list[Because] = Field(description="The largest first; empty for a new visitor.")
    parts: PartsOut


class RecommendedItem(RankedItem):
    """A recommended item."""

    explanation: ExplanationOut | None = Field(
        None, description="Where `explain` asked for it and the bundle's model knows the item."
    )


class ItemAnswer(Answer):
    """One item."""

    item: ItemOut


class ItemsAnswer(Answer):
    """Part of the catalog."""

    total: int
    items: list[ItemCard]


class CategoriesAnswer(Answer):
    """Every category, with the number of items in and below it."""

    categories: dict[str, int]


class RankedAnswer(Answer):
    """A ranked list, best first."""

    items: list[RankedItem]


class RecommendationAnswer(RankedAnswer):
    """Recommendations."""

    items: list[RecommendedItem]  # type: ignore[assignment]
    ignored: list[str] = Field(description="Items of the history that this bundle does not know.")


class Likely(BaseModel):
    """One possible name and how likely it is."""

    name: str
    probability: float


class PhotoAnswer(RankedAnswer):
    """What a photo shows, and the items most like it."""

    categories: list[Likely]
    attributes: dict[str, list[Likely]]


class UserOut(BaseModel):
    """A user."""

    user_id: str
    num_events: int
    last_timestamp: float


class UserAnswer(Answer):
    """One user."""

    user: UserOut


class UsersAnswer(Answer):
    """Some users, by id."""

    users: list[UserOut]


class HistoryOut(BaseModel):
    """One event of a history; `item` is missing where this bundle does not know it."""

    item_id: str
    event: str
    timestamp: float
    value: float | None
    item: ItemCard | None


class HistoryAnswer(Answer):
    """A user's last events, latest first."""

    user_id: str
    events: list[HistoryOut]


class EventsAnswer(Answer):
    """What became of a batch of events."""

    stored: int
    repeated: int


class Fault(BaseModel):
    """One fault of a request."""

    where: str
    what: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it, with how to mend it."""

    type: str = Field(examples=["urn:vitrine:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no item `1O7`."])
    where: str = Field(examples=["item_id"])
    mend: str = Field(examples=["Did you mean `107`?"])
    request_id: str
    reason: str | None = Field(None, description="For photos: a short stable word.")
    errors: list[Fault] = Field([], description="Every fault, where there are several.")


class RateOut(BaseModel):
    """A share of impressions with its 95% interval; missing where there are none."""

    part: int
    whole: int
    rate: float | None
    low: float | None
    high: float | None


class TriedOut(BaseModel):
    """How many of the impressions that tried a new item were clicked, carted and bought."""

    click: int
    cart: int
    purchase: int


class AttributionRow(BaseModel):
    """What became of the answers of one bundle and verb."""

    bundle: str = Field(description="Its fingerprint.")
    version: int
    verb: str = Field(examples=["recommend", "similar_items", "similar_to_photo", "search"])
    answers: int
    impressions: int
    click: RateOut
    cart: RateOut
    purchase: RateOut
    explored: TriedOut


class AttributionAnswer(Answer):
    """What became of answers, newest bundle first."""

    definition: str
    since: float
    rows: list[AttributionRow]


class Health(BaseModel):
    """Whether the process lives."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether requests can be answered, and what stands in the way."""

    ready: bool
    bundle: BundleOut
    checks: dict[str, str] = Field(examples=[{"model server": "ok", "database": "ok"}])
    warnings: list[str] = Field([], description="What should be mended and stops no request.")
