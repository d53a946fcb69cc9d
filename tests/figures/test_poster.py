"""The networks of the book on one sheet."""

import re
from itertools import combinations, pairwise
from math import sqrt
from urllib.parse import unquote

import companion
import pytest
from address import ROOT
from bs4 import BeautifulSoup
from PIL import Image

from casestudies_lib.blocks import SqueezeExcitation
from casestudies_lib.figures import poster as sheet
from casestudies_lib.figures.poster import POSTER, draw_poster, figure_of, parts_of, poster, save_poster
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.models import PUBLISHED
from casestudies_lib.page.palette import BLOCK_COLOURS, COLOURS

NAMES = list(POSTER)


@pytest.fixture(scope="module")
def shapes():
    return poster()


@pytest.fixture(scope="module")
def counted():
    """What anatomy finds of each network, gates in one piece."""
    return {name: anatomy(name, whole=SqueezeExcitation) for name in NAMES}


def rows_of(shapes):
    """The slices of each network: the boxes that stand right of a name's picture, by the height of their middle."""
    dots = {shape for shape in shapes if isinstance(shape, sheet.Box) and shape.tall == sheet.GATE}
    boxes = [
        shape
        for shape in shapes
        if isinstance(shape, sheet.Box) and shape not in dots and shape.x >= sheet.START - 1e-6 and shape.y < sheet.FOOT
    ]
    rows = {}
    for box in boxes:
        rows.setdefault(round(box.y + box.tall / 2, 3), []).append(box)
    return [rows[middle] for middle in sorted(rows)]


def on_main_path(found):
    """Layers that anatomy lists and the sheet draws: no projection on a shortcut, no gate, no module of branches."""
    kept = [x for x in found.rows if ".downsample." not in x.name and x.op.family != "gate"]
    return [x for x in kept if not re.match(r"\d[a-e]\.", x.name)]


@pytest.mark.parametrize("name", NAMES)
def test_slices_are_the_layers_that_anatomy_measures(name, counted):
    found, parts = counted[name], parts_of(name)
    drawn = [one for part in parts if part.kind != "Inception module" for one in part.slices]
    assert [(one.op, one.shape) for one in drawn] == [(x.op, x.shape) for x in on_main_path(found)]
    assert {part.kind for part in parts} <= {*BLOCK_COLOURS, *COLOURS, "global average pool"}
    gates = sum(x.op.family == "gate" for x in found.layers)
    assert sum(part.gate for part in parts) == gates == {"mobilenet_v3_large": 8, "efficientnet_b0": 16}.get(name, 0)
    shortcuts = {"resnet50": 16, "mobilenet_v2": 10, "mobilenet_v3_large": 10, "efficientnet_b0": 9}
    assert sum(part.shortcut for part in parts) == shortcuts.get(name, 0)


def test_an_inception_module_is_its_reductions_and_what_it_makes(counted):
    modules = [part for part in parts_of("googlenet") if part.kind == "Inception module"]
    names = [f"{stage}{letter}" for stage, letters in ((3, "ab"), (4, "abcde"), (5, "ab")) for letter in letters]
    assert len(modules) == len(names)
    for name, module in zip(names, modules, strict=True):

        def channels(*branches, name=name):
            return sum(counted["googlenet"][f"{name}.branch{branch}"].shape[0] for branch in branches)

        assert [one.shape[0] for one in module.slices] == [channels("2.0", "3.0"), channels("1", "2.1", "3.1", "4.1")]
        assert {one.shape[1:] for one in module.slices} == {counted["googlenet"][f"{name}.branch1"].shape[1:]}


def test_every_slice_stands_in_its_place_to_one_scale(shapes):
    rows = rows_of(shapes)
    assert [len(row) for row in rows] == [sum(len(part.slices) for part in parts_of(name)) for name in NAMES]
    units = set()
    for name, row in zip(NAMES, rows, strict=True):
        slices = [(part, one) for part in parts_of(name) for one in part.slices]
        assert row[0].x == sheet.START and all(a.x + a.wide < b.x for a, b in pairwise(row))
        for (part, one), box in zip(slices, row, strict=True):
            side = one.shape[1] if len(one.shape) == 3 else 1
            assert box.tall == pytest.approx(sheet.SIDE * sqrt(side))
            units.add(round(box.wide / sqrt(one.shape[0]), 6))
            assert box.colour == BLOCK_COLOURS.get(part.kind, COLOURS.get(one.op.family))
            assert (box.opacity < 0.5) == (one.op.depthwise or part.kind == "pool")
    assert len(units) == 1, "one scale for the channels of all networks"
    right = max(box.x + box.wide for row in rows for box in row)
    assert right == pytest.approx(sheet.STOP - sheet.CLASS), "the longest network fills the sheet"


def test_every_row_says_what_was_counted_and_published(shapes, counted):
    said = [shape.said for shape in shapes if isinstance(shape, sheet.Words)]
    assert said.count("→ 1 of 1,000 classes") == 8 and said.count("→ 1 of 10 classes") == 2
    for name in NAMES:
        paper = PUBLISHED[name]
        assert f"{paper.year} · {POSTER[name].authors}" in said and POSTER[name].idea in said
        assert f"{paper.images}; {paper.source}" in said
        assert any(abs(float(one) - paper.accuracy) < 1e-9 for one in said if re.fullmatch(r"\d\d\.\d+", one))
        assert any(
            re.fullmatch(r"[\d,]+(\.\d+)?", one) and abs(float(one.replace(",", "")) - counted[name].macs / 1e6) <= 0.5
            for one in said
        )
    for layers, parameters in (("4", "0.06"), ("16", "138.4"), ("22", "7.0"), ("50", "25.6"), ("53", "3.5")):
        assert layers in said and parameters in said


def test_authors_are_those_of_the_bibliography():
    papers = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    keys = {"googlenet": "szegedy2014", "mobilenet_v1": "howard2017", "resnet50": "he2015"}
    for name, entry in POSTER.items():
        author = entry.authors.split(",")[0].split()[0]
        key = keys.get(name, f"{author.lower()}{PUBLISHED[name].year}")
        listed = re.search(rf"{{{key},\n\s*author\s*= {{(.*)}},", papers)[1].split(" and ")
        if entry.authors.endswith("and others"):
            assert listed[0].endswith(author) and len(listed) > 5
        else:
            assert [one.split()[-1] for one in listed] == entry.authors.split(", ") and len(listed) <= 5


def test_nothing_overlaps_and_no_word_is_small(shapes):
    words = [shape for shape in shapes if isinstance(shape, sheet.Words)]
    assert min(word.size for word in words) >= 6
    drawn = figure_of(shapes)
    drawn.set_dpi(72)
    renderer = drawn.canvas.get_renderer() if hasattr(drawn.canvas, "get_renderer") else None
    places = [text.get_window_extent(renderer) for text in drawn.axes[0].texts]
    places = [(p.x0, sheet.TALL - p.y1, p.x1, sheet.TALL - p.y0) for p in places]

    def overlap(a, b, spare=0.0):
        return a[0] + spare < b[2] and b[0] + spare < a[2] and a[1] + spare < b[3] and b[1] + spare < a[3]

    for (one, a), (other, b) in combinations(zip(words, places, strict=True), 2):
        assert not overlap(a, b, 2.5), (one.said, other.said)
    boxes = [box for row in rows_of(shapes) for box in row]
    for word, place in zip(words, places, strict=True):
        assert place[0] > 0 and place[2] < sheet.WIDE and place[1] > 0 and place[3] < sheet.TALL, word.said
        for box in boxes:
            assert not overlap(place, (box.x, box.y, box.x + box.wide, box.y + box.tall), 2.5), (word.said, box)


def picture_in(page):
    """The drawing that the picture of a page holds."""
    return BeautifulSoup(unquote(page.img["src"].removeprefix("data:image/svg+xml,")), "html.parser")


def test_the_picture_on_the_page(shapes):
    html = draw_poster()
    page = BeautifulSoup(html.data, "html.parser")
    drawn = picture_in(page)
    assert len(html.data) < 300_000 and html.data.count("data:image/jpeg") == 1
    count = {kind: sum(isinstance(shape, kind) for shape in shapes) for kind in (sheet.Box, sheet.Words, sheet.Arc)}
    assert [len(drawn.find_all(tag)) for tag in ("rect", "text", "path")] == list(count.values())
    assert len(drawn.find_all("use")) == 9 and len(page.select(".credit a[href]")) == 2
    assert drawn.svg["viewbox"] == "0 0 1684 1191" and not drawn.find_all("text", fill=True)
    assert "width:100%" in page.img["style"] and "min-width" not in html.data, "as wide as its place"
    alt = page.select_one("[role=img]")["aria-label"]
    assert "ResNet-50, 2015: conv, pool, 16 × bottleneck, global average pool, fully connected; 50 layers" in alt
    assert "VGG-16, 2014" in alt and "sides 224, 112, 56, 28, 14, 7, 1" in alt


def test_names_keep_away_from_the_network_above(shapes):
    words = [shape for shape in shapes if isinstance(shape, sheet.Words) and shape.x < sheet.STOP]
    names = [shape for shape in words if shape.bold and shape.size == 19]
    assert len(names) == len(NAMES)
    for name in names[1:]:
        right = [one for one in words if one.size == sheet.SMALL and one.x > name.x - 25]
        above = [one.y for one in right if sheet.TOP < one.y < name.y]
        assert name.y - name.size - max(above, default=0) > 4, name.said


def test_some_networks_have_a_scale_of_their_own():
    drawn = picture_in(BeautifulSoup(draw_poster(["vgg16", "lenet5_1998"]).data, "html.parser"))
    said = [text.text for text in drawn.find_all("text")]
    assert "VGG-16" in said and "LeNet-5" in said and "ResNet-50" not in said
    rows = rows_of(poster(["vgg16", "lenet5_1998"]))
    assert rows[0][-1].x + rows[0][-1].wide == pytest.approx(sheet.STOP - sheet.CLASS)


def test_files_are_the_same_each_time(tmp_path):
    for kind, first in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        for name in ("one", "two"):
            save_poster(tmp_path / f"{name}{kind}", ["lenet5_1998"], dots=36)
        one, two = ((tmp_path / f"{name}{kind}").read_bytes() for name in ("one", "two"))
        assert one == two and one.startswith(first)
    assert b"/MediaBox [ 0 0 1684 1191 ]" in (tmp_path / "one.pdf").read_bytes()
    assert Image.open(tmp_path / "one.png").getpixel((5, 5))[:3] == (255, 255, 255), "white, also in dark mode"


def test_the_site_links_to_the_files(tmp_path):
    context = {"body": draw_poster(["lenet5_1998"]).data}
    assert sheet.PLACE in context["body"] and sheet.OPENS in context["body"]
    companion.mend(None, "notebooks/08", "page.html", context, None)
    links = BeautifulSoup(context["body"], "html.parser").find_all("a", download=True)
    assert [(one["href"], one["download"]) for one in links] == [
        (f"../{file}", file.removeprefix("_static/")) for file in companion.POSTER_FILES.values()
    ]
    [large] = BeautifulSoup(context["body"], "html.parser").select(".poster a")
    assert large["href"] == f"../{companion.POSTER_FILES['picture']}"
    assert sheet.PLACE not in context["body"] and sheet.OPENS not in context["body"]


def test_links_from_a_cell_to_another_notebook_lead_to_its_page():
    there, elsewhere = "02_resnets.ipynb#claim-deep-13", "https://example.org/02_resnets.ipynb"
    context = {"body": f'<a href="{there}">a</a><a href="{elsewhere}">b</a>'}
    companion.mend(None, "notebooks/08", "page.html", context, None)
    links = [one["href"] for one in BeautifulSoup(context["body"], "html.parser").find_all("a")]
    assert links == ["02_resnets.html#claim-deep-13", elsewhere]


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"network to be one of 'lenet5_1998', .*got 'vgg_16': did you mean vgg16"):
        draw_poster(["vgg_16"])
    with pytest.raises(ValueError, match=r"network to be one of .*got 'resnet34'"):
        parts_of("resnet34")
    for wrong in ([], [*NAMES, "vgg16"]):
        with pytest.raises(ValueError, match=f"expected 1 to 10 networks on the sheet, got {len(wrong)}: pass names"):
            poster(wrong)
    with pytest.raises(ValueError, match=r"ending of the file to be one of '\.pdf', '\.png', got '\.jpg'"):
        save_poster(tmp_path / "sheet.jpg")
