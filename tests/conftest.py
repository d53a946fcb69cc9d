"""Shared fixtures: torchvision beside a CPU torch, a server of files, the notebooks, and the built book."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LONG = ("test_models.py", "test_parity.py", "test_book.py", "test_degradation.py", "test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """After the notebooks come the files that take longest, so that parallel processes end together."""
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path.name not in LONG))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Imported here, since the process that only shares out the tests needs no torch."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def torchvision():
    """torchvision beside torch's CPU build."""
    import torchvision_cpu

    return torchvision_cpu.torchvision()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers["Range"]))
        if self.path not in server.files:
            return self.send_error(404)
        body = server.files[self.path]
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if self.headers["Range"] else 0
        if server.manner == "ignores ranges":
            start = 0
        elif start >= len(body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            return self.end_headers()
        self.send_response(206 if start else 200)
        body = body[start:]
        self.send_header("Content-Length", "some" if server.manner == "does not count" else str(len(body)))
        if start:
            first = start + (server.manner == "sends another part")
            self.send_header("Content-Range", f"bytes {first}-{start + len(body) - 1}/{start + len(body)}")
        self.end_headers()
        if server.manner in ("hangs up", "resets"):
            body = body[: len(body) // 2]
        server.sent += len(body)
        self.wfile.write(body)
        if server.manner == "resets":  # closes with RST instead of FIN
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server with `files`, which records what was `asked` and how many bytes it `sent`, and has a `manner`."""
    monkeypatch.setenv("no_proxy", "*")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.files, server.asked, server.sent, server.manner = {}, [], 0, "as it should"
        server.url = f"http://127.0.0.1:{server.server_port}"
        server.handle_error = lambda *arguments: None  # a connection that we closed ourselves
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def build_book(tmp_path_factory):
    """Build the book from a copy of the tree, with warnings as errors: `build(change, **environment) -> html`."""

    def build(change: Callable[[Path], None] = lambda source: None, **environment: str) -> Path:
        home = tmp_path_factory.mktemp("book")
        ignore = shutil.ignore_patterns(".*", "_build", "__pycache__", "*.egg-info", "tests")
        shutil.copytree(ROOT, home / "source", ignore=ignore)
        change(home / "source")
        clean = {key: value for key, value in os.environ.items() if key != "REPOSITORY_URL"}
        command = [
            str(Path(sys.executable).with_name("jupyter-book")),
            "build",
            "source",
            "-W",
            "-n",
            "--keep-going",
            "-q",
        ]
        done = subprocess.run(command, cwd=home, env=clean | environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return home / "source" / "_build" / "html"

    return build


@pytest.fixture(scope="session")
def book(build_book) -> Path:
    """The book as it is, without an address: in the folder BOOK, if somebody has just built it there, or built here."""
    return Path(os.environ["BOOK"]) if "BOOK" in os.environ else build_book()
