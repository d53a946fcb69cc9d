"""The reference made from docstrings."""

from types import ModuleType

from library import as_markdown, public, signature
from torch.nn import ReLU


def test_arguments_become_a_list_and_examples_code():
    text = """Do it.

    Args:
        a: this
            and that.

    Raises:
        ValueError: a is `None`.

    Then more.

    >>> do(1)
    1

    The end.
    """
    assert as_markdown(text) == [
        *("Do it.", "", "**Arguments**", "", "- `a`: this", "  and that.", "", "**Raises**", ""),
        *("- `ValueError`: a is `None`.", "", "Then more.", "", "```python", ">>> do(1)", "1", "```", "", "The end."),
    ]
    assert as_markdown(">>> 1\n1")[-1] == "```"


def test_a_signature_names_its_defaults():
    def build(size: int, *, act=ReLU, then=as_markdown) -> list[str]: ...

    assert signature(build) == "(size: int, *, act=ReLU, then=as_markdown) -> list[str]"


def test_what_a_module_defines_itself_is_public():
    module = ModuleType("made")
    exec("from json import dumps\nLIMIT = 3\ndef _own(): ...\ndef b(): ...\nclass A: ...", vars(module))
    assert [name for name, _ in public(module)] == ["b", "A"]
    module.__all__ = ["dumps", "LIMIT"]
    assert [name for name, _ in public(module)] == ["dumps"]
