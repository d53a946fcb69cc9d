"""Accept the words of the book: every claim, quotation and alt text, and the fingerprints of the stored records.

    python tools/words.py     what `make words` does

`tests/book/words.json` holds the words that somebody accepted, and `make test` is red where a notebook says other
ones. So a sentence, a source, a verdict or a quoted number changes only together with a line of that file, which its
diff shows.
"""

from __future__ import annotations

import json
import sys

from address import ROOT


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests" / "book"))
    from guards import WORDS, changed, words

    pinned = json.loads(WORDS.read_text(encoding="utf-8")) if WORDS.exists() else {}
    now = words()
    lines = changed(pinned, now)
    WORDS.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\n".join(lines) or "no word has changed")
    if lines:
        print(f"{len(lines)} changes accepted: read them in the diff of {WORDS.relative_to(ROOT)} as well")


if __name__ == "__main__":
    main()
