"""`make pdf`: the whole book on paper, printed by headless Chromium from the built pages.

It is printed twice: where a page of the contents begins is only known when all is printed once.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import address
from address import ROOT
from playwright.sync_api import sync_playwright
from pypdf import PdfReader, PdfWriter
from site_audit import chromium
from whole import AUTHOR, BUILT, FILES, POSTER, TITLE, Part, contents, gather

OUT = ROOT / "_build" / FILES["pdf"]
LEAVES_OUT = """This edition has all chapters, the page of claims, the glossary and the bibliography, and the exercises
with their solutions at the end. The small mark behind a sentence leads to its entry on the page of claims. Some things
are left out because only the site has room for them: the evidence cards at the end of each chapter, the code behind
figures, the plan for teachers, the reference of the library and the search. Pictures that a reader can move stand
still here."""
FOOTER = """<div style="width:100%;font:8px sans-serif;color:#555;text-align:center">
<span class="pageNumber"></span></div>"""


def document(parts: list[Part], pages: dict[str, int]) -> str:
    """One HTML document; `pages` says on which page a place is, as far as that is known."""

    def number(place: str) -> str:
        return f' <span class="at">{pages[place]}</span>' if place in pages else ""

    where = f'<p><a href="{address.site()}">{address.site()}</a></p>' if address.site() else ""
    lines = "".join(contents(parts, lambda part, section: f"#{section['id'] if section else part.name}", number))
    articles = "\n".join(f'<article class="bd-article" id="{part.name}">{part.body}</article>' for part in parts)
    print_css = Path(__file__).with_name("pdf.css").read_text("utf-8")
    return f"""<!doctype html><html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">
<title>{TITLE}</title><link rel="stylesheet" href="{(BUILT / "_static/styles/book.css").as_uri()}">
<style>{print_css}</style></head><body><header class="title"><p class="name">{TITLE}</p>
<p>From LeNet-5 to EfficientNet: how the classic convolutional networks came about, how they work,
and what they cost</p>
<p>Printed on {date.today().isoformat()}</p>{where}<p class="leaves-out">{LEAVES_OUT}</p></header>
<nav class="listed"><p class="name">Contents</p><ol>{lines}</ol></nav><main class="bd-main">
<div class="bd-content"><div class="bd-article-container">{articles}</div></div></main></body></html>"""


def printed(path: Path) -> bytes:
    """A document from the disk as PDF."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(color_scheme="light")
        page.set_default_timeout(900_000)
        page.goto(path.as_uri(), wait_until="load")
        page.evaluate("document.fonts.ready")
        made = page.pdf(
            prefer_css_page_size=True,
            print_background=True,
            outline=True,
            tagged=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
        )
        browser.close()
        return made


def places(pdf: Path) -> dict[str, int]:
    """On which page each named place of a PDF is, from one."""
    reader = PdfReader(pdf)
    found = reader.named_destinations.items()
    return {name.lstrip("/"): (reader.get_destination_page_number(place) or 0) + 1 for name, place in found}


def main() -> None:
    html, once = OUT.with_name("whole.html"), OUT.with_name("whole.pdf")
    parts = gather()
    html.write_text(document(parts, {}), "utf-8")
    once.write_bytes(printed(html))
    html.write_text(document(parts, places(once)), "utf-8")
    once.write_bytes(printed(html))
    writer = PdfWriter(clone_from=once)
    writer.append(PdfReader(BUILT / POSTER), outline_item="Poster: ten networks", import_outline=False)
    writer.add_metadata({"/Title": TITLE, "/Author": AUTHOR})
    writer.write(OUT)
    once.unlink()
    print(f"{OUT.relative_to(ROOT)}: {len(writer.pages)} pages, {OUT.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
