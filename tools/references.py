"""What leads from page to page: a term to the glossary, a claim's source to the bibliography, and a claim to itself."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, cast

from aside import put_back, set_aside
from bs4 import BeautifulSoup, NavigableString, Tag
from docutils import nodes
from folds import JOINER
from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.plain import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.std import StandardDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata
from sphinxcontrib.bibtex.domain import BibtexDomain

GLOSSARY, BIBLIOGRAPHY = "book/glossary", "book/bibliography"
# Words of the prose that are a term elsewhere: a kernel of Jupyter, a verb, stages of another kind.
NOT_MEANT = ("no kernel", "filter depthwise", "these stages")
SOURCE = re.compile(r"\b([A-Z][A-Za-z]+) ((?:19|20)\d\d)\b")  # LeCun 1998


def called(paper: Entry) -> str:
    """`He 2015`, as claims name their sources."""
    return f"{' '.join(paper.persons['author'][0].last_names)} {paper.fields['year']}"


class Names(BaseLabelStyle):
    def format_labels(self, papers: list[Entry]) -> Iterator[str]:
        return map(called, papers)


class ByName(BaseSortingStyle):
    def sort(self, papers: list[Entry]) -> list[Entry]:
        return sorted(papers, key=lambda paper: called(paper).lower())


class Papers(Style):
    """A bibliography in the order of the names."""

    default_label_style = Names
    default_sorting_style = ByName


class Term(NamedTuple):
    """An entry of the glossary: all its names, where it stands, its first paragraph, and the pages that teach it."""

    names: list[str]
    place: str
    says: str
    taught: set[str]


def terms_of(env: BuildEnvironment) -> Iterator[Term]:
    """The glossary's entries. What teaches a term is what its entry refers to."""
    labels = cast(StandardDomain, env.get_domain("std")).anonlabels
    for item in env.get_doctree(GLOSSARY).findall(nodes.definition_list_item):
        names = [term for term in item.children if isinstance(term, nodes.term)]
        definition = item.children[-1]
        pages = {labels[link["reftarget"]][0] for link in definition.findall(addnodes.pending_xref)}
        says = " ".join(definition.children[0].astext().split())
        yield Term([name.astext() for name in names], names[0]["ids"][0], says, pages)


def pattern(names: Sequence[str]) -> re.Pattern[str]:
    """Names as words of their own, a group for each: also in the plural, over a line's end, at a sentence's start."""
    written = [f"(?:{words})" for words in NOT_MEANT]
    for name in names:
        start = f"(?i:{name[0]})" if name[1:].islower() else name[0]
        rest = r"\s+".join(map(re.escape, name[1:].split(" ")))
        written.append(f"({start}{rest}){'(?:es)?' if name.endswith(('ch', 'ss', 'x')) else 's?'}")
    return re.compile(rf"(?<![\w×-])(?:{'|'.join(written)})(?![\w-])")


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Lead from the first use of each term in a notebook's prose to the glossary, but where the page teaches it."""
    if not page.startswith("notebooks/"):
        return
    known = {name: term for term in terms_of(app.env) for name in term.names}
    names = sorted(known, key=len, reverse=True)  # a residual block is no residual
    look = pattern(names)
    glossary = app.builder.get_relative_uri(page, GLOSSARY)
    done = {term.place for term in known.values() if page in term.taught}
    for text in [text for part in doctree.findall(nodes.paragraph) for text in part.findall(nodes.Text)]:
        if not in_prose(text):
            continue
        parts, end = [], 0
        for found in look.finditer(text):
            term = known[names[found.lastindex - 1]] if found.lastindex else None
            if term and term.place not in done:
                done.add(term.place)
                link = nodes.reference("", found[0], internal=True, refuri=f"{glossary}#{term.place}", classes=["term"])
                link["reftitle"] = term.says
                parts += [nodes.Text(text[end : found.start()]), link]
                end = found.end()
        if parts:
            text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def in_prose(text: nodes.Text) -> bool:
    """Whether words stand in a paragraph, and neither in a table nor in a link, in code or in a formula."""
    above = text.parent
    while isinstance(above, (nodes.emphasis, nodes.strong)):
        above = above.parent
    return isinstance(above, nodes.paragraph) and not isinstance(above.parent, nodes.entry)


def follow_glossary(app: Sphinx, doctree: nodes.document) -> None:
    """A notebook's page is written anew when the glossary changes."""
    if app.env.docname.startswith("notebooks/"):
        app.env.note_dependency(f"{app.srcdir}/{GLOSSARY}.md")


def link_claims(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Give each claim of a page links to its sources and to itself."""
    if 'class="claim"' in context.get("body", ""):
        papers = cast(BibtexDomain, app.env.get_domain("cite")).bibdata.data.entries
        bibliography = app.builder.get_relative_uri(page, BIBLIOGRAPHY)
        context["body"] = with_links(context["body"], bibliography, set(papers))


def with_links(body: str, bibliography: str, papers: Collection[str]) -> str:
    """The HTML of claims with links from `He 2015` to that paper, and from a claim that has a place to this place."""
    bare, parts = set_aside(body)
    soup = BeautifulSoup(bare, "html.parser")
    for card in soup.select(".claim"):
        line = card.find_all("div", recursive=False)[-1]
        for text in line.find_all(string=SOURCE, recursive=False):
            text.replace_with(*sources(soup, text, bibliography, papers))
        entry = card.find_parent(class_="entry") or card
        if isinstance(entry, Tag) and entry.get("id"):
            name = str(entry["id"]).removeprefix("claim-").upper()
            link = soup.new_tag("a", attrs={"class": "permalink", "href": f"#{entry['id']}"})
            link["aria-label"] = f"Link to {name}"
            link.append("#")
            line.extend([JOINER, link])
    return put_back(str(soup), parts)


def sources(
    soup: BeautifulSoup, text: str, bibliography: str, papers: Collection[str]
) -> Iterator[NavigableString | Tag]:
    """The words of a source, those that name a paper of the bibliography as links."""
    end = 0
    for found in SOURCE.finditer(text):
        key = f"{found[1]}{found[2]}".lower()
        if key in papers:
            yield NavigableString(text[end : found.start()])
            link = soup.new_tag("a", attrs={"class": "source", "href": f"{bibliography}#{key}"})
            link.append(found[0])
            yield link
            end = found.end()
    yield NavigableString(text[end:])


def setup(app: Sphinx) -> ExtensionMetadata:
    register_plugin("pybtex.style.formatting", "papers", Papers)
    app.connect("doctree-read", follow_glossary)
    app.connect("doctree-resolved", link_terms)
    app.connect("html-page-context", link_claims, priority=910)  # after companion's own, which folds
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
