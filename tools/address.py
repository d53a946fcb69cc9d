"""The one address of the repository: `repository: url` in _config.yml, or REPOSITORY_URL where a workflow sets it."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def configured() -> str:
    """What _config.yml says, without a closing slash; empty until the address is known."""
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].rstrip("/")


def notebook_branch() -> str:
    """The branch whose notebooks launch: the one that the workflow writes for its fork, else the configured one."""
    if os.environ.get("REPOSITORY_URL"):
        return "colab"
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["branch"]


def published() -> str:
    """The address that this build publishes under: a fork's workflow passes its own as REPOSITORY_URL."""
    return os.environ.get("REPOSITORY_URL", "").rstrip("/") or configured()
