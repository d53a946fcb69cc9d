"""What a page fetches only when a reader comes near: which pictures and numbers wait in files, and what stays."""

import json
from base64 import b64decode, b64encode
from html import escape
from pathlib import Path

import later
import pytest
from bs4 import BeautifulSoup
from whole import embed

CONTENT = bytes(range(256)) * 8
DATA = f"data:image/jpeg;base64,{b64encode(CONTENT).decode()}"
IMAGE = f'<image href="{DATA}" x="1" y="2" width="30" height="40"/>'
FILTERED = IMAGE.replace("/>", ' style="filter:url(#mix)"/>')
FEW = '<image href="data:image/png;base64,AAAA" width="1" height="1"/>'
OPENING = "<h1>A chapter</h1><h2>Contents</h2><article><h1>A chapter</h1>"
BELOW = f"{OPENING}<h2>A section</h2>"
MOVED = '<div class="drawing explorer" data-explorer="{}">{}</div><script>window.CaseStudies.mount();</script>'


def thinned(page: str) -> tuple[BeautifulSoup, dict[str, bytes]]:
    files: dict[str, bytes] = {}
    return BeautifulSoup(later.thinned(page, "../", files), "html.parser"), files


def test_a_photograph_waits_in_a_file_that_all_who_show_it_share():
    page, files = thinned(f"{BELOW}<svg>{IMAGE}{IMAGE}</svg>")
    (name,) = files
    assert files[name] == CONTENT and name.endswith(".jpeg")
    for frame in page.select("svg > foreignobject"):
        assert (frame["x"], frame["y"], frame["width"], frame["height"]) == ("1", "2", "30", "40")
        assert frame.img["src"] == f"../_static/later/{name}" and frame.img["loading"] == "lazy"
        assert frame.img["alt"] == "" and frame.img["style"] == "object-fit:contain"
    assert len(page.select("svg > foreignobject")) == 2 and not page.select("image")


DRAWN = '<img alt="" src="data:image/svg+xml,%3Csvg%3E{}%3C/svg%3E"/>'


def test_a_drawing_that_no_style_reaches_waits_too_and_comes_back_for_print(tmp_path):
    drawn = DRAWN.format("a%26b" * 500)
    page, files = thinned(f"{BELOW}{drawn}{DRAWN.format('few')}")
    waiting, few = page.select("img")
    ((name, content),) = files.items()
    assert content.decode() == f"<svg>{'a&b' * 500}</svg>"
    assert waiting["src"] == f"../_static/later/{name}" and name.endswith(".svg")
    assert waiting["loading"] == "lazy" and waiting["class"] == ["later"] and waiting["alt"] == ""
    assert few["src"].startswith("data:image/svg+xml,") and "loading" not in few.attrs
    assert thinned(f"{OPENING}{drawn}")[1] == {}, "none below a section"
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / name).write_bytes(content)
    waiting["src"] = f"later/{name}"
    embed(waiting, tmp_path / "page.html")
    kind, _, packed = waiting["src"].partition(",")
    assert (kind, b64decode(packed)) == ("data:image/svg+xml;base64", content) and "loading" not in waiting.attrs


@pytest.mark.parametrize(
    "page",
    [
        f"{OPENING}<svg>{IMAGE}</svg><h2>A section</h2>",
        f"{BELOW}<svg>{FILTERED}</svg>",
        f"{BELOW}<svg><defs>{IMAGE}</defs></svg>",
        f"{BELOW}<svg>{FEW}</svg>",
        f"{BELOW}{MOVED.format('fade', IMAGE)}",
        f"{BELOW}{MOVED.format('photograph', '')}{MOVED.format('fade', IMAGE)}",
        f"{OPENING}<svg>{IMAGE}</svg>",
    ],
    ids=["opening", "a filter", "what is repeated", "a few bytes", "an explorer", "another explorer", "no sections"],
)
def test_what_cannot_wait_stays(page):
    files: dict[str, bytes] = {}
    assert later.thinned(page, "../", files) == page and files == {}


@pytest.mark.parametrize("after", ["", "the photographs"])
def test_what_no_script_moves_waits_beside_explorers_too(after):
    moved = MOVED.format("photograph", IMAGE) if after else MOVED.format("fade", "") + f"<svg>{IMAGE}</svg>"
    page, files = thinned(BELOW + moved)
    assert len(files) == 1 and page.select_one("foreignobject > img.later")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_the_numbers_of_a_large_explorer_wait_and_come_as_they_were(quote):
    given = {"numbers": list(range(20_000)), "words": "a “b” & <c> 'd'"}
    text = escape(json.dumps(given)).replace("&quot;", '"' if quote == "'" else "&quot;")
    box = f'<div data-explorer="digit" data-given={quote}{text}{quote}></div>'
    small = f'<div data-explorer="cost" data-given={quote}{{}}{quote}></div>'
    page, files = thinned(BELOW + box + small)
    (name,) = files
    first, second = page.select("div")
    assert first["data-brings"] == "digit" and first["data-from"] == f"../_static/later/{name}"
    assert "data-explorer" not in first.attrs and "data-given" not in first.attrs
    assert (second["data-explorer"], second["data-given"]) == ("cost", "{}")
    script = files[name].decode()
    assert script.startswith("window.CaseStudies.brought = ") and script.endswith(";\n")
    assert json.loads(json.loads(script.removeprefix("window.CaseStudies.brought = ")[:-2])) == given


def test_a_book_without_its_site_has_the_picture_again(tmp_path: Path):
    stretched = IMAGE.replace("/>", ' preserveAspectRatio="none"/>')
    page, files = thinned(f"{BELOW}<svg>{IMAGE}{stretched}</svg>")
    folder = tmp_path / later.PLACE
    folder.mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for image in page.select("img.later"):
        embed(image, tmp_path / "notebooks" / "page.html")
    first, second = page.select("svg > image")
    assert first["href"] == second["href"] == DATA and first["width"] == "30" and not page.img
    assert second["preserveAspectRatio"] == "none" and "preserveAspectRatio" not in first.attrs
