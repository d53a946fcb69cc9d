"""What others see of the site: search engines, and whoever shows a link with a description and a picture.

What needs an absolute address is absent while the book has none: canonical links, pictures, the map of the site, and
the page for addresses that lead nowhere, which is shown at any depth and so links by absolute paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import address
from bs4 import BeautifulSoup
from docutils import nodes
from formulas import spoken
from markupsafe import Markup
from search import words
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from casestudies_lib.page.html import tag

LONG = 200  # characters of a description
UNLISTED = ("search", "404")
LOST = """<section id="no-such-page"><h1>There is no such page</h1>
<p>The address may be mistyped, or the page may have moved. All pages are listed on
<a href="index.html">the start page</a>, and <a href="search.html">the search</a> looks through them.</p></section>"""


def description(body: str) -> str:
    """The first sentences of a page's prose, as many as a list of hits shows."""
    found = re.search(r"(?s)</h1>.*?(<p>.*?</p>)", body)
    if found is None:
        return ""
    paragraph = BeautifulSoup(found[1], "html.parser")
    for part in paragraph.select(".proof-mark"):
        part.decompose()
    for formula in paragraph.select("math"):
        formula.replace_with(spoken(formula))
    first, *others = re.split(r"(?<=[.?!]) ", words(paragraph))
    for sentence in others:
        if len(first) + len(sentence) > LONG:
            break
        first += f" {sentence}"
    return first


def picture(page: str) -> str:
    """Where the picture of a page is."""
    return f"_static/cards/{page.rpartition('/')[2]}.png"


def add_head(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Describe the page in its head."""
    site, book = address.site(), app.config.html_title
    title = app.env.titles[page].astext() if page in app.env.titles else book
    light, dark = re.findall(r"--page: (#\w+)", Path(app.srcdir, "book/_static/companion.css").read_text("utf-8"))[:2]
    about = {"theme-color": light}
    head = [
        tag("meta", name="theme-color", media="(prefers-color-scheme: light)", content=light),
        tag("meta", name="theme-color", media="(prefers-color-scheme: dark)", content=dark),
    ]
    if page in UNLISTED:
        head.append(tag("meta", name="robots", content="noindex"))
    else:
        about = {
            "og:site_name": book,
            "og:title": title,
            "og:description": description(context.get("body", "")),
            "og:type": "website" if page == app.config.root_doc else "article",
            "og:locale": "en",
            "twitter:card": "summary_large_image" if site else "summary",
        }
        if site:
            about |= {
                "og:url": site + own_path(app, page),
                "og:image": site + picture(page),
                "og:image:width": "1200",
                "og:image:height": "630",
                "og:image:alt": f"{title}. Below, VGG-16 as a row of volumes drawn to scale.",
            }
            head.append(tag("link", rel="canonical", href=about["og:url"]))
        head.append(tag("meta", name="description", content=about["og:description"]))
        for name, content in about.items():
            key = "name" if name.startswith("twitter:") else "property"
            head.append(tag("meta", **{key: name, "content": content}))
        data = json.dumps(structure(app, page, title, about["og:description"]), ensure_ascii=False)
        head.append(Markup(f'<script type="application/ld+json">{data.replace("<", chr(92) + "u003c")}</script>'))
    context["metatags"] = context.get("metatags", "") + "".join(f"\n    {one}" for one in head)


def own_path(app: Sphinx, page: str) -> str:
    return "" if page == app.config.root_doc else f"{page}.html"


def structure(app: Sphinx, page: str, title: str, said: str) -> dict:
    """The page in the words of schema.org: the book with its chapters, or a chapter of the book."""
    site = address.site()

    def node(kind: str | list[str], name: str, place: str, **more: object) -> dict:
        url = {"url": site + own_path(app, place)} if site else {}
        return {"@type": kind, "name": name, **url, **more}

    chapters = [name for name in sorted(app.env.titles) if name.startswith("notebooks/")]
    author = {"@type": "Organization", "name": app.config.author}
    common = {"description": said, "inLanguage": "en", "isAccessibleForFree": True}
    root = app.config.root_doc
    if page == root:
        parts = [
            node("Chapter", app.env.titles[name].astext(), name, position=place)
            for place, name in enumerate(chapters, 1)
        ]
        found = node(["Book", "LearningResource"], title, root, author=author, **common, hasPart=parts)
    elif page in chapters:
        book = node("Book", app.config.html_title, root, author=author)
        position = chapters.index(page) + 1
        found = node(["Chapter", "LearningResource"], title, page, position=position, **common, isPartOf=book)
    else:
        found = node("WebPage", title, page, **common, isPartOf=node("Book", app.config.html_title, root))
    return {"@context": "https://schema.org", **found}


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    if address.site():
        yield "404", {"title": "There is no such page", "body": LOST}, "page.html"


def publish(app: Sphinx, exception: Exception | None) -> None:
    """Write what only a site with an address has."""
    site = address.site()
    if exception is not None or app.builder.name != "html" or not site:
        return
    root = Path(app.outdir)
    pages = [page for page in sorted(app.env.titles) if page not in UNLISTED]
    places = "".join(f"  <url><loc>{site}{own_path(app, page)}</loc></url>\n" for page in pages)
    start = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    (root / "sitemap.xml").write_text(f"{start}{places}</urlset>\n", "utf-8")
    (root / "robots.txt").write_text(f"User-agent: *\nAllow: /\n\nSitemap: {site}sitemap.xml\n", "utf-8")
    lost = root / "404.html"
    lost.write_text(absolute(lost.read_text("utf-8"), urlsplit(site).path), "utf-8", newline="")
    from cards import draw  # matplotlib, which a build without an address does not need

    (root / "_static/cards").mkdir(exist_ok=True)
    for page in pages:
        title = app.env.titles[page].astext()
        draw("" if page == app.config.root_doc else title, app.config.html_title, root / picture(page))


def absolute(page: str, base: str) -> str:
    """A page of the root with links that hold at any depth."""
    page = page.replace('data-content_root="./"', f'data-content_root="{base}"')
    page = re.sub(r'\b(href|src|action)="#"', rf'\1="{base}404.html"', page)
    return re.sub(r'\b(href|src|action)="(?![a-z]+:|#|/)(?:\./)?', rf'\1="{base}', page)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("html-page-context", add_head, priority=950)  # when the page is folded
    app.connect("html-collect-pages", lost_page)
    app.connect("build-finished", publish, priority=920)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
