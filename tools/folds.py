"""What a page that teaches first folds away: its checks, the code of its figures, and all that it only needs to run.

Such a page has `details.checks`; every other page stays as it is. None of this needs a script.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from itertools import groupby

from aside import put_back, set_aside
from bs4 import BeautifulSoup, NavigableString, Tag
from docutils.nodes import make_id
from formulas import spoken

# What stands at the end of a sentence: what it says of the sentence, and what the legend says of that.
MARKS = {"✓": "checked", "❝": "quoted", "⏺": "recorded"}
LEGEND = {
    "checked": "checked by the code of this page",
    "quoted": "quoted from a paper",
    "recorded": "measured on an earlier day",
}
# The same drawn, since not every machine has a face with these signs: a tick, a quotation mark, a record button.
DRAWN = {
    "checked": '<path d="M2 6.6 4.8 9.6 10 2.6" fill="none" stroke="currentColor" stroke-width="1.7"/>',
    "quoted": '<g fill="currentColor"><path d="M5.2 2.2C2.4 3 1 4.9 1 7.4a2.1 2.1 0 1 0 2-2.1c.2-.9 1-1.6 2.2-2z"/>'
    '<path d="M11.2 2.2C8.4 3 7 4.9 7 7.4a2.1 2.1 0 1 0 2-2.1c.2-.9 1-1.6 2.2-2z"/></g>',
    "recorded": '<circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.1"/>'
    '<circle cx="6" cy="6" r="2.3" fill="currentColor"/>',
}
# Where the code of a cell goes: the first of these that the cell shows, or else the end of the page.
PLACES = ("figure.fig", "details.checks", "details.discussion", ".cell_output details:not(.numbers *)", ".claim")
EXERCISE = re.compile(r"\d+\. ")  # how an exercise begins
JOINER = "\u2060"  # no line ends here


def fold(body: str, lost: Callable[[str], None]) -> str:
    """A page's HTML with its code and its checks where they belong; `lost` hears of marks that lead nowhere."""
    if '<details class="checks"' not in body:
        return body
    bare, parts = set_aside(body)
    soup = BeautifulSoup(bare, "html.parser")
    page = soup.section
    if page is None:
        return body
    for card in soup.select(".claim"):
        name_lines(card)
    for discussion in soup.select("details.discussion"):
        title = discussion.summary.get_text() if discussion.summary else ""
        if not title.startswith("Discussion"):  # which many exercises have
            discussion["id"] = make_id(title)  # so that a search can lead there
    for picture in soup.select('.drawing[style*="overflow-x:auto"]'):
        picture["tabindex"] = "0"  # what scrolls can be scrolled with a keyboard
    for head in soup.select("th"):
        if not head.get_text(strip=True):
            head.name = "td"  # a table's empty corner is no heading
            head.attrs.pop("scope", None)
        for formula in head.select("math"):  # which not everything that reads headings takes for words
            formula["aria-label"] = spoken(formula)
    name_for_the_ear(soup)
    rest = [(part_of(cell, page), code) for cell, code in folded_code(soup)]
    checks = [(part_of(folded, page), folded.extract()) for folded in soup.select("details.checks")]
    for cell in soup.select("div.cell"):
        if not cell.get_text(strip=True) and not cell.select_one("svg, img"):
            cell.decompose()
    page.append(gathered(soup, "checks", "Checks of this page ({})", checks))
    if rest:
        page.append(gathered(soup, "rest", "Setup and other code of this page", rest))
    marks = name_marks(soup, lost)
    add_legend(soup, page, marks)
    return put_back(str(soup), parts)


def name_for_the_ear(soup: BeautifulSoup) -> None:
    """Name what a screen reader lists: headings without their link, figures by number, results, discussions."""
    for link in soup.select(":is(h1, h2, h3, h4) > .headerlink"):
        assert link.parent is not None
        link["aria-label"] = "Link to this section"
        link.parent["aria-label"] = words(link.parent, ".headerlink, .section-number")
    for figure in soup.select("figure.fig[id]"):
        if title := figure.select_one(":scope > figcaption > strong"):
            figure["aria-label"] = title.get_text().rstrip(".")
    for result in soup.select(".output.stream, .output.text_plain"):
        result["role"], result["aria-label"] = "group", "Output"
    for discussion in soup.select("details.discussion"):
        before = [title.get_text() for title in discussion.find_all_previous("strong")]
        exercise = next((title for title in before if EXERCISE.match(title)), None)
        if discussion.summary and exercise and discussion.summary.get_text() == "Discussion":
            which = soup.new_tag("span", attrs={"class": "visually-hidden"})
            which.append(f" of exercise {exercise.partition('.')[0]}")
            discussion.summary.append(which)


def words(tag: Tag, left_out: str) -> str:
    """What a tag says, without some of its parts."""
    whole = copy(tag)
    for part in whole.select(left_out):
        part.decompose()
    return re.sub(r"\s+", " ", whole.get_text()).strip()


def folded_code(soup: BeautifulSoup) -> list[tuple[Tag, Tag]]:
    """Put each cell's hidden code where it belongs; cells and code for which there is no place but the page's end."""
    rest = []
    for cell in soup.select("div.cell"):
        code = cell.find("details", class_="hide", recursive=False)
        if not isinstance(code, Tag) or code.summary is None:
            continue
        code["class"] = "code"
        code.summary.clear()
        code.summary.append("Code")
        place = next((place for selector in PLACES for place in cell.select(selector)), None)
        if place is None:
            rest.append((cell, code.extract()))
        else:
            if number := re.fullmatch(r"figure-(\d+)-(\d+)", str(place.get("id"))):  # whoever hears the page hears many
                which = soup.new_tag("span", attrs={"class": "visually-hidden"})
                which.append(f" of Figure {number[1]}.{number[2]}")
                code.summary.append(which)
            place.append(code.extract())
    return rest


def part_of(tag: Tag, page: Tag) -> Tag:
    """The section of the page that a tag stands in: the one right below the page's title."""
    return next((above for above in tag.parents if above.parent is page and above.name == "section"), page)


def gathered(soup: BeautifulSoup, kind: str, title: str, parts: Iterable[tuple[Tag, Tag]]) -> Tag:
    """One fold with folds of all sections, each section's under its heading; `title` may tell how many claims."""
    whole = soup.new_tag("details", attrs={"class": kind, "id": f"{kind}-of-this-page"})
    for _, several in groupby(parts, lambda part: id(part[0])):
        for number, (section, folded) in enumerate(several):
            if number == 0:
                whole.append(heading(soup, section))
            if folded.summary:
                folded.summary.decompose()
            folded.name, folded["class"] = "div", f"section-{kind}"
            del folded["style"]
            whole.append(folded)
    summary = soup.new_tag("summary")
    summary.append(title.format(len(whole.select(".claim"))))
    whole.insert(0, summary)
    return whole


def heading(soup: BeautifulSoup, section: Tag) -> Tag:
    """A section's heading, small, which leads back to it."""
    link = soup.new_tag("a", attrs={"href": f"#{section['id']}"})
    title = section.find(["h1", "h2"])
    if isinstance(title, Tag):
        left_out = title.select(".headerlink, .section-number")
        link.extend([copy(part) for part in title.children if part not in left_out])
    line = soup.new_tag("h3", attrs={"class": "from"})
    line.append(link)
    return line


def name_lines(card: Tag) -> None:
    """Say what each line of a claim's card is, for the style sheet and for the box that a mark opens."""
    lines = card.find_all("div", recursive=False)
    for line, kind in zip(reversed(lines), ("found", "says", "notes")):
        line["class"] = kind


def name_marks(soup: BeautifulSoup, lost: Callable[[str], None]) -> Counter[str]:
    """Make links of proof small, named, and one with the word before them; how many there are of each kind."""
    count: Counter[str] = Counter()
    places = {str(card["id"]) for card in soup.select(".claim[id]")}
    for link in soup.select('a[href^="#claim-"]'):
        sign, place = link.get_text(strip=True), str(link["href"])[1:]
        if sign not in MARKS:
            continue
        if place not in places:
            lost(place)
        kind = MARKS[sign]
        count[kind] += 1
        link["class"] = f"proof-mark {kind}"
        link["aria-label"] = f"{kind}: {place.removeprefix('claim-').upper()}"
        link.clear()
        link.append(drawn(kind))
        keep_together(soup, link)
    return count


def drawn(kind: str) -> Tag:
    """A mark's sign."""
    about = 'class="sign-drawn" viewBox="0 0 12 12" width="10" height="10" aria-hidden="true" focusable="false"'
    sign = BeautifulSoup(f"<svg {about}>{DRAWN[kind]}</svg>", "html.parser").svg
    assert sign is not None
    return sign.extract()


def keep_together(soup: BeautifulSoup, link: Tag) -> None:
    """A mark never begins a line: it goes with the word before it, or with the mark before it."""
    before = link.previous_sibling
    if isinstance(before, Tag) and "proven" in (before.get("class") or []):
        before.append(link.extract())
    elif isinstance(before, NavigableString) and before.split():
        rest, last = str(before), before.split()[-1]
        start = rest.rindex(last)
        whole = soup.new_tag("span", attrs={"class": "proven"})
        before.replace_with(rest[:start])
        link.insert_before(whole)
        whole.extend([last, link.extract()])
    elif before is not None:
        link.insert_before(JOINER)


def add_legend(soup: BeautifulSoup, page: Tag, marks: Counter[str]) -> None:
    """One quiet line below the first paragraph that says what the marks mean."""
    first = page.find("p", recursive=False)
    if not isinstance(first, Tag) or not marks:
        return
    line = soup.new_tag("p", attrs={"class": "legend"})
    line.append("A mark at the end of a sentence leads to its proof: ")
    for place, kind in enumerate(kind for kind in MARKS.values() if marks[kind]):
        look = soup.new_tag("span", attrs={"class": f"sign {kind}"})
        look.append(drawn(kind))
        line.extend([", " if place else "", look, f" {LEGEND[kind]}"])
    line.append(".")
    first.insert_after(line)
