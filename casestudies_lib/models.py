"""Every network of the book by name: one plain dict that drives tests, tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from casestudies_lib.alexnet import alexnet
from casestudies_lib.efficientnet import SCALES, efficientnet
from casestudies_lib.inception import googlenet
from casestudies_lib.lenet import lenet5
from casestudies_lib.mobilenet import mobilenet_v1, mobilenet_v2, mobilenet_v3
from casestudies_lib.network import Network
from casestudies_lib.nin import nin_cifar
from casestudies_lib.resnet import cifar_plain, cifar_resnet, plain, resnet
from casestudies_lib.vgg import vgg

MODELS: dict[str, Callable[[], Network]] = {
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
    "efficientnet_lite0": partial(efficientnet, "lite0"),
}


class Published(NamedTuple):
    """What a paper printed of one network.

    Attributes:
        family: the paper's networks, as this book calls them.
        year: of the paper's first version.
        images: what it was trained on and tested with.
        accuracy: share of test (ImageNet: validation) images whose most likely class is right, in percent.
        source: paper and table.
        views: what of an image one prediction averages, where the paper says so. Papers differ, so accuracies of
            different families are comparable to two or three points.
    """

    family: str
    year: int
    images: str
    accuracy: float
    source: str
    views: str = "not said"


# The ResNets of `MODELS` follow the public checkpoints: from 50 layers on they stride in the 3 x 3 where the paper's
# stride in a 1 x 1, and ResNet-18 has projections where Table 2's has none.
TEN, DENSE, ONE = "ten crops", "the whole image and its mirror image", "one crop"
PUBLISHED = {
    "alexnet_2012": Published("AlexNet", 2012, "ImageNet", 59.3, "Krizhevsky 2012, Table 2", TEN),
    "vgg11": Published("VGG", 2014, "ImageNet", 70.4, "Simonyan 2014, Table 3", DENSE),
    "vgg13": Published("VGG", 2014, "ImageNet", 71.3, "Simonyan 2014, Table 3", DENSE),
    "vgg16": Published("VGG", 2014, "ImageNet", 74.4, "Simonyan 2014, Table 3", DENSE),
    "vgg19": Published("VGG", 2014, "ImageNet", 74.5, "Simonyan 2014, Table 3", DENSE),
    "googlenet": Published("GoogLeNet", 2014, "ImageNet", 69.8, "Howard 2017, Table 8"),
    "plain18": Published("plain", 2015, "ImageNet", 72.06, "He 2015, Table 2", TEN),
    "plain34": Published("plain", 2015, "ImageNet", 71.46, "He 2015, Table 2", TEN),
    "resnet18": Published("ResNet", 2015, "ImageNet", 72.12, "He 2015, Table 2", TEN),
    "resnet34": Published("ResNet", 2015, "ImageNet", 75.48, "He 2015, Table 3", TEN),
    "resnet50": Published("ResNet", 2015, "ImageNet", 77.15, "He 2015, Table 3", TEN),
    "resnet101": Published("ResNet", 2015, "ImageNet", 78.25, "He 2015, Table 3", TEN),
    "resnet152": Published("ResNet", 2015, "ImageNet", 78.57, "He 2015, Table 3", TEN),
    "mobilenet_v1": Published("MobileNet", 2017, "ImageNet", 70.6, "Howard 2017, Table 8"),
    "mobilenet_v2": Published("MobileNet", 2018, "ImageNet", 72.0, "Sandler 2018, Table 4"),
    "mobilenet_v3_small": Published("MobileNet", 2019, "ImageNet", 67.4, "Howard 2019, Table 3"),
    "mobilenet_v3_large": Published("MobileNet", 2019, "ImageNet", 75.2, "Howard 2019, Table 3"),
    **{
        f"efficientnet_b{phi}": Published("EfficientNet", 2019, "ImageNet", accuracy, "Tan 2019, Table 2", ONE)
        for phi, accuracy in enumerate((77.1, 79.1, 80.1, 81.6, 82.9, 83.6, 84.0, 84.3))
    },
    "lenet5_1998": Published("LeNet", 1998, "MNIST", 99.05, "LeCun 1998, sec. III"),
    "nin_cifar10": Published("NIN", 2013, "CIFAR-10", 89.59, "Lin 2013, Table 1"),
    "cifar_resnet20": Published("ResNet", 2015, "CIFAR-10", 91.25, "He 2015, Table 6"),
    "cifar_resnet110": Published("ResNet", 2015, "CIFAR-10", 93.57, "He 2015, Table 6"),
}


class OneCrop(NamedTuple):
    """What torchvision says of its first public weights of a network, of all of them by one script.

    Attributes:
        accuracy: share of ImageNet's validation photographs whose most likely class is right, in percent.
        side: of the crop that is cut from the middle of each, in pixels.
    """

    accuracy: float
    side: int


# `IMAGENET1K_V1` of torchvision 0.28, whose networks are those of this book. Most of these weights were trained anew,
# by other recipes than the papers'.
ONE_CROP = {
    "vgg11": OneCrop(69.020, 224),
    "vgg13": OneCrop(69.928, 224),
    "vgg16": OneCrop(71.592, 224),
    "vgg19": OneCrop(72.376, 224),
    "resnet18": OneCrop(69.758, 224),
    "resnet34": OneCrop(73.314, 224),
    "resnet50": OneCrop(76.130, 224),
    "resnet101": OneCrop(77.374, 224),
    "resnet152": OneCrop(78.312, 224),
    "mobilenet_v2": OneCrop(71.878, 224),
    "mobilenet_v3_small": OneCrop(67.668, 224),
    "mobilenet_v3_large": OneCrop(74.042, 224),
    "efficientnet_b0": OneCrop(77.692, 224),
    "efficientnet_b1": OneCrop(78.642, 240),
    "efficientnet_b2": OneCrop(80.608, 288),
    "efficientnet_b3": OneCrop(82.008, 300),
    "efficientnet_b4": OneCrop(83.384, 380),
    "efficientnet_b5": OneCrop(83.444, 456),
    "efficientnet_b6": OneCrop(84.008, 528),
    "efficientnet_b7": OneCrop(84.122, 600),
}


class Winner(NamedTuple):
    """Who won the classification task of ILSVRC, the ImageNet competition, in one year.

    Attributes:
        name: of the network or the method.
        error: top-5 error on the hidden test images, in percent.
        source: paper and place.
    """

    name: str
    error: float
    source: str


WINNERS = {
    2010: Winner("SIFT, SVM", 28.2, "Russakovsky 2015, sec. 5.1"),
    2011: Winner("Fisher vec.", 25.8, "Russakovsky 2015, sec. 5.1"),
    2012: Winner("AlexNet", 15.3, "Krizhevsky 2012, abstract"),
    2013: Winner("Clarifai", 11.7, "Russakovsky 2015, sec. 5.1"),
    2014: Winner("GoogLeNet", 6.7, "Szegedy 2014, sec. 7"),
    2015: Winner("ResNet", 3.6, "He 2015, Table 5"),
    2016: Winner("ensemble", 3.0, "Hu 2018, sec. 1"),
    2017: Winner("SENet", 2.3, "Hu 2018, sec. 1"),
}
PERSON = Winner("a person", 5.1, "Russakovsky 2015, sec. 6.4")
