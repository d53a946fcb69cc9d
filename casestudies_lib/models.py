"""Every network of the book by name: one plain dict that drives tests, tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import nn

from casestudies_lib.alexnet import alexnet
from casestudies_lib.efficientnet import SCALES, efficientnet
from casestudies_lib.inception import googlenet
from casestudies_lib.lenet import lenet5
from casestudies_lib.mobilenet import mobilenet_v1, mobilenet_v2, mobilenet_v3
from casestudies_lib.nin import nin_cifar
from casestudies_lib.resnet import cifar_plain, cifar_resnet, plain, resnet
from casestudies_lib.vgg import vgg

MODELS: dict[str, Callable[[], nn.Module]] = {
    "lenet5": lenet5,
    "lenet5_1998": partial(lenet5, "1998"),
    "alexnet": alexnet,
    "alexnet_2012": partial(alexnet, "2012"),
    "alexnet_torchvision": partial(alexnet, "torchvision"),
    "vgg11": partial(vgg, 11),
    "vgg13": partial(vgg, 13),
    "vgg16": partial(vgg, 16),
    "vgg16_c": partial(vgg, "C"),
    "vgg19": partial(vgg, 19),
    "vgg11_bn": partial(vgg, 11, batch_norm=True),
    "vgg13_bn": partial(vgg, 13, batch_norm=True),
    "vgg16_bn": partial(vgg, 16, batch_norm=True),
    "vgg16_c_bn": partial(vgg, "C", batch_norm=True),
    "vgg19_bn": partial(vgg, 19, batch_norm=True),
    "plain18": partial(plain, 18),
    "plain34": partial(plain, 34),
    "resnet18": partial(resnet, 18),
    "resnet34": partial(resnet, 34),
    "resnet50": partial(resnet, 50),
    "resnet50_paper": partial(resnet, 50, stride_in="1x1"),
    "resnet101": partial(resnet, 101),
    "resnet152": partial(resnet, 152),
    **{f"cifar_plain{depth}": partial(cifar_plain, depth) for depth in (20, 32, 44, 56, 110)},
    **{f"cifar_resnet{depth}": partial(cifar_resnet, depth) for depth in (20, 32, 44, 56, 110, 1202)},
    "nin_cifar10": nin_cifar,
    "googlenet": googlenet,
    "googlenet_torchvision": partial(googlenet, "torchvision"),
    "mobilenet_v1": mobilenet_v1,
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_small": partial(mobilenet_v3, "small"),
    "mobilenet_v3_large": partial(mobilenet_v3, "large"),
    **{f"efficientnet_{variant}": partial(efficientnet, variant) for variant in SCALES},
}
