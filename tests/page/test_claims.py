import re

import pytest

from casestudies_lib.page import claims
from casestudies_lib.page.palette import KIND_COLOURS, VERDICT_COLOURS


@pytest.fixture
def shown(monkeypatch):
    seen = []
    monkeypatch.setattr(claims, "display", lambda data, raw: seen.append(data))
    monkeypatch.setattr(claims, "_shown", {})
    return seen


def test_a_claim_shows_sentence_measurement_and_source(shown):
    claims.claim("X-1", "It has `n` < 61,706.", 61_705, 61_705 < 61_706, source="LeCun 1998")
    page = shown[0]["text/html"]
    assert (
        'id="claim-x-1"' in page
        and "<code>n</code> &lt; 61,706" in page
        and "✓ measured: <strong>61,705</strong>" in page
    )
    record = {
        "kind": "claim",
        "name": "X-1",
        "sentence": "It has `n` < 61,706.",
        "measured": "61,705",
        "source": "LeCun 1998",
    }
    assert shown[0][claims.MIME] == [record]


def test_a_claim_that_fails_raises_with_its_sentence(shown):
    with pytest.raises(claims.ClaimError, match=r"X-1 does not hold: 'It has one\.'; measured: 2"):
        claims.claim("X-1", "It has one.", 2, 2 == 1, source="here")
    assert not shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "x1"}, "a claim's name like LENET-3, got 'x1'"),
        ({"measured": 0.1}, "survives another CPU, got 0.1"),
        ({"measured": [1]}, r"survives another CPU, got \[1\]"),
        ({"measured": True}, "survives another CPU, got True"),
        ({"measured": " "}, "survives another CPU, got ' '"),
        ({"recorded": "lately"}, "date and machine of a record"),
        ({"holds": 1}, "holds to be True or False, got 1"),
        ({"source": " "}, "expected a source for claim X-1"),
        ({"sentence": ""}, "expected a sentence for claim X-1"),
        ({"notes": "so"}, "notes and verdict together"),
        ({"notes": "so", "verdict": "right"}, "expected verdict to be one of 'true'"),
    ],
)
def test_what_cannot_be_shown_honestly_is_refused(shown, change, says):
    good = {"name": "X-1", "sentence": "It has one.", "measured": 1, "holds": True, "source": "here"}
    with pytest.raises(ValueError, match=says):
        claims.claim(**good | change)
    assert not shown


def test_quotations_are_not_checked_and_the_notes_are_answered(shown):
    claims.quotation("X-1", "15.3% in the paper.", source="the paper")
    claims.claim("X-2", "Six.", 6, True, source="here", notes="about <5>", verdict="imprecise")
    assert "quoted, not checked" in shown[0]["text/html"] and "measured" not in shown[0]["text/html"]
    assert "“about &lt;5&gt;”" in shown[1]["text/html"] and "≈ imprecise" in shown[1]["text/html"]


def test_what_the_sentence_says_already_is_not_said_again(shown):
    claims.claim("X-1", "It has 61,706.", 61_706, True, source="here")
    assert "✓ measured ·" in shown[0]["text/html"] and shown[0]["text/html"].count("61,706") == 1


def test_a_card_has_the_colour_of_its_verdict(shown):
    for number, verdict in enumerate(claims.VERDICTS):
        claims.claim(f"X-{number}", "One.", 1, True, source="here", notes="so", verdict=verdict)
    claims.claim("X-8", "One.", 1, True, source="here")
    claims.claim("X-7", "One.", 1, True, source="here", recorded="2026-11-20, a PC")
    claims.quotation("X-9", "One.", source="the paper")
    colours = [re.search(r"solid (#\w+)", card["text/html"]).group(1) for card in shown]
    assert colours == [*(VERDICT_COLOURS[verdict] for verdict in claims.VERDICTS), *KIND_COLOURS.values()]


def test_folded_claims_are_checked_and_shown_together(shown):
    with claims.folded("Also"):
        claims.claim("X-1", "One.", 1, True, source="here")
        claims.quotation("X-2", "Two.", source="here")
        assert not shown
    [output] = shown
    assert [record["name"] for record in output[claims.MIME]] == ["X-1", "X-2"]
    assert output["text/html"].startswith("<details") and "<summary>Also</summary>" in output["text/html"]
    with pytest.raises(claims.ClaimError), claims.folded("Also"):
        claims.claim("X-3", "Three.", 1, 1 == 3, source="here")
    with pytest.raises(ValueError, match="no folded block inside another"), claims.folded("A"), claims.folded("B"):
        pass
    claims.claim("X-4", "Four.", 1, True, source="here")
    assert len(shown) == 2 and "<details" not in shown[1]["text/html"]


def test_on_the_page_of_claims_the_name_is_a_link():
    record = {"kind": "claim", "name": "X-1", "sentence": "One.", "measured": "1", "source": "here"}
    linked = claims.as_html(record, link="../there.html#claim-x-1")
    assert '<a href="../there.html#claim-x-1">X-1</a>' in linked and "id=" not in linked


def test_what_others_say_is_answered_too(shown):
    claims.claim("X-1", "Six.", 6, True, source="here", by="often <said>", notes="seven", verdict="wrong")
    claims.quotation("X-2", "So it is.", source="Szegedy 2014", by="the lecture", notes="so", verdict="true")
    page = " ".join(output["text/html"] for output in shown)
    assert "Often &lt;said&gt;: “seven”" in page and "The lecture: “so”" in page
    with pytest.raises(ValueError, match="expected words that 'the lecture' says"):
        claims.claim("X-3", "Six.", 6, True, source="here", by="the lecture")


def test_a_record_is_told_from_a_measurement(shown):
    claims.claim("X-1", "Twice as fast.", "2.1 times", True, source="measured here", recorded="2026-11-20, a <PC>")
    page, record = shown[0]["text/html"], shown[0][claims.MIME][0]
    assert "⏺ recorded 2026-11-20, a &lt;PC&gt;: <strong>2.1 times" in page and "✓" not in page
    assert record["kind"] == "recorded" and record["recorded"] == "2026-11-20, a <PC>"
    assert "✓" not in shown[0]["text/plain"]


def test_checks_say_how_many_they_are(shown):
    with claims.checks():
        claims.claim("X-1", "It has one.", 1, 1 == 1, source="here")
        claims.quotation("X-2", "It is old.", source="here")
    [page] = shown
    assert '<details class="checks"' in page["text/html"] and "Checks of this section (2)" in page["text/html"]
    assert [record["name"] for record in page[claims.MIME]] == ["X-1", "X-2"]
    with pytest.raises(claims.ClaimError), claims.checks():
        claims.claim("X-3", "It has two.", 1, 1 == 2, source="here")
    assert len(shown) == 1
