"""What `measure` counts equals what can be counted one by one, on random networks of the library's own blocks.

The same networks are drawn in every run, and nothing is kept between runs.
"""

import copy
from collections import Counter
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from casestudies_lib.blocks import SqueezeExcitation, conv_bn
from casestudies_lib.checks import ImageSpec
from casestudies_lib.efficientnet import MBConv, lite_conv
from casestudies_lib.inception import Inception, conv_relu
from casestudies_lib.lenet import SparseConv2d, Subsampling
from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.measure.graph import main_path, shortcuts, wiring
from casestudies_lib.measure.op import Family, op_of
from casestudies_lib.measure.receptive_field import ReceptiveField
from casestudies_lib.mobilenet import DepthwiseSeparable, InvertedResidual, MobileNetV3Block
from casestudies_lib.network import Network
from casestudies_lib.nin import mlpconv
from casestudies_lib.resnet import (
    Bottleneck,
    PlainBlock,
    PreActivationBlock,
    PreActivationBottleneck,
    ResidualBlock,
)

drawn = partial(settings, derandomize=True, database=None, deadline=None)
small = st.integers(1, 6)
strides = st.integers(1, 2)
odd = st.sampled_from([1, 3, 5])
yes_or_no = st.booleans()
ACTIVATIONS = [nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, None]


# ------------------------------------------------------------------ random blocks that fit what comes in
def free_conv(draw, channels, side):
    groups = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
    padding, dilation = draw(st.integers(0, 2)), draw(strides)
    kernel_size = draw(st.integers(1, min(5, (side + 2 * padding - 1) // dilation + 1)))
    stride, out_channels = draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    bias = draw(yes_or_no)
    return nn.Conv2d(channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)


def pool(draw, channels, side):
    kernel_size = draw(st.integers(1, min(3, side)))
    kind, ceil_mode = draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d])), draw(yes_or_no)
    stride, padding = draw(st.none() | st.integers(1, 3)), draw(st.integers(0, kernel_size // 2))
    return kind(kernel_size, stride, padding, ceil_mode=ceil_mode)


def dilated_pool(draw, channels, side):
    return nn.MaxPool2d(3, draw(strides), padding=1, dilation=2) if side > 2 else nn.ReLU()


def normalised_conv(draw, channels, side):
    groups = draw(st.sampled_from([1, channels]))
    activation = draw(st.sampled_from(ACTIVATIONS))
    kernel_size, stride = draw(odd), draw(strides)
    return conv_bn(channels, groups * draw(small), kernel_size, stride=stride, groups=groups, activation=activation)


def mlp_conv(draw, channels, side):
    return mlpconv(channels, draw(st.tuples(small, small, small)), draw(odd))


def sparse_conv(draw, channels, side):
    maps = st.sets(st.integers(0, channels - 1), min_size=1).map(sorted).map(tuple)
    return SparseConv2d(tuple(draw(st.lists(maps, min_size=1, max_size=4))), draw(st.integers(1, min(5, side))))


def residual(draw, channels, side):
    kinds = [PlainBlock, ResidualBlock, PreActivationBlock, Bottleneck, PreActivationBottleneck]
    block = draw(st.sampled_from(kinds))
    out_channels = draw(st.just(channels) | small) if block.expansion == 1 else 4 * draw(strides)
    options = {}
    if block is not PlainBlock:
        options["shortcut"] = draw(st.sampled_from("ABC" if out_channels >= channels else "BC"))
    if block in (PlainBlock, ResidualBlock):
        options["batch_norm"] = draw(yes_or_no)
    elif block is Bottleneck:
        options["stride_in"] = draw(st.sampled_from(["1x1", "3x3"]))
    else:
        options["activated"] = draw(yes_or_no)
    return block(channels, out_channels, stride=draw(strides), **options)


def inception(draw, channels, side):
    maybe = st.none() | small
    widths = draw(st.tuples(small, maybe, small, maybe, small, maybe))
    return Inception(channels, widths, batch_norm=draw(yes_or_no), largest_kernel=draw(st.sampled_from([3, 5])))


def inverted(draw, channels, side):
    out_channels = draw(st.just(channels) | small)
    return InvertedResidual(channels, out_channels, stride=draw(strides), expand_ratio=draw(st.integers(1, 3)))


def inverted_v3(draw, channels, side):
    return MobileNetV3Block(
        channels,
        draw(st.just(channels) | st.integers(1, 9)),
        draw(st.just(channels) | small),
        kernel_size=draw(odd),
        use_se=draw(yes_or_no),
        activation=draw(st.sampled_from([nn.ReLU, nn.Hardswish])),
        stride=draw(strides),
    )


def mbconv(draw, channels, side):
    return MBConv(
        channels,
        draw(st.just(channels) | small),
        expand_ratio=draw(st.integers(1, 3)),
        kernel_size=draw(odd),
        stride=draw(strides),
        drop=0.2,
        lite=draw(yes_or_no),
    )


def separable(draw, channels, side):
    return DepthwiseSeparable(channels, draw(small), stride=draw(strides))


def tensorflow_conv(draw, channels, side):
    return lite_conv(channels, draw(small), draw(odd), stride=draw(strides))


def conv_and_relu(draw, channels, side):
    return conv_relu(channels, draw(small), draw(odd), stride=draw(strides), batch_norm=draw(yes_or_no))


def gate(draw, channels, side):
    return SqueezeExcitation(channels, draw(small))


def trainable_pool(draw, channels, side):
    return Subsampling(channels) if side > 1 else nn.ReLU()


def response_norm(draw, channels, side):
    return nn.LocalResponseNorm(draw(st.integers(1, 5)))


SHORTCUTS = [residual, inverted, inverted_v3, mbconv]
FOLLOWED = [*SHORTCUTS, free_conv, pool, dilated_pool, normalised_conv, mlp_conv, inception, separable]
FOLLOWED += [tensorflow_conv, conv_and_relu, gate, trainable_pool, response_norm]
BLOCKS = [*FOLLOWED, sparse_conv]


@st.composite
def networks(draw, first, others=(), head=True):
    """A chain of a random block of one kind and up to two others, and perhaps a head; perhaps a layer is frozen."""
    channels, side = draw(st.integers(1, 4)), draw(st.integers(5, 24))
    image, layers = torch.zeros(1, channels, side, side), {}
    kinds = [draw(st.sampled_from(others)) for _ in range(draw(st.integers(0, 2)) if others else 0)]
    kinds.insert(draw(st.integers(0, len(kinds))), first)
    for place, kind in enumerate(kinds):
        layers[f"layer{place}"] = kind(draw, *image.shape[1:3]).eval()
        image = layers[f"layer{place}"](image)
    if head and draw(yes_or_no):
        if draw(yes_or_no):
            layers["pool"] = nn.AdaptiveAvgPool2d(1)
            image = layers["pool"](image)
        layers["flatten"] = nn.Flatten()
        layers["linear"] = nn.Linear(image[0].numel(), draw(small), bias=draw(yes_or_no))
    if draw(yes_or_no):
        layers["layer0"].requires_grad_(False)
    return Network("random", ImageSpec(channels, side, exact=False, min_size=1), layers).eval()


def each(kinds):
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.__name__)


# ------------------------------------------------------------------ parameters, shapes, MACs
class Products(TorchFunctionMode):
    """How many products each weight takes part in: the sum of what a layer makes of ones, with weights of one."""

    def __init__(self):
        super().__init__()
        self.by_weight = Counter()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.conv2d:
            x, weight, _, stride, padding, dilation, groups = args
            ones = F.pad(torch.ones_like(x), [n for n in reversed(padding) for _ in range(2)], value=1.0)
            made = F.conv2d(ones, torch.ones_like(weight), None, stride, 0, dilation, groups)
            self.by_weight[weight] += int(made.sum(dtype=torch.float64))
        elif func is F.linear:
            x, weight, _ = args
            self.by_weight[weight] += int(F.linear(torch.ones_like(x), torch.ones_like(weight)).sum())
        return func(*args, **(kwargs or {}))


@each(BLOCKS)
@drawn(max_examples=12)
@given(data=st.data())
def test_parameters_shapes_and_macs_are_what_running_it_shows(kind, data):
    network = data.draw(networks(kind, BLOCKS))
    found = anatomy(network)
    ran = []
    for module in {layer.module for layer in found.layers}:
        module.register_forward_hook(lambda module, inputs, output: ran.append((module, tuple(output.shape[1:]))))
    with torch.no_grad(), Products() as products:
        network(torch.zeros(1, *network.expects.shape))
    assert [(layer.module, layer.shape) for layer in found.layers] == ran
    for layer in found.layers:
        own = list(layer.module.parameters())
        assert layer.parameters == sum(p.numel() for p in own if p.requires_grad)
        assert layer.macs == sum(products.by_weight[p] for p in own)
    assert found.parameters == sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert found.macs == products.by_weight.total()


# ------------------------------------------------------------------ receptive fields
def passing_all_on(network):
    """A copy in which no gradient is cancelled, cut off or chosen, and gates, which add no pixels, let none through."""
    network = copy.deepcopy(network).double()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.constant_(module.weight, 0.5 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        if isinstance(module, nn.MaxPool2d):
            module.register_forward_hook(averaged)
        if isinstance(module, SqueezeExcitation):
            module.gate.register_forward_hook(lambda gate, inputs, output: output.detach())
    return network


def averaged(pool, inputs, output):
    """What a max pool's windows hold on average, with the last ones of `ceil_mode`, which stick out."""
    (x,) = inputs
    weight = torch.full((x.shape[1], 1, pool.kernel_size, pool.kernel_size), 1 / pool.kernel_size**2, dtype=x.dtype)
    x = F.pad(x, [0, pool.stride, 0, pool.stride])
    made = F.conv2d(x, weight, None, pool.stride, pool.padding, pool.dilation, groups=x.shape[1])
    return made[:, :, : output.shape[2], : output.shape[3]]


def reached(network, image, row, column):
    """The first row, first column, height and width of what one unit of the last map has a gradient from."""
    image = image.clone().requires_grad_()
    network(image)[0, :, row, column].sum().backward()
    pixels = image.grad[0].sum(0).nonzero()
    first, last = pixels.min(0).values, pixels.max(0).values
    return [*first.tolist(), *(last - first + 1).tolist()]


@each(BLOCKS)
@drawn(max_examples=12)
@given(data=st.data())
def test_receptive_fields_are_what_gradients_reach(kind, data):
    """Of a unit far from every edge, to the pixel: how much it sees, and where that begins."""
    network = data.draw(networks(kind, BLOCKS, head=False))
    whole = tuple(type(layer) for layer in network)  # so that no row of a gate is the last
    said = anatomy(network, whole=whole).layers[-1].receptive_field
    side = 3 * said + 40 + data.draw(st.integers(0, 1))
    channels = network.expects.channels
    image = torch.ones(1, channels, side, side)
    with torch.no_grad(), ReceptiveField(image) as field_of_view:
        made = network(image)
    sees = field_of_view.seen[made]
    row, column = made.shape[2] // 2, made.shape[3] // 2 - 1
    place = [sees.start + n * sees.step for n in (row, column)]
    assert reached(passing_all_on(network), image.double(), row, column) == [*place, said, said]


@each(BLOCKS)
@drawn(max_examples=6)
@given(data=st.data())
def test_the_last_layer_is_never_said_to_see_less_than_it_does(kind, data):
    """With its head, whose units see the whole of the image that it expects; gradients through gates count too."""
    network = data.draw(networks(kind, BLOCKS)).double()
    image = torch.rand(1, *network.expects.shape, dtype=torch.float64, requires_grad=True)
    made = network(image)
    made[(0, slice(None), *(n // 2 for n in made.shape[2:]))].sum().backward()
    found = anatomy(network).layers
    assert image.grad[0].sum((0, 1)).count_nonzero() <= max(layer.receptive_field for layer in found)
    body = nn.Sequential(*(layer for name, layer in network.named_children() if name.startswith("layer")))
    if made.dim() == 2 and body(image).shape[-1] > 1:
        assert found[-1].receptive_field >= network.expects.size


# ------------------------------------------------------------------ operations
@each([free_conv, pool, separable])
@drawn(max_examples=60)
@given(data=st.data())
def test_sizes_of_an_operation_are_those_of_what_its_units_read(kind, data):
    """Window, stride and groups, from the gradients of two neighbouring units in the middle of a map."""
    network = data.draw(networks(kind, head=False))
    (layer,) = network
    op, channels = op_of(layer), network.expects.channels
    image = torch.ones(1, channels, 61, 61, dtype=torch.float64)
    open_layer = passing_all_on(nn.Sequential(layer))
    middle = open_layer(image).shape[-1] // 2
    top, left, height, width = reached(open_layer, image, middle, middle)
    dilation = layer.dilation[0] if isinstance(layer, nn.Conv2d) else 1
    assert height == width == dilation * (op.kernel_size - 1) + 1
    assert reached(open_layer, image, middle + 1, middle + 1)[:2] == [top + op.stride, left + op.stride]
    if isinstance(layer, nn.Conv2d):
        groups = len(kept_apart(open_layer, image))
        assert (op.groups, op.depthwise) == (groups, groups == channels > 1)


def kept_apart(layer, image):
    """The sets of input channels that the output channels read."""
    image = image.clone().requires_grad_()
    sums = layer(image)[0].sum((1, 2))
    read = [torch.autograd.grad(one, image, retain_graph=True)[0][0].sum((1, 2)).nonzero() for one in sums]
    return {tuple(channels.flatten().tolist()) for channels in read}


# ------------------------------------------------------------------ graphs
FUNCTIONS = {"addition": lambda a, b: a + b, "concatenation": lambda *maps: torch.cat(maps, 1), "mul": torch.mul}


@each(FOLLOWED)  # not a sparse convolution: the step that picks its channels does not say which
@drawn(max_examples=5)
@given(data=st.data())
def test_steps_of_a_graph_computed_in_turn_give_what_the_network_gives(kind, data):
    network = data.draw(networks(kind, FOLLOWED))
    image = torch.rand(2, *network.expects.shape)
    made = {}
    with torch.no_grad():
        for node in wiring(network[:], network.expects.shape, whole=(Subsampling,)).values():
            read = [made[name] for name in node.reads]
            if node.op.family is Family.INPUT:
                made[node.name] = image
            else:
                made[node.name] = (node.module or FUNCTIONS[node.op.name])(*read)
            assert tuple(made[node.name].shape[1:]) == node.shape
        assert torch.equal(made[node.name], network(image))


@each([*SHORTCUTS, inception])
@drawn(max_examples=20)
@given(data=st.data())
def test_the_main_path_is_the_longest_and_every_block_with_a_shortcut_has_one(kind, data):
    network = data.draw(networks(kind, [*SHORTCUTS, inception]))
    nodes = wiring(network[:], None)

    def longest(name):
        return 1 + max((longest(read) for read in nodes[name].reads), default=0)

    path = main_path(nodes)
    assert all(before in nodes[name].reads for before, name in pairwise(path))
    assert len(path) == longest(path[-1]) and nodes[path[0]].op.family is Family.INPUT and path[-1] == list(nodes)[-1]
    projected = [not isinstance(b.downsample, nn.Identity) for b in network if hasattr(b, "downsample")]
    identities = sum(getattr(block, "use_res_connect", False) for block in network)
    found = [bool(shortcut.through) for shortcut in shortcuts(nodes)]
    assert Counter(found) == Counter(projected) + Counter([False] * identities)
