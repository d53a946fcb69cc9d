"""The chain of layers that all networks are."""

import pytest

from casestudies_lib.lenet import lenet5
from casestudies_lib.network import name_weight_layers


def test_paper_names_must_fit():
    with pytest.raises(ValueError, match="zip"):
        name_weight_layers(lenet5(), ["C1"])
