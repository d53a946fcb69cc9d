"""The one address of the repository: `repository: url` in _config.yml, or REPOSITORY_URL where a workflow sets it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent


def _repository() -> dict[str, str]:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]


def _tidy(url: str) -> str:
    return url.rstrip("/").removesuffix(".git")


def configured() -> str:
    """What _config.yml says; empty until the address is known."""
    return _tidy(_repository()["url"])


def published() -> str:
    """The address that this build publishes under: a fork's workflow passes its own as REPOSITORY_URL."""
    given = _tidy(os.environ.get("REPOSITORY_URL", ""))
    if given and not re.fullmatch(r"https://[\w.-]+/[\w.-]+/[\w.-]+", given):  # not shown: it may hold a token
        raise ValueError("expected REPOSITORY_URL to be like https://github.com/OWNER/NAME, got another: set it so")
    return given or configured()


def branch() -> str:
    """The branch that readers edit."""
    return _repository()["branch"]


def notebook_branch() -> str:
    """The branch whose notebooks launch: the one that the workflow writes, else the one that readers edit."""
    return "colab" if os.environ.get("REPOSITORY_URL") else branch()


def site() -> str:
    """Where the pages of that repository are served, with a slash at the end; empty while there is no address."""
    place = published().removeprefix("https://github.com/")
    owner, _, name = place.partition("/")
    if not name or "/" in name or ":" in place:
        return ""
    host = f"https://{owner.lower()}.github.io/"
    return host if name.lower() == f"{owner.lower()}.github.io" else f"{host}{name}/"
