"""What a page is made of besides its figures: claims, captions, predictions, exercises, listings. Knows no network."""

from casestudies_lib.page.caption import captioned
from casestudies_lib.page.claims import checks, claim, folded, quotation
from casestudies_lib.page.exercise import discussion, mark, numbers
from casestudies_lib.page.listing import source, table
from casestudies_lib.page.palette import COLOURS
from casestudies_lib.page.predict import answer, ask

__all__ = [
    "COLOURS",
    "answer",
    "ask",
    "captioned",
    "checks",
    "claim",
    "discussion",
    "folded",
    "mark",
    "numbers",
    "quotation",
    "source",
    "table",
]
