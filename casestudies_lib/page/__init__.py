"""What a page is made of besides its figures: claims, exercises, listings and tables. Knows no network."""

from casestudies_lib.page.claims import claim, folded, quotation, what_the_notes_say
from casestudies_lib.page.exercise import mark
from casestudies_lib.page.listing import source, table
from casestudies_lib.page.palette import COLOURS

__all__ = ["COLOURS", "claim", "folded", "mark", "quotation", "source", "table", "what_the_notes_say"]
