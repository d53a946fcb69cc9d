"""Photographs become what torchvision's own transforms make of them."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from casestudies_lib.pretrained.checkpoints import CHECKPOINTS
from casestudies_lib.pretrained.transform import Transform


def noise(height, width):
    """An image that shows every wrong pixel: `(H, W, 3)` bytes."""
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)


def preset(torchvision, transform):
    return torchvision.transforms._presets.ImageClassification(
        crop_size=transform.crop,
        resize_size=transform.resize,
        interpolation=torchvision.transforms.InterpolationMode(transform.interpolation),
        mean=transform.mean,
        std=transform.std,
    )


@pytest.mark.parametrize("transform", sorted({c.transform for c in CHECKPOINTS.values()}), ids=lambda t: f"{t[:3]}")
@pytest.mark.parametrize("size", [(300, 451), (256, 259), (777, 512), (100, 100), (256, 257), (1, 3)])
def test_a_transform_equals_torchvisions(torchvision, transform, size):
    theirs = preset(torchvision, transform)
    picture = Image.fromarray(noise(*size))
    wanted, got = theirs(picture)[None], transform(picture)
    assert got.shape == (1, 3, transform.crop, transform.crop) and got.dtype == torch.float32
    assert (got - wanted).abs().max() <= 1e-6
    pixels = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    wanted = theirs(pixels)
    assert (transform(pixels) - wanted).abs().max() <= 1e-5
    assert torch.equal(transform(pixels[0]), transform(pixels)) and torch.equal(
        transform(pixels.double()), transform(pixels)
    )


def test_a_tensor_and_its_picture_differ_by_rounding():
    bytes_ = noise(300, 400)
    pixels = torch.from_numpy(bytes_).permute(2, 0, 1) / 255
    plain = Transform(mean=(0, 0, 0), std=(1, 1, 1))
    assert (plain(pixels) - plain(Image.fromarray(bytes_))).abs().max() < 1.1 / 255


def test_files_and_pictures_of_every_kind(tmp_path):
    transform, picture = Transform(), Image.fromarray(noise(260, 300))
    picture.save(tmp_path / "photo.png")
    wanted = transform(picture)
    assert torch.equal(transform(tmp_path / "photo.png"), wanted)
    assert torch.equal(transform(str(tmp_path / "photo.png")), wanted)
    assert torch.equal(transform(picture.convert("RGBA")), wanted)
    grey = transform(picture.convert("L"))
    plain = transform(picture.convert("L").convert("RGB"))
    assert torch.equal(grey, plain)


def test_a_file_is_turned_as_its_camera_says(tmp_path):
    picture = Image.fromarray(noise(260, 300))
    orientation = Image.Exif()
    orientation[0x0112] = 6  # stored lying on its left side
    picture.save(tmp_path / "photo.png", exif=orientation)
    upright = picture.transpose(Image.Transpose.ROTATE_270)
    assert torch.equal(Transform()(tmp_path / "photo.png"), Transform()(upright))


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "words").write_text("no image")
    transform = Transform()
    whole = io.BytesIO()
    Image.fromarray(noise(100, 100)).save(whole, "png")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[:15_000])
    rows = [
        (torch.rand(2, 3, 8, 8), r"got \(2, 3, 8, 8\): pass one image at a time"),
        (torch.rand(1, 1, 8, 8), r"got \(1, 1, 8, 8\): open files"),
        (torch.rand(8, 8, 3), r"got \(8, 8, 3\): open files"),
        (torch.rand(3, 0, 8), r"got \(3, 0, 8\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), "got torch.uint8: divide by 255"),
        (torch.rand(3, 8, 8) * 255 + 2, "before it is standardised, and divide bytes by 255"),
        (torch.full((3, 8, 8), -0.1), "got -0.1 to -0.1"),
        (torch.full((3, 8, 8), torch.nan), "got nan to nan"),
        (noise(8, 8), r"got a ndarray: make .* with PIL.Image.fromarray\(array\)"),
        (None, "got a NoneType"),
        (tmp_path / "words", "words to be an image, got another file: choose a PNG or a JPEG"),
    ]
    for image, message in rows:
        with pytest.raises(ValueError, match=message):
            transform(image)
    for path in (tmp_path / "half.png", tmp_path / "absent.png", tmp_path):
        with pytest.raises(OSError):
            transform(path)


@pytest.mark.parametrize("transform", [Transform(), CHECKPOINTS["efficientnet_lite0"].transform])
def test_the_code_for_bytes_does_what_the_transform_does(transform):
    x = torch.randint(256, (1, 3, 256, 256), dtype=torch.uint8)
    centre = x[..., 16:240, 16:240]
    made = eval(transform.from_bytes(), {"x": centre, "torch": torch})
    assert torch.allclose(made, transform(x / 255), atol=1e-4)
