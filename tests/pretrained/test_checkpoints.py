"""The table of checkpoints against torchvision's metadata, and files from a server of our own: never the network."""

import hashlib
import io
import socket

import pytest
import torch
from torch import nn

from casestudies_lib.inception import googlenet
from casestudies_lib.models import MODELS
from casestudies_lib.pretrained import checkpoints, pretrained
from casestudies_lib.pretrained.checkpoints import CHECKPOINTS, fetched, load_checkpoint

OF_TORCHVISION = {name: name.removesuffix("_torchvision") for name in CHECKPOINTS if name != "efficientnet_lite0"}


def test_every_network_that_torchvision_has_too_has_a_checkpoint(torchvision):
    assert CHECKPOINTS.keys() <= MODELS.keys()
    theirs = {*torchvision.models.list_models(module=torchvision.models)}
    other = {"alexnet", "googlenet"}  # ours are the papers'; torchvision's are the variants `_torchvision`
    assert (theirs & MODELS.keys()) - other == OF_TORCHVISION.keys() - {f"{name}_torchvision" for name in other}


@pytest.mark.parametrize("name", OF_TORCHVISION)
def test_the_table_says_what_torchvisions_metadata_say(torchvision, name):
    checkpoint, first = CHECKPOINTS[name], torchvision.models.get_model_weights(OF_TORCHVISION[name]).IMAGENET1K_V1
    assert f"{checkpoints.TORCHVISION}/{checkpoint.file}" == first.url
    assert len(checkpoint.sha256) == 8 and checkpoint.file.endswith(f"-{checkpoint.sha256}.pth")
    mine, theirs = checkpoint.transform, first.transforms()
    assert [mine.resize] == theirs.resize_size and [mine.crop] == theirs.crop_size and theirs.antialias
    assert mine.interpolation == theirs.interpolation.value
    mean, std = theirs.mean, theirs.std
    if name == "googlenet_torchvision":  # what its network does to the standardised image
        mean, std = [0.5] * 3, [0.5] * 3
    assert list(mine.mean) == mean and list(mine.std) == std
    assert max(first.meta["min_size"]) <= mine.crop and first.meta["num_params"] >= sum(
        p.numel() for p in on_meta(name).parameters()
    )
    apache = any(author in first.url for author in ("rwightman", "lukemelas"))
    assert checkpoint.licence == ("Apache 2.0" if apache else "BSD 3-Clause")


def on_meta(name):
    with torch.device("meta"):
        return MODELS[name]()


def test_lite0_comes_from_its_package_and_is_verified():
    lite = CHECKPOINTS["efficientnet_lite0"]
    assert fetched(lite, "/nowhere").stat().st_size == 18_826_032 and len(lite.sha256) == 64
    with pytest.raises(ValueError, match=r"efficientnet-lite0-57934424.pth to have the checksum sha256:0{64}"):
        fetched(lite._replace(sha256="0" * 64))


def test_lite0_is_standardised_as_it_was_trained():
    """The first convolution varies as batch normalisation remembers; with ImageNet's constants, four times as much."""
    network, stem = pretrained("efficientnet_lite0"), []
    network.features[0][0].register_forward_hook(lambda module, inputs, output: stem.append(output))
    for name in ("china", "flower"):
        network(network.prepare(photograph_file(name)))
    remembered = network.features[0][1].running_var
    used = remembered > 1e-3  # some of its 32 channels hardly vary
    ratio = torch.cat(stem).var((0, 2, 3))[used] / remembered[used]
    assert used.sum() > 10 and 0.5 < ratio.median() < 2


def photograph_file(name):
    from sklearn.datasets import load_sample_image

    return torch.tensor(load_sample_image(f"{name}.jpg")).permute(2, 0, 1) / 255


@pytest.fixture
def published(torchvision, server, monkeypatch):
    """Random weights of a torchvision network on the server: `publish(name) -> (their network, file name)`."""
    monkeypatch.setattr(checkpoints, "TORCHVISION", f"{server.url}/models")

    def publish(name, **arguments):
        torch.manual_seed(1)
        theirs = torchvision.models.get_model(OF_TORCHVISION[name], weights=None, **arguments)
        for module in theirs.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -1, 1)
                nn.init.uniform_(module.running_var, 0.5, 2)
            elif isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        stream = io.BytesIO()
        torch.save(theirs.state_dict(), stream)
        digits = hashlib.sha256(stream.getvalue()).hexdigest()[:8]
        file = f"{OF_TORCHVISION[name]}-{digits}.pth"
        server.files[f"/models/{file}"] = stream.getvalue()
        monkeypatch.setitem(CHECKPOINTS, name, CHECKPOINTS[name]._replace(file=file, sha256=digits))
        return theirs.eval(), file

    return publish


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "googlenet_torchvision"])
def test_a_published_network_says_the_same_of_a_photograph(torchvision, published, server, tmp_path, name):
    wants = {"aux_logits": True, "transform_input": True, "init_weights": False}  # as with public weights
    theirs, file = published(name, **(wants if name == "googlenet_torchvision" else {}))
    network, photo = pretrained(name, folder=tmp_path / "new"), photograph_file("china")
    transforms = torchvision.models.get_model_weights(OF_TORCHVISION[name]).IMAGENET1K_V1.transforms()
    with torch.no_grad():
        wanted, got = theirs(transforms(photo)[None]), network(network.prepare(photo))
    assert (got - wanted).abs().max() <= 1e-5 * wanted.abs().max()
    assert wanted.std() > 1e-3 and not network.training and network.title == on_meta(name).title
    assert sorted(path.name for path in (tmp_path / "new").iterdir() if path.suffix != ".lock") == [file]
    pretrained(name, folder=str(tmp_path / "new"))
    assert server.asked == [(f"/models/{file}", None)], "downloaded twice"


def test_the_usual_folder(published, server, tmp_path, monkeypatch):
    monkeypatch.setenv("CASESTUDIES_DATA", str(tmp_path))
    _, file = published("mobilenet_v3_small")
    pretrained("mobilenet_v3_small")
    assert (tmp_path / file).is_file()


def test_a_download_that_breaks_off_goes_on(published, server, tmp_path):
    _, file = published("mobilenet_v3_small")
    server.manner = "hangs up"
    with pytest.raises(OSError, match="run this again to go on from there"):
        pretrained("mobilenet_v3_small", folder=tmp_path)
    assert not (tmp_path / file).exists() and (tmp_path / f"{file}.part").exists()
    server.manner = "as it should"
    assert len(list(pretrained("mobilenet_v3_small", folder=tmp_path).parameters())) > 0
    assert server.sent == len(server.files[f"/models/{file}"]), "bytes came twice"


def test_a_damaged_file_is_refused_before_it_is_read(published, server, tmp_path, monkeypatch):
    _, file = published("mobilenet_v3_small")
    whole = server.files[f"/models/{file}"]
    server.files[f"/models/{file}"] = whole[:-1] + bytes([whole[-1] ^ 1])
    with monkeypatch.context() as patch:
        patch.setattr(torch, "load", lambda *a, **k: pytest.fail("a damaged file was read"))
        with pytest.raises(ValueError, match=rf"{file} to have the checksum sha256:.*delete it and run this again"):
            pretrained("mobilenet_v3_small", folder=tmp_path)
    (tmp_path / file).unlink()  # as it said
    server.files[f"/models/{file}"] = whole
    pretrained("mobilenet_v3_small", folder=tmp_path)


def test_code_in_a_file_is_never_run(tmp_path, monkeypatch):
    marker = tmp_path / "ran"

    class Telltale:
        def __reduce__(self):
            return open, (str(marker), "w")

    stream = io.BytesIO()
    torch.save({"features.0.weight": Telltale()}, stream)
    digits = hashlib.sha256(stream.getvalue()).hexdigest()[:8]
    (tmp_path / "bad.pth").write_bytes(stream.getvalue())
    monkeypatch.setitem(CHECKPOINTS, "resnet18", CHECKPOINTS["resnet18"]._replace(file="bad.pth", sha256=digits))
    with pytest.raises(Exception, match=r"Weights only load failed"):
        pretrained("resnet18", folder=tmp_path)
    assert not marker.exists()


def test_offline_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        monkeypatch.setattr(checkpoints, "TORCHVISION", url)
        file = CHECKPOINTS["resnet18"].file
        with pytest.raises(
            OSError, match=f"{url}/{file} cannot be reached .*run this again .* or put the file at"
        ) as told:
            pretrained("resnet18", folder=tmp_path)
    assert str(tmp_path / file) in str(told.value)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []


def test_auxiliary_classifiers_load_where_the_network_has_them():
    torch.manual_seed(0)
    state = googlenet("torchvision", aux=True).state_dict()
    for aux in (False, True):
        with torch.device("meta"):
            network = googlenet("torchvision", aux=aux)
        load_checkpoint(network, state)
        assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())


def test_files_older_than_the_count_of_batches_load():
    state = {k: v for k, v in MODELS["vgg11_bn"]().state_dict().items() if not k.endswith("num_batches_tracked")}
    network = on_meta("vgg11_bn")
    load_checkpoint(network, state)
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in state.items())


def test_a_checkpoint_of_another_network_is_refused():
    state = MODELS["resnet18"]().state_dict()
    with pytest.raises(RuntimeError, match="Missing key"):
        load_checkpoint(on_meta("resnet34"), state)
    with pytest.raises(ValueError, match="zip"):
        load_checkpoint(on_meta("efficientnet_lite0"), state)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet17", "pretrained network's name to be one of 'alexnet_torchvision', .*got 'resnet17': did you mean"),
        ("googlenet", "got 'googlenet': did you mean googlenet_torchvision"),
        ("lenet5", "got 'lenet5'"),
        (50, "got 50"),
    ],
)
def test_an_unknown_name_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        pretrained(name)
