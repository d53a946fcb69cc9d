from itertools import product

import pytest
import torch

from casestudies_lib.training.augmentation import shifted


def by_hand(images, down, right, *, fill, mirrored):
    """Images `(N, C, H, W)` shifted pixel by pixel; the row or column at the edge goes on where `fill` is None."""
    if mirrored:
        images = images.flip(3)
    height, width = images.shape[2:]
    result = torch.empty_like(images)
    for row in range(height):
        for column in range(width):
            y, x = row - down, column - right
            inside = 0 <= y < height and 0 <= x < width
            y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
            result[..., row, column] = images[..., y, x] if inside or fill is None else fill
    return result


@pytest.mark.parametrize("fill", [None, 0.0, -0.4])
@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("reach", [0, 1, 3])
def test_every_shift_is_one_that_brute_force_finds(reach, mirror, fill):
    images = torch.rand(60, 2, 5, 7, generator=torch.Generator().manual_seed(1)) + 1
    before = images.clone()
    result = shifted(images, reach, fill=fill, mirror=mirror, generator=torch.Generator().manual_seed(2))
    assert torch.equal(images, before) and result.shape == images.shape and result.dtype == images.dtype
    steps = range(-reach - 1, reach + 2)  # one further than allowed
    candidates = list(product((False, True), steps, steps))
    made = torch.stack([by_hand(images, down, right, fill=fill, mirrored=m) for m, down, right in candidates])
    fitting = (made == result).flatten(2).all(2)  # which candidates are which images
    assert (fitting.sum(0) == 1).all()
    found = [candidates[place] for place in fitting.int().argmax(0)]
    for axis in (1, 2):
        assert {shift[axis] for shift in found} == set(range(-reach, reach + 1))
    assert {shift[0] for shift in found} == ({False, True} if mirror else {False})
    assert reach == 0 or any(down != right for _, down, right in found), "both axes got the same shift"


def test_random_numbers_come_from_the_generator_or_from_torch():
    images = torch.rand(50, 1, 8, 8)
    torch.manual_seed(5)
    first = shifted(images)
    torch.manual_seed(5)
    assert torch.equal(first, shifted(images)) and not torch.equal(first, shifted(images))
    state = torch.get_rng_state()
    assert torch.equal(first, shifted(images, generator=torch.Generator().manual_seed(5)))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("reach", [-1, 1.0, True])
def test_a_reach_that_is_none_is_refused(reach):
    with pytest.raises(ValueError, match="expected reach to be a whole number from 0 to 999, got"):
        shifted(torch.zeros(1, 1, 4, 4), reach)
