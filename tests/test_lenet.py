import pytest
import torch
import torch.nn.functional as F

from casestudies_lib.lenet import BITMAPS, C3_TABLE, RBFOutput, ScaledTanh, SparseConv2d, Subsampling, lenet5


def test_table_1_of_the_paper():
    # columns of Table I as the paper prints them, one string a map of S2
    rows = [
        "X...XXX..XXXX.XX",
        "XX...XXX..XXXX.X",
        "XXX...XXX..X.XXX",
        ".XXX..XXXX..X.XX",
        "..XXX..XXXX.XX.X",
        "...XXX..XXXX.XXX",
    ]
    printed = tuple(tuple(s2 for s2 in range(6) if rows[s2][c3] == "X") for c3 in range(16))
    assert printed == C3_TABLE


def test_sparse_convolution_is_a_dense_one_with_holes():
    sparse = SparseConv2d(C3_TABLE, 5).double()
    weight, bias = torch.zeros(16, 6, 5, 5, dtype=torch.float64), torch.zeros(16, dtype=torch.float64)
    for out, (conv, reads) in enumerate(zip(sparse.maps, C3_TABLE, strict=True)):
        weight[out, list(reads)] = conv.weight.detach()[0]
        bias[out] = conv.bias.detach()
    x = torch.randn(2, 6, 14, 14, dtype=torch.float64)
    assert torch.allclose(sparse(x), F.conv2d(x, weight, bias), atol=1e-12)


def test_subsampling_follows_the_paper():
    pool = Subsampling(6)
    with torch.no_grad():
        pool.coefficient.copy_(torch.arange(6.0) / 10)
        pool.bias.copy_(torch.arange(6.0))
    x = torch.randn(2, 6, 4, 4)
    total = x[:, :, 0::2, 0::2] + x[:, :, 1::2, 0::2] + x[:, :, 0::2, 1::2] + x[:, :, 1::2, 1::2]
    wanted = 1.7159 * torch.tanh(2 / 3 * (total * pool.coefficient.view(6, 1, 1) + pool.bias.view(6, 1, 1)))
    assert torch.allclose(pool(x), wanted, atol=1e-6)


def test_scaled_tanh_passes_through_one():
    values = ScaledTanh()(torch.tensor([-1.0, 0.0, 1.0, 100.0]))
    assert torch.allclose(values, torch.tensor([-1.0, 0.0, 1.0, 1.7159]), atol=1e-4)


def test_rbf_is_minus_the_squared_distance_to_distinct_bitmaps():
    rbf = RBFOutput()
    assert rbf.codes.shape == (10, 84) and len(rbf.codes.unique(dim=0)) == 10
    assert not list(rbf.parameters()) and "codes" in rbf.state_dict()
    x = torch.randn(3, 84)
    assert torch.allclose(rbf(x), -torch.cdist(x, rbf.codes).square(), rtol=1e-4)
    assert torch.equal(rbf(rbf.codes).argmax(1), torch.arange(10))
    assert rbf(rbf.codes).diagonal().abs().max() == 0
    assert set(BITMAPS) == set("#. \n")


@pytest.mark.parametrize("variant", ["modern", "1998"])
def test_c5_is_a_convolution(variant):
    network = lenet5(variant)
    front = network[: list(dict(network.named_children())).index("C5") + 1]
    assert front(torch.zeros(1, 1, 40, 40)).shape == (1, 120, 3, 3)


@pytest.mark.parametrize("arguments", [("1999", {}), ("modern", {"classes": 0}), ("modern", {"classes": -3}),
                                       ("modern", {"classes": True}), ("modern", {"classes": 2.0}),
                                       ("modern", {"in_channels": 0})])  # fmt: skip
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        lenet5(arguments[0], **arguments[1])
    with pytest.raises(ValueError, match=r"in_channels.*1 for grey or 3 for RGB"):
        lenet5(in_channels=0)


def test_1998_has_bitmaps_for_ten_digits_only():
    with pytest.raises(ValueError, match=r'ten grey digits.*classes=26.*lenet5\("modern"'):
        lenet5("1998", classes=26)
