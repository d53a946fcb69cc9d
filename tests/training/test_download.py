"""Data files against a server of our own, which breaks off, starts again or sends something else: never the network."""

import gzip
import hashlib
import io
import pickle
import socket
import struct
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from tqdm import tqdm

from casestudies_lib.training import datasets
from casestudies_lib.training.download import download, unpacked, verified

CONTENT = np.random.default_rng(0).integers(0, 256, 300_001, dtype=np.uint8).tobytes()  # several blocks, odd length


@pytest.fixture
def server(server):
    """The server with one file."""
    server.files = {"/file": CONTENT}
    return server


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_download_arrives_whole(server, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(tqdm, "update", lambda bar, size: shown.append(size))
    target = tmp_path / "new" / "folder" / "file"
    assert download(f"{server.url}/file", target) == target
    assert target.read_bytes() == CONTENT and names(target.parent) == ["file"]
    assert server.asked == [("/file", None)] and sum(shown) == len(CONTENT)


def test_broken_download_goes_on_where_it_broke_off(server, tmp_path, monkeypatch):
    target, part = tmp_path / "file", tmp_path / "file.part"
    bars = []
    monkeypatch.setattr("casestudies_lib.training.download.tqdm", lambda **about: bars.append(about) or tqdm(**about))
    server.manner = "hangs up"
    with pytest.raises(OSError, match=r"hung up after 150,000 of 300,001 bytes: run this again") as told:
        download(f"{server.url}/file", target)
    assert f"{server.url}/file" in str(told.value)
    assert names(tmp_path) == ["file.part"] and part.read_bytes() == CONTENT[:150_000]
    with pytest.raises(OSError, match=r"hung up after 75,000 of 150,001 bytes: run this again"):
        download(f"{server.url}/file", target)
    assert names(tmp_path) == ["file.part"] and part.read_bytes() == CONTENT[:225_000]
    server.manner = "as it should"
    download(f"{server.url}/file", target)
    assert target.read_bytes() == CONTENT and names(tmp_path) == ["file"]
    assert [asked for _, asked in server.asked] == [None, "bytes=150000-", "bytes=225000-"]
    assert [(bar["initial"], bar["total"]) for bar in bars] == [(n, len(CONTENT)) for n in (0, 150_000, 225_000)]
    assert server.sent == len(CONTENT)  # nothing came twice


def test_connection_that_is_reset_keeps_what_came(server, tmp_path):
    server.manner = "resets"
    with pytest.raises(OSError):
        download(f"{server.url}/file", tmp_path / "file")
    have = (tmp_path / "file.part").stat().st_size  # what the system had buffered may be lost
    assert names(tmp_path) == ["file.part"]
    server.manner = "as it should"
    assert download(f"{server.url}/file", tmp_path / "file").read_bytes() == CONTENT
    assert server.asked[1][1] == (f"bytes={have}-" if have else None)


def test_server_without_ranges_starts_again(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:1000])
    server.manner = "ignores ranges"
    assert download(f"{server.url}/file", tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == [("/file", "bytes=1000-")] and server.sent == len(CONTENT)
    assert names(tmp_path) == ["file"]


def test_part_that_is_complete_is_accepted(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT)
    assert download(f"{server.url}/file", tmp_path / "file").read_bytes() == CONTENT
    assert server.asked == [("/file", f"bytes={len(CONTENT)}-")] and server.sent == 0
    assert names(tmp_path) == ["file"]


def test_part_that_is_longer_than_the_file_is_of_another_one(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT + b"more")
    with pytest.raises(OSError, match="another file than the one that was begun: run this again"):
        download(f"{server.url}/file", tmp_path / "file")
    assert names(tmp_path) == []
    assert download(f"{server.url}/file", tmp_path / "file").read_bytes() == CONTENT


def test_another_part_than_the_one_that_was_asked_for_is_not_appended(server, tmp_path):
    (tmp_path / "file.part").write_bytes(CONTENT[:9])
    server.manner = "sends another part"
    with pytest.raises(OSError, match="another part than that from byte 9 on: delete"):
        download(f"{server.url}/file", tmp_path / "file")
    assert (tmp_path / "file.part").read_bytes() == CONTENT[:9]


def test_a_server_that_counts_in_words_is_read_to_the_end(server, tmp_path):
    server.manner = "does not count"
    assert download(f"{server.url}/file", tmp_path / "file").read_bytes() == CONTENT


def test_several_at_once_download_once(server, tmp_path):
    target = tmp_path / "file"
    threads = [threading.Thread(target=download, args=(f"{server.url}/file", target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() == CONTENT and server.asked == [("/file", None)]


def test_refusal_of_the_server_is_an_os_error(server, tmp_path):
    (tmp_path / "absent.part").write_bytes(b"x")
    for name in ("absent", "other"):
        with pytest.raises(OSError, match="404"):
            download(f"{server.url}/{name}", tmp_path / name)
    assert names(tmp_path) == ["absent.part"]  # kept for a server that has it
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        with pytest.raises(OSError, match="refused"):
            download(f"http://127.0.0.1:{closed.getsockname()[1]}/file", tmp_path / "file")


def test_verified_refuses_one_flipped_bit(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    md5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    assert verified(path, sha256(CONTENT)) == path == verified(path, md5)
    damaged = bytearray(CONTENT)
    damaged[200_000] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ValueError, match="delete it and run this again") as told:
        verified(path, sha256(CONTENT))
    assert all(part in str(told.value) for part in (str(path), sha256(CONTENT), sha256(damaged)))
    with pytest.raises(ValueError, match=md5):
        verified(path, md5)
    assert path.read_bytes() == damaged


def test_the_beginning_of_a_digest_is_enough(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert verified(path, sha256(CONTENT)[:15]) == path
    with pytest.raises(ValueError, match="to have the checksum sha256:0123abcd, got sha256:"):
        verified(path, "sha256:0123abcd")


def test_unpacked_takes_a_good_archive_and_no_other(tmp_path):
    archive, target = tmp_path / "file.gz", tmp_path / "new" / "file"
    packed = gzip.compress(CONTENT)
    archive.write_bytes(packed)
    assert unpacked(archive, target, sha256(CONTENT)) == target and target.read_bytes() == CONTENT
    target.unlink()
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 1
    no_block = packed[:10] + b"\xff" + packed[11:]
    other = [gzip.compress(CONTENT[:-1]), gzip.compress(b""), b"", CONTENT]
    for content in (packed[:100_000], packed[:-1], packed[:5], bytes(flipped), no_block, *other):
        archive.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged archive .* delete it and run this again") as told:
            unpacked(archive, target, sha256(CONTENT))
        assert str(archive) in str(told.value) and sha256(CONTENT) in str(told.value)
        assert names(target.parent) == [] and archive.read_bytes() == content
    target.write_bytes(CONTENT)
    with pytest.raises(ValueError):
        unpacked(archive, target, sha256(CONTENT))
    assert target.read_bytes() == CONTENT  # what was there stays


def test_an_archive_that_holds_too_much_is_refused_before_it_fills_the_disk(tmp_path, monkeypatch):
    """All that is unpacked lies on the disk until it is verified, so its checksum alone comes too late."""
    archive, target = tmp_path / "file.gz", tmp_path / "new" / "file"
    archive.write_bytes(gzip.compress(bytes(3 << 20)))
    monkeypatch.setattr("casestudies_lib.training.download.LARGEST", 3 << 20)
    assert unpacked(archive, target, sha256(bytes(3 << 20))).stat().st_size == 3 << 20
    target.unlink()
    monkeypatch.setattr("casestudies_lib.training.download.LARGEST", (3 << 20) - 1)
    with pytest.raises(ValueError, match=r"more than 3,145,727 bytes.* delete it and run this again"):
        unpacked(archive, target, sha256(bytes(3 << 20)))
    assert names(target.parent) == []


@pytest.fixture
def clothes(server, monkeypatch, tmp_path):
    """Fashion-MNIST in small: 20 and 8 pictures on the server, none on the machine; `(name: array, name: content)`."""
    numbers = np.random.default_rng(1)
    arrays, contents = {}, {}
    for name in datasets.FASHION:
        n = 20 if name.startswith("train") else 8
        shape = (n, 28, 28) if "images" in name else (n,)
        arrays[name] = numbers.integers(0, 256 if "images" in name else 10, shape, dtype=np.uint8)
        header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
        contents[name] = header + arrays[name].tobytes()
    server.files = {f"/{name}.gz": gzip.compress(content) for name, content in contents.items()}
    monkeypatch.setattr(datasets, "FASHION", {name: sha256(content) for name, content in contents.items()})
    monkeypatch.setattr(datasets, "FASHION_URL", server.url)
    monkeypatch.setattr(datasets, "DEBIAN", tmp_path / "debian")
    return arrays, contents


def test_fashion_mnist_is_downloaded_once_and_right(server, clothes, tmp_path):
    arrays, contents = clothes
    home = tmp_path / "home"
    splits = datasets.fashion_mnist(folder=home)
    assert [path for path, _ in server.asked] == list(server.files)
    assert all((home / name).read_bytes() == content for name, content in contents.items())
    assert not list(home.glob("*.part"))
    raw = [arrays[name].astype(np.float64) for name in arrays if "images" in name]
    labels = [arrays[name] for name in arrays if "labels" in name]
    for split, n, pixels, label in zip(splits, (20, 8), raw, labels):
        assert split.images.shape == (n, 1, 28, 28) and split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64 and split.labels.tolist() == label.tolist()
        expected = (pixels - raw[0].mean()) / raw[0].std(ddof=1)  # the test pictures by the training pictures' scale
        assert np.allclose(split.images[:, 0].numpy(), expected, atol=1e-4)
    assert splits[0].images.mean().abs() < 1e-5 and abs(splits[0].images.std() - 1) < 1e-5
    asked = len(server.asked)
    again = datasets.fashion_mnist(folder=str(home))
    assert torch.equal(again[0].images, splits[0].images) and torch.equal(again[1].labels, splits[1].labels)
    small = datasets.fashion_mnist(14, folder=home)
    assert small[0].images.shape == (20, 1, 14, 14) and small[1].images.shape == (8, 1, 14, 14)
    shrunk = [
        [Image.fromarray(p.astype(np.float32)).resize((14, 14), Image.Resampling.BILINEAR) for p in r] for r in raw
    ]
    for split, pictures in zip(small, map(np.array, shrunk)):
        expected = (pictures - np.array(shrunk[0]).mean()) / np.array(shrunk[0]).std(ddof=1)
        assert np.allclose(split.images[:, 0].numpy(), expected, atol=1e-3), "not averaged as Pillow averages"
    assert len(server.asked) == asked
    with pytest.raises(ValueError, match="expected size"):
        datasets.fashion_mnist(0, folder=home)


def test_fashion_mnist_goes_on_after_a_broken_download(server, clothes, tmp_path):
    server.manner = "hangs up"
    with pytest.raises(OSError, match="run this again"):
        datasets.fashion_mnist(folder=tmp_path)
    server.manner = "as it should"
    assert len(datasets.fashion_mnist(folder=tmp_path)[0].images) == 20
    assert len(server.asked) == 5 and server.sent == sum(map(len, server.files.values()))


def test_fashion_mnist_refuses_damage(server, clothes, tmp_path):
    datasets.fashion_mnist(folder=tmp_path)
    path = tmp_path / "t10k-labels-idx1-ubyte"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ValueError, match="damaged") as told:
        datasets.fashion_mnist(folder=tmp_path)
    assert str(path) in str(told.value)
    path.unlink()  # as it said
    archive = tmp_path / f"{path.name}.gz"
    archive.write_bytes(gzip.compress(whole[:-1]))
    with pytest.raises(ValueError, match="delete it") as told:
        datasets.fashion_mnist(folder=tmp_path)
    assert str(archive) in str(told.value) and not path.exists()
    archive.unlink()
    assert len(datasets.fashion_mnist(folder=tmp_path)[1].labels) == 8


def test_fashion_mnist_from_debian_and_the_usual_folder(server, clothes, tmp_path, monkeypatch):
    datasets.DEBIAN.mkdir()
    for path, content in server.files.items():
        (datasets.DEBIAN / path[1:]).write_bytes(content)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    for folder, home in ((None, tmp_path / "me" / ".cache" / "casestudies"), (tmp_path / "set", tmp_path / "set")):
        if folder is None:
            monkeypatch.delenv("CASESTUDIES_DATA", raising=False)
        else:
            monkeypatch.setenv("CASESTUDIES_DATA", str(folder))
        training, testing = datasets.fashion_mnist()
        assert len(training.images) == 20 and len(testing.images) == 8
        assert names(home) == sorted(datasets.FASHION)  # unpacked there, and no archive copied
    assert server.asked == []
    assert names(datasets.DEBIAN) == sorted(path[1:] for path in server.files)


class Python2(pickle._Pickler):
    """Writes bytes as Python 2 wrote its strings, which is how CIFAR-10 is stored."""

    def save_string(self, value):
        self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)

    dispatch = pickle._Pickler.dispatch | {bytes: save_string}


@pytest.fixture
def colours(monkeypatch, tmp_path):
    """CIFAR-10 in small, six batches of 9 red, green and blue pictures, labels 0, 1, 2: `(raw pixels, labels)`."""
    numbers = np.random.default_rng(2)
    raw, labels, checksums = [], [], {}
    for name in datasets.CIFAR:
        of = numbers.permutation([0, 1, 2] * 3)
        pixels = numbers.integers(0, 100, (9, 3, 32, 32), dtype=np.uint8)
        pixels[np.arange(9), of] += 150
        stream = io.BytesIO()
        Python2(stream, protocol=2).dump({b"data": pixels.reshape(9, 3072), b"labels": of.tolist()})
        content = stream.getvalue()
        (tmp_path / name).write_bytes(content)
        checksums[name] = f"md5:{hashlib.md5(content).hexdigest()}"
        raw.append(pixels / 255)
        labels.append(of)
    monkeypatch.setattr(datasets, "CIFAR", checksums)
    return raw, labels


def test_cifar10_is_right(colours, tmp_path):
    raw, labels = colours
    pixels = np.concatenate(raw[:5])
    mean, std = pixels.mean((0, 2, 3), keepdims=True), pixels.std((0, 2, 3), ddof=1, keepdims=True)
    splits = datasets.cifar10(folder=tmp_path)
    for split, expected, label in zip(splits, (pixels, raw[5]), (np.concatenate(labels[:5]), labels[5])):
        assert split.images.shape == (len(label), 3, 32, 32) and split.images.dtype == torch.float32
        assert split.labels.dtype == torch.int64 and split.labels.tolist() == label.tolist()
        assert np.allclose(split.images.numpy(), (expected - mean) / std, atol=1e-4)
        assert split.images.mean((2, 3)).argmax(1).tolist() == label.tolist()  # a red picture is highest in red
    assert splits[0].images.mean((0, 2, 3)).abs().max() < 1e-5
    assert (splits[0].images.std((0, 2, 3)) - 1).abs().max() < 1e-5
    small = datasets.cifar10(16, folder=str(tmp_path))
    assert small[0].images.shape == (45, 3, 16, 16) and small[1].images.shape == (9, 3, 16, 16)
    with pytest.raises(ValueError, match="expected size"):
        datasets.cifar10(0, folder=tmp_path)


def test_cifar10_refuses_missing_and_damaged_files_without_loading_them(colours, tmp_path):
    batch, marker = tmp_path / "data_batch_3", tmp_path / "loaded"

    class Telltale:
        def __reduce__(self):
            return open, (str(marker), "w")

    whole, telltale = batch.read_bytes(), pickle.dumps(Telltale())
    pickle.loads(telltale).close()
    assert marker.exists()  # so it does tell
    marker.unlink()
    for content in (telltale, whole[:-1], whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:]):
        batch.write_bytes(content)
        with pytest.raises(ValueError, match="checksum md5:") as told:
            datasets.cifar10(folder=tmp_path)
        assert str(batch) in str(told.value) and batch.read_bytes() == content and not marker.exists()
    batch.unlink()
    with pytest.raises(ValueError, match=r"data_batch_3 in .*, got none: unpack cifar-10-python.tar.gz there"):
        datasets.cifar10(folder=tmp_path)
