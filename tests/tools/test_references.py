"""Links from page to page: terms to the glossary, sources to the bibliography, claims to themselves."""

from types import SimpleNamespace

import references
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.utils import new_document
from references import Term, link_terms, with_links

TERMS = [
    Term(["kernel"], "term-kernel", "Weights.", {"notebooks/01"}),
    Term(["branch"], "term-branch", "A chain.", {"notebooks/05"}),
    Term(["residual"], "term-residual", "What remains.", {"notebooks/02"}),
    Term(["residual block"], "term-block", "With a way around.", {"notebooks/02"}),
    Term(["batch normalisation", "batch norm"], "term-norm", "To mean 0.", {"notebooks/02"}),
    Term(["MAC"], "term-MAC", "One product, added.", {"notebooks/01"}),
]


def linked(monkeypatch, *parts: nodes.Node, page: str = "notebooks/09") -> tuple[nodes.document, list[tuple[str, str]]]:
    monkeypatch.setattr(references, "terms_of", lambda env: iter(TERMS))
    builder = SimpleNamespace(get_relative_uri=lambda page, goal: f"../{goal}.html")
    document = new_document("page")
    document += parts
    before = document.astext()
    link_terms(SimpleNamespace(env=None, builder=builder), document, page)
    assert document.astext() == before, "the words stay as they are"
    found = [link for link in document.findall(nodes.reference) if "term" in link["classes"]]
    assert all(link["reftitle"] in {term.says for term in TERMS} for link in found)
    return document, [(link.astext(), link["refuri"].removeprefix("../book/glossary.html#")) for link in found]


def said(words: str, kind: type = nodes.paragraph) -> nodes.Node:
    return kind("", words)


def test_the_first_use_of_each_term_is_linked_and_no_other(monkeypatch):
    _, found = linked(monkeypatch, said("Kernels read branches. A kernel and MACs."), said("A branch."))
    assert found == [("Kernels", "term-kernel"), ("branches", "term-branch"), ("MACs", "term-MAC")]


def test_the_longest_name_counts_also_over_the_end_of_a_line(monkeypatch):
    _, found = linked(monkeypatch, said("A residual block with batch\nnormalisation, and batch norm. Residual blocks."))
    assert found == [("residual block", "term-block"), ("batch\nnormalisation", "term-norm")]


def test_parts_of_words_and_words_of_another_meaning_are_no_terms(monkeypatch):
    words = "A macro, a mac, a sub-kernel, kernel-wise, subkernels, biases: no kernel is needed."
    assert linked(monkeypatch, said(words))[1] == []


def test_only_prose_is_linked(monkeypatch):
    other = [nodes.title, nodes.literal_block, nodes.raw, nodes.caption]
    inside = [nodes.literal("", "kernel"), nodes.math("", "kernel"), nodes.reference("", "kernel", refuri="x")]
    row = nodes.row("", nodes.entry("", said("kernel")))
    parts = [*(said("kernel", kind) for kind in other), nodes.paragraph("", "", *inside), row]
    assert linked(monkeypatch, *parts)[1] == []
    assert linked(monkeypatch, nodes.paragraph("", "", nodes.emphasis("", "kernel")))[1] == [("kernel", "term-kernel")]


def test_a_page_does_not_send_its_readers_away_from_what_it_teaches(monkeypatch):
    words = said("A kernel of a branch.")
    assert linked(monkeypatch, words.deepcopy(), page="notebooks/01")[1] == [("branch", "term-branch")]
    assert linked(monkeypatch, words, page="book/claims")[1] == []


CARD = """<div class="claim"{}><div>As He 2015 says.</div><div>✓ measured: <strong>Lin 2013</strong>
 · He 2015, sec. 3; Nobody 1999 and LeCun 1998 · X-1</div></div>"""


def test_sources_lead_to_the_bibliography_and_claims_to_themselves():
    page = BeautifulSoup(
        with_links(CARD.format(' id="claim-x-1"'), "../b.html", {"he2015", "lecun1998"}), "html.parser"
    )
    links = [(link.text, link["href"]) for link in page.select("a.source")]
    assert links == [("He 2015", "../b.html#he2015"), ("LeCun 1998", "../b.html#lecun1998")]
    assert page.text.replace(references.JOINER + "#", "") == BeautifulSoup(CARD, "html.parser").text
    assert [(link["href"], link["aria-label"]) for link in page.select("a.permalink")] == [
        ("#claim-x-1", "Link to X-1")
    ]


def test_a_claim_on_the_page_of_claims_leads_to_its_entry_there_and_one_without_a_place_nowhere():
    entry = f'<div class="entry" id="claim-x-2">{CARD.format("")}</div>'
    assert 'href="#claim-x-2"' in with_links(entry, "b.html", set())
    assert "permalink" not in with_links(CARD.format(""), "b.html", set())
