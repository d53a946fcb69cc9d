"""The reader's own photograph: EfficientNet-Lite0 in the reader's browser, and what it says of seven photographs."""

from __future__ import annotations

import base64
import io
import json

import torch
from IPython.display import HTML
from markupsafe import Markup
from PIL import Image

from casestudies_lib.explorers.explorer import explorer
from casestudies_lib.explorers.quantised import quantised, site_file
from casestudies_lib.figures.photo import credit_line, framed, jpeg
from casestudies_lib.page.html import bar, tag
from casestudies_lib.page.palette import COLOURS
from casestudies_lib.pretrained import Guess, Pretrained, class_names, pretrained
from casestudies_lib.training.photographs import photograph

NETWORK = "efficientnet_lite0"
# What the photographs show, for those who do not see them.
SAMPLES = {
    "cat": "the face of a cat",
    "coffee": "a cup of coffee with a spoon",
    "motorcycle": "a motorcycle in a workshop",
    "rocket": "a rocket on its launch pad",
    "astronaut": "an astronaut in an orange suit",
    "flower": "a dahlia",
    "china": "a Chinese palace among trees",
}
GUESSES = 5
# Of the samples and a hundred crops: first guesses that eight bits a weight leave as they are, and percentage points
# between the shares of the five first, on average. tests/explorers/test_quantised.py measures both again.
AGREEMENT = {"pictures": 107, "same": 105, "apart": 0.8}
PLACE = 'data-network=""'  # where the address of the network's file belongs, which only a page of the site knows


def your_photograph() -> HTML:
    """Seven photographs and the network's guesses; on the site also the network, for a photograph of the reader's.

    The guesses are made here, by the network as browsers get it, from the very pictures that are shown. The builder of
    the site, `tools/companion.py`, writes the network's file and puts its address into the box.
    """
    network = pretrained(NETWORK)
    transform = network.checkpoint.transform
    pictures = {name: seen_by(network, name) for name in SAMPLES}
    shares = shares_of(network, list(pictures.values()))
    cards = [_card(name, what, pictures[name], share) for (name, what), share in zip(SAMPLES.items(), shares)]
    off = "On the site of this book, the network also runs in your browser, on a photograph of your own."
    about = (
        f"In the browser the network has 8 bits for almost every weight, instead of 32. On {AGREEMENT['pictures']} "
        f"pictures, these {len(SAMPLES)} photographs and crops of them, its first guess is that of the full network "
        f"{AGREEMENT['same']} times, and the shares of the first five differ by {AGREEMENT['apart']} percentage points "
        "on average. Browsers also scale pictures in ways of their own, which moves these shares by 1 to 2 points on "
        "average, and single ones by more than 10."
    )
    return explorer(
        "photograph",
        tag("ul", *cards, class_="samples"),
        tag("p", off, class_="off"),
        _own(transform.crop),
        tag("output", aria_live="polite"),
        tag("p", about, class_="under"),
        given={key: getattr(transform, key) for key in ("mean", "std", "resize", "crop")},
        width="46em",
        data_network="",
    )


def seen_by(network: Pretrained, name: str) -> str:
    """What a network sees of a photograph, before its values are standardised, as a JPEG in a data URL."""
    plain = network.checkpoint.transform._replace(mean=(0.0,) * 3, std=(1.0,) * 3)
    # Bicubic resizing overshoots. A smaller JPEG is seen as something else: at quality 80, three of the seven are.
    return jpeg(plain(photograph(name, None))[0].clamp(0, 1), 93, "4:4:4")


def shares_of(network: Pretrained, pictures: list[str]) -> torch.Tensor:
    """The probabilities `(N, classes)` that a network with the weights of the browser gives to such pictures."""
    standardised = network.checkpoint.transform._replace(resize=network.checkpoint.transform.crop)
    files = [io.BytesIO(base64.b64decode(picture.partition(",")[2])) for picture in pictures]
    with torch.inference_mode():
        return quantised(network)(torch.cat([standardised(Image.open(file)) for file in files])).softmax(1)


def network_file() -> str:
    """The network's file, which the site holds beside its pages, with the photographs that it is shown with.

    It begins with whose weights they are.
    """
    network = pretrained(NETWORK)
    told = (
        f"{network.title}, weights by the TensorFlow Authors, licence {network.checkpoint.licence}, from the package "
        f"{network.checkpoint.package}. Changed: batch norm folded into the layers, 8 bits for most weights."
    )
    pictures = json.dumps([seen_by(network, name) for name in SAMPLES])
    return f"/* {told} */\n{site_file(network, class_names())}window.CaseStudies.network.pictures = {pictures};\n"


def _card(name: str, what: str, picture: str, share: torch.Tensor) -> Markup:
    """One photograph with the first guesses, and the button that the site shows."""
    first = share.topk(GUESSES)
    guesses = [Guess(class_names()[n], p) for p, n in zip(first.values.tolist(), first.indices.tolist())]
    size = 224
    return tag(
        "li",
        framed(f"A photograph of {what}.", size, tag("image", href=picture, width=size, height=size)),
        tag("button", "Run the network", type="button", class_="run", aria_label=f"Run the network: {name}", hidden=""),
        tag("ol", *(_guess(guess) for guess in guesses), class_="guesses"),
        credit_line(photograph(name)),
    )


def _guess(guess: Guess) -> Markup:
    words = tag("span", tag("span", guess.name, class_="name"), tag("span", guess.percent, class_="percent"))
    return tag("li", words, bar(round(guess.probability, 2), COLOURS["output"], 4))


def _own(side: int) -> Markup:
    """What the site shows: a button that loads the network, then places for a picture, what it says, and where."""
    takes = {"type": "file", "accept": "image/*"}
    choose = tag(
        "div",
        tag("label", "A picture of yours: ", tag("input", **takes, name="file")),
        tag("label", "From the camera: ", tag("input", **takes, capture="environment", name="camera"), class_="camera"),
        tag("p", "Or drop or paste one here, or run one from above. No picture leaves this page."),
        class_="choose",
        hidden="",
    )
    ways = [
        tag(
            "label",
            tag("span", tag("input", type="radio", name="guess", value=place), tag("span", class_="name")),
            tag("span", class_="percent"),
            bar(0, COLOURS["output"], 6),
        )
        for place in range(GUESSES)
    ]
    seen = tag("canvas", width=side, height=side, role="img", aria_label="")
    stage = tag(
        "div",
        tag("figure", seen, tag("figcaption")),
        tag("fieldset", tag("legend", "Its first five guesses. Where does it look for each?"), *ways),
        class_="stage",
        hidden="",
    )
    load = tag("button", "Load the network (about 5 MB) and run it here", type="button", class_="load")
    progress = tag("progress", aria_label="how far the network is", hidden="")
    return tag("div", load, choose, progress, stage, class_="own", hidden="")
