import pytest
import torch

from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.vgg import vgg

# Table 1 of the paper, row by row: the convolutions of each column
TABLE_1 = {
    "A": "64 M 128 M 256 256 M 512 512 M 512 512 M",
    "B": "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M",
    "C": "64 64 M 128 128 M 256 256 256/1 M 512 512 512/1 M 512 512 512/1 M",
    "D": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "E": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


@pytest.mark.parametrize("column", TABLE_1)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_columns_of_table_1(column, batch_norm):
    network = anatomy(lambda: vgg(column, batch_norm=batch_norm))
    written = []
    for layer in network.rows[:-3]:
        if layer.op.family == "pool":
            written.append("M")
        else:
            written.append(f"{layer.shape[0]}" + ("/1" if layer.op.kernel_size == 1 else ""))
    assert " ".join(written) == TABLE_1[column]
    norms = [layer for layer in network.layers if layer.op.name == "BatchNorm2d"]
    assert len(norms) == (sum(layer.op.family == "conv" for layer in network.rows) if batch_norm else 0)


@pytest.mark.parametrize(("number", "column"), [(11, "A"), (13, "B"), (16, "D"), (19, "E")])
def test_numbers_are_columns(number, column):
    assert str(anatomy(lambda: vgg(number))) == str(anatomy(lambda: vgg(column)))
    assert len(anatomy(lambda: vgg(number)).weight_layers) == number


def test_bigger_images_are_pooled_and_smaller_ones_refused():
    network = vgg("A", classes=3).eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 256, 288)).shape == (1, 3)
    with pytest.raises(
        ValueError, match=r"at least 224 x 224 pixels, got 32 x 32 \(five poolings leave 1 x 1 of the 7 x 7"
    ):
        network(torch.zeros(1, 3, 32, 32))


def test_fully_connected_layers_start_from_the_papers_deviation():
    """Simonyan 2014, sec. 3.1: from a normal distribution with variance 0.0001, biases at zero."""
    torch.manual_seed(0)
    connected = [module for module in vgg("A", classes=200).modules() if isinstance(module, torch.nn.Linear)]
    assert [round(layer.weight.std().item(), 4) for layer in connected] == [0.01] * 3
    assert not any(layer.bias.any() for layer in connected)


@pytest.mark.parametrize("arguments", [(17, {}), ("16", {}), ("F", {}), (16, {"classes": 0}), (True, {})])
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        vgg(arguments[0], **arguments[1])


def test_a_near_miss_is_named():
    with pytest.raises(ValueError, match="did you mean 16"):
        vgg("16")
