"""What reads what, and the pictures drawn from it: change the forward pass and the picture changes."""

import re

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from casestudies_lib.alexnet import alexnet
from casestudies_lib.diagrams import draw_block, draw_columns, symbols_of
from casestudies_lib.resnet import (
    Bottleneck,
    PlainBlock,
    PreActivationBlock,
    ResidualBlock,
    cifar_plain,
    cifar_resnet,
    plain,
    resnet,
)
from casestudies_lib.wiring import main_path, shortcuts, wiring

SHAPE = (8, 6, 6)


class AddedLate(ResidualBlock):
    """The mistake of many transcripts: added after the ReLU."""

    def forward(self, a):
        return self.relu2(self.main_path(a)) + self.downsample(a)


def symbol_list(block):
    return list(symbols_of(wiring(block, SHAPE)).values())


def test_steps_and_symbols_of_a_residual_block():
    nodes = wiring(ResidualBlock(8, 8), SHAPE)
    assert main_path(nodes) == ["a", "conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2"]
    [around] = shortcuts(nodes)
    assert (around.start, around.end, around.through) == ("a", "add", ())
    assert symbol_list(ResidualBlock(8, 8)) == ["a[l]", "z[l+1]", "a[l+1]", "z[l+2]", "z[l+2] + a[l]", "a[l+2]"]
    assert all(node.shape == SHAPE for node in nodes.values())


def test_other_blocks_get_other_symbols():
    assert symbol_list(PlainBlock(8, 8)) == ["a[l]", "z[l+1]", "a[l+1]", "z[l+2]", "a[l+2]"]
    assert symbol_list(AddedLate(8, 8))[-2:] == ["a[l+2]", "a[l+2] + a[l]"]
    assert symbol_list(Bottleneck(8, 2))[-2:] == ["z[l+3] + a[l]", "a[l+3]"]
    assert "z[l+2] + Wₛ a[l]" in symbol_list(ResidualBlock(8, 16, stride=2))
    assert symbol_list(ResidualBlock(8, 8, batch_norm=False))[1:3] == ["z[l+1]", "a[l+1]"]
    assert "z[l+2] + a[l]" in symbol_list(PreActivationBlock(8, 8))


@pytest.mark.parametrize(
    ("network", "count", "changing"),
    [
        (lambda: plain(34), 0, 0),
        (lambda: cifar_plain(20), 0, 0),
        (lambda: resnet(34), 16, 3),
        (lambda: resnet(34, shortcut="A"), 16, 3),
        (lambda: resnet(34, shortcut="C"), 16, 16),
        (lambda: resnet(50), 16, 4),
        (lambda: cifar_resnet(20), 9, 2),
        (lambda: cifar_resnet(20, preactivation=True), 9, 2),
    ],
)
def test_shortcuts_of_whole_networks(network, count, changing):
    with torch.device("meta"):
        built = network()
    found = shortcuts(wiring(built[:], built.expects.shape))
    assert (len(found), sum(bool(s.through) for s in found)) == (count, changing)


def test_a_forward_pass_that_looks_at_its_data_is_refused():
    class Choosy(nn.Module):
        def forward(self, x):
            return x.relu() if x.sum() > 0 else x

    with pytest.raises(ValueError, match=r"expected a Choosy .*got one that does .*: pass a part of it"):
        wiring(Choosy(), SHAPE)


def test_a_networks_check_is_no_step():
    network = alexnet()
    assert list(wiring(network, (3, 227, 227)))[1:] == list(wiring(network[:], (3, 227, 227)))[1:]
    assert type(network.expects).__name__ == "Images", "the live one still checks"


def test_the_live_module_is_untouched():
    block = ResidualBlock(8, 8).train()
    before = {key: value.clone() for key, value in block.state_dict().items()}
    assert wiring(block, SHAPE)["conv1"].module is block.conv1 and block.training
    assert all(torch.equal(value, before[key]) for key, value in block.state_dict().items())


def picture(html):
    page = BeautifulSoup(html.data, "html.parser")
    return page, page.div["aria-label"], [t.text for t in page.find_all("text")]


def test_a_block_is_drawn_as_it_computes():
    _, alt, words = picture(draw_block(ResidualBlock(8, 8), SHAPE, "A block"))
    assert {"main path", "shortcut", "6×6×8", "3×3 conv, 8", "z[l+2] + a[l]"} <= set(words)
    assert alt.startswith("A block, from top to bottom. Main path: input 6×6×8, 3×3 conv, 8, batch norm makes z[l+1]")
    assert alt.endswith("A shortcut carries a[l] to the addition.")
    late = picture(draw_block(AddedLate(8, 8), SHAPE, "A block"))
    assert late[1] != alt and "a[l+2] + a[l]" in late[2]
    _, alt, words = picture(draw_block(PlainBlock(8, 8), SHAPE, "A plain block"))
    assert alt.endswith("No shortcut.") and "shortcut" not in words
    _, alt, words = picture(draw_block(ResidualBlock(8, 16, stride=2, shortcut="A"), SHAPE, "W_s"))
    assert "A shortcut through zero padding carries a[l]" in alt and "zero padding" in words


def test_columns_align_equal_sizes_and_dot_what_changes():
    with torch.device("meta"):
        networks = {"plain": plain(18)[:], "residual": resnet(18, shortcut="A")[:]}
    page, alt, words = picture(draw_columns(networks, (3, 224, 224)))
    assert "plain: 1 × 7×7 conv, 64, /2, 1 × 3×3 max pool, 4 × 3×3 conv, 64" in alt
    assert alt.count("no shortcuts") == 1 and "8 shortcuts, 3 of them dotted" in alt
    arcs = [path for path in page.find_all("path") if path.get("marker-end")]
    assert len(arcs) == 8 and sum(bool(arc.get("stroke-dasharray")) for arc in arcs) == 3
    boxes = [(float(r["x"]), float(r["y"])) for r in page.find_all("rect")]
    left, right = (sorted(y for x, y in boxes if (x < 200) == side) for side in (True, False))
    assert left == right and len(left) == 20 and words.count("3×3 conv, 512") == 6


def test_every_picture_has_its_own_arrowhead():
    pages = [draw_block(ResidualBlock(8, 8), SHAPE, title).data for title in ("One", "Two")]
    heads = [re.search(r'marker [^>]*id="([^"]+)"|id="([^"]+)" [^>]*orient', page).group() for page in pages]
    assert heads[0] != heads[1] and all(page.count("<marker") == 1 for page in pages)


def test_a_network_in_one_piece_is_drawn_before_the_block():
    class Big(nn.Module):
        kind = "a big network"

        def forward(self, x):
            return x.relu()

    _, alt, words = picture(draw_block(nn.Sequential(Big(), ResidualBlock(8, 8)), SHAPE, "Rest"))
    assert words.index("x") < words.index("a[l]") and "a big network makes a[l]" in alt
    assert alt.endswith("A shortcut carries a[l] to the addition.")
