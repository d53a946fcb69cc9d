# @title Setup: installs the library of this book where it is missing
import importlib.util
import subprocess
import sys
import tempfile
from base64 import b64decode
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

library = ""  # an address that pip knows, or the name of a wheel
wheel = ""  # that wheel, where the notebook carries it


class SetupError(ImportError):
    """Shown without a traceback, because its words say what to do."""

    def _render_traceback_(self, *args: object) -> "list[str]":
        return [f"Setup: {self}"]


def installed(package: str) -> str:
    """The version of a package; empty where it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


# A version with a + came from a notebook; one from another notebook may be too old for this one.
other = "+" in installed("casestudies-lib") and installed("casestudies-lib") not in library
if other or importlib.util.find_spec("casestudies_lib") is None:
    if sys.version_info < (3, 11):
        raise SetupError(
            f"the book needs Python 3.11 or newer, and this is {sys.version.split()[0]}. Install a newer "
            "Python and start Jupyter with it, or open this notebook in Colab."
        )
    if not installed("torch"):
        raise SetupError(
            "PyTorch is missing. This cell leaves it to you, because the right build depends on your computer: "
            "run `pip install torch`, restart the kernel, and run this cell again."
        )
    kept = {package: installed(package) for package in ("torch", "numpy") if installed(package)}
    print(
        f"Installing casestudies_lib, which {'this notebook carries' if wheel else 'pip fetches'}, and the packages "
        f"that it needs. Kept as they are: {', '.join(f'{name} {kept[name]}' for name in kept)}."
    )
    folder = Path(tempfile.mkdtemp())
    pins = folder / "kept.txt"
    pins.write_text("\n".join(f"{name}=={kept[name]}" for name in kept), encoding="utf-8")
    if wheel:
        (folder / library).write_bytes(b64decode(wheel))
        library = str(folder / library)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-color", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--constraint", str(pins), library], capture_output=True, encoding="utf-8")
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        said = [line for line in lines if line.lower().startswith("error")] or lines[-1:]
        raise SetupError(
            "pip could not install the library or a package that it needs. If this computer is offline, connect it "
            f"and run this cell again. What pip said: {' '.join(said)}"
        )
    importlib.invalidate_caches()
