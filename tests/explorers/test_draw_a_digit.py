"""Draw a digit, as markup and in Python; tests/browser draws."""

import json

import pytest
import torch
from bs4 import BeautifulSoup

from casestudies_lib.experiments import digit
from casestudies_lib.explorers import draw_a_digit
from casestudies_lib.explorers.digit import centred, digits, percent, trained
from casestudies_lib.lenet import lenet5
from casestudies_lib.training.datasets import mnist


def test_mnists_digits_are_centred_as_they_stand():
    """What its makers did, done again, changes none of its test images: the box, the scale and the place are theirs."""
    images = mnist()[1].images[:, 0, 2:-2, 2:-2].double()
    scans = (images - images.min()) / (images.max() - images.min())
    for scan in scans:
        assert torch.allclose(centred(scan), scan, atol=1e-6)


def test_a_drawing_is_scaled_to_twenty_pixels_and_put_in_the_middle():
    drawing = torch.zeros(280, 280)
    drawing[10:110, 30:40] = 1  # a bar of 100 x 10 pixels: 20 x 2
    wanted = torch.zeros(28, 28)
    wanted[5:25, 14:16] = 1  # its centre of mass is between pixels, and a tie goes up
    assert torch.allclose(centred(drawing), wanted, atol=1e-6)
    drawing[10:110, 30:35] = 0.5
    wanted[5:25, 13:16] = torch.tensor([0.5, 1, 0])
    assert torch.allclose(centred(drawing), wanted, atol=1e-6)
    dot = torch.zeros(50, 80)
    dot[49, 0] = 0.25
    assert centred(dot).sum() == 0.25 * 400 and centred(dot).dtype == torch.float32


@pytest.mark.parametrize(
    ("drawing", "message"),
    [
        (torch.zeros(28, 28), "a drawing with ink on it, got an empty one"),
        (torch.ones(1, 28, 28), r"a drawing \(H, W\) of floats in \[0, 1\], got \(1, 28, 28\)"),
        (torch.full((28, 28), 255.0), "floats in"),
        (torch.ones(28, 28, dtype=torch.uint8), "got .* of torch.uint8: scale its values"),
    ],
)
def test_what_is_no_drawing_is_refused(drawing, message):
    with pytest.raises(ValueError, match=message):
        centred(drawing)


def test_what_it_says_at_first_stands_far_from_any_other_digit_of_a_percentage():
    """So the stored output is the same on every processor."""
    record = digit.recorded()
    page = BeautifulSoup(draw_a_digit(record).data, "html.parser")
    test = mnist()[1]
    with torch.no_grad():
        shares = trained(record, "modern")(test.images[:1])[0].softmax(0).tolist()
    assert [row.find_all("span")[1].text for row in page.find_all(class_="share")] == [percent(one) for one in shares]
    assert all(percent(share - 1e-4) == percent(share) == percent(share + 1e-4) for share in shares)
    assert page.output.text.startswith(f"This test digit is a {test.labels[0]}. Reads a {test.labels[0]} (")
    first, second = sorted(shares)[-2:]
    third = sorted(shares)[-3]
    assert first < second and first > 1.1 * third


def test_it_says_how_often_it_is_wrong_and_names_all_sizes():
    record = digit.recorded()
    output = draw_a_digit(record)
    page = BeautifulSoup(output.data, "html.parser")
    given = json.loads(page.find(class_="explorer")["data-given"])
    for variant, made in record["networks"].items():
        wrong = made["wrong"]["in eight bits"]
        assert given["means"][variant].endswith(
            f"This network gets {wrong} of 1,000 test digits wrong. In its maps grey is 0."
        )
    sizes = [caption.span.text for caption in page.find_all("figcaption")]
    assert sizes == ["32×32×1", "28×28×6", "14×14×6", "10×10×16", "5×5×16", "1×1×120", "84", "bitmap"]
    assert len(output.data) < 300_000 and "Drawing needs a script" in page.find(class_="without").text
    assert not [name for one in page.find_all() for name in one.attrs if name.startswith("on")]
    assert page.canvas["tabindex"] == "0" and "Arrow keys move the pen" in page.canvas["aria-label"]
    assert output.data == draw_a_digit(record).data


def test_offered_digits_are_the_first_test_images():
    record, test = digit.recorded(), mnist()[1]
    low, high = record["pixels"]
    assert record["digits"]["labels"] == test.labels[:20].tolist() == [*range(10)] * 2
    scans = low + (high - low) * digits(record) / 255
    assert torch.allclose(scans, test.images[:20, 0, 2:-2, 2:-2], atol=1e-5)


def test_a_record_of_another_kind_is_refused():
    record = digit.recorded()
    networks = record["networks"]
    with pytest.raises(ValueError, match=r"got '1999'"):
        trained(record, "1999")
    with pytest.raises(ValueError, match="got '1998'"):
        draw_a_digit(record | {"networks": {"modern": networks["modern"]}})
    with pytest.raises(ValueError, match=r"expected weights of C1.weight"):
        draw_a_digit(record | {"networks": {"modern": networks["1998"], "1998": networks["modern"]}})
    assert lenet5("1998").title == trained(record, "1998").title and not trained(record, "1998").training
