"""What the book adds to its pages' text."""

from companion import PARAGRAPH, unbroken


def test_no_line_ends_within_a_product():
    page = "<p>28 · 28 · 32 = 25,088 numbers · all</p><td>5 · 5</td>"
    mended = PARAGRAPH.sub(lambda found: unbroken(found[0]), page)
    assert mended == "<p>28\u00a0·\u00a028\u00a0·\u00a032 = 25,088 numbers · all</p><td>5 · 5</td>"
