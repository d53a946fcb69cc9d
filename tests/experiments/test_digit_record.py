"""The trained LeNet-5 of the page: what the record says is what the library finds, and how a record is made."""

import json

import pytest
import torch

from casestudies_lib.experiments import digit
from casestudies_lib.explorers.digit import trained
from casestudies_lib.training.datasets import mnist
from casestudies_lib.training.loop import error


@pytest.mark.parametrize("variant", digit.VARIANTS)
def test_the_recorded_weights_get_as_many_digits_wrong_as_it_says(variant):
    record, test = digit.recorded(), mnist()[1]
    wrong = record["networks"][variant]["wrong"]
    assert record["tested_on"] == len(test.labels)
    assert round(error(trained(record, variant), test) * len(test.labels)) == wrong["in eight bits"]
    assert abs(wrong["in eight bits"] - wrong["as learned"]) <= 3 and wrong["in eight bits"] <= 40


def test_the_record_says_how_it_was_made_and_is_light():
    record = digit.recorded()
    assert {"command", "date", "torch", "processor", "threads", "seed"} == set(record["made_by"])
    assert record["made_by"]["command"] == "python -m casestudies_lib.experiments.digit"
    for made in record["networks"].values():
        assert len(json.dumps(made["weights"])) < 100_000


def test_one_command_writes_a_record(tmp_path, capsys):
    out = tmp_path / "digit.json"
    digit.main(["--digits", "100", "--epochs", "1", "--out", str(out)])
    record = json.loads(out.read_text())
    shipped = digit.recorded()
    assert set(record) == set(shipped) and record["digits"] == shipped["digits"]
    assert record["pixels"] == pytest.approx(shipped["pixels"])
    for variant in digit.VARIANTS:
        wrong = record["networks"][variant]["wrong"]
        assert round(error(trained(record, variant), mnist()[1]) * 1000) == wrong["in eight bits"] > 100
    for arguments, message in (
        (["--digits", "0"], "digits to be a whole number"),
        (["--digits", "9", "--epochs", "0"], "epochs to be a whole number"),
        (["--out", str(tmp_path / "nowhere" / "digit.json")], "make the folder first"),
    ):
        with pytest.raises(SystemExit):
            digit.main(["--out", str(tmp_path / "none.json"), *arguments])
        assert message in capsys.readouterr().err
    assert not (tmp_path / "none.json").exists()


def test_distorted_digits_stay_in_their_place():
    train = mnist()[0]
    images = train.images[:200]

    def distorted(seed):
        return digit.distorted(images, generator=torch.Generator().manual_seed(seed))

    made = distorted(3)
    assert made.shape == images.shape and torch.equal(made, distorted(3)) and not torch.equal(made, distorted(4))
    low, high = images.min(), images.max()
    assert made.min() == low and made.max() <= high + 1e-5
    assert (made != images).flatten(1).any(1).all()

    def middle(ink):
        ink = ink - low
        return torch.stack([(ink.sum(axis) * torch.arange(32)).sum(-1) / ink.sum((1, 2)) for axis in (2, 1)])

    moved = (middle(made[:, 0]) - middle(images[:, 0])).abs()
    assert 1.5 < moved.max() < 3, "up to two pixels, and what shear adds"
    more = (made - low).sum((1, 2, 3)) / (images - low).sum((1, 2, 3))
    assert 0.6 < more.min() < 0.95 and 1.3 < more.max() < 3, "thinner when smaller, thicker when told so"


def test_unasked_the_command_does_what_was_recorded(tmp_path, monkeypatch):
    asked = {}

    def learned(variant, data, *, seed, epochs):
        asked[variant] = (len(data[0].labels), len(data[1].labels), seed, epochs)
        return variant

    monkeypatch.setattr(digit, "learned", learned)
    digit.main(["--out", str(tmp_path / "digit.json")])
    assert asked == dict.fromkeys(digit.VARIANTS, (4000, 1000, digit.recorded()["made_by"]["seed"], 90))
    assert list(json.loads((tmp_path / "digit.json").read_text())["networks"]) == list(digit.VARIANTS)
