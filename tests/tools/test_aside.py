"""What is set aside comes back as it was, wherever it stood, and a script that writes tags hides nothing behind it."""

from aside import put_back, set_aside
from bs4 import BeautifulSoup

PAGE = (
    "<p>before</p><script>const open = '<svg class=\"x\">', more = \"<pre>\";</script><figure><svg viewBox='0 0 1 1'>"
    "<title>a &amp; b</title><path d='M0'/></svg></figure><pre>x &lt; 1\n\n  y</pre><style>pre { top: 0 }</style>"
    "<pre></pre><p>between</p><svg></svg>"
)


def test_what_is_set_aside_comes_back_as_it_was():
    bare, parts = set_aside(PAGE)
    assert [part[:4] for part in parts] == ["<scr", "<svg", "<pre", "<sty", "<pre", "<svg"]
    assert len(bare) < len(PAGE) and "<path" not in bare and "<p>between</p>" in bare
    assert put_back(bare, parts) == PAGE


def test_it_comes_back_from_where_it_was_moved_to():
    bare, parts = set_aside(PAGE)
    page = BeautifulSoup(bare, "html.parser")
    page.append(page.pre.extract())
    assert put_back(str(page), parts).endswith("<pre>x &lt; 1\n\n  y</pre>")


def test_a_listing_counts_as_text_and_a_drawing_does_not():
    page = BeautifulSoup(set_aside(PAGE)[0], "html.parser")
    assert page.pre.get_text() and not page.svg.get_text() and not page.script.get_text()
