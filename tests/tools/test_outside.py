"""What others see of the site, what its search looks through, and what its pages may do."""

import address
import outside
import policy
import pytest
import search
from bs4 import BeautifulSoup

HUB = "https://github.com/"
FORMULA = "<math><semantics><mrow><msub><mi>n</mi><mi>h</mi></msub><mo>/</mo><mn>2</mn></mrow>"
FORMULA += '<annotation encoding="application/x-tex">n_h/2</annotation></semantics></math>'
PAGE = f"""<article><section id="top"><h1><span class="section-number">1 </span>A page<a class="headerlink">#</a></h1>
<p>First words.</p><section id="one"><h2>One</h2><p>It is <em>half a side</em>, {FORMULA} pixels, ln\u20611000.<a
class="proof-mark" href="#claim-1">x</a></p><div class="formula">{FORMULA}</div><pre>import torch</pre><ul><li>So.</li>
<li>And so.</li></ul>
<figure class="fig"><div>in the figure</div><figcaption><strong>Figure 1.</strong> See.</figcaption></figure>
<div class="claim"><div>The notes: “no”</div><div>Yes.</div><div>measured: 1</div></div>
<details class="discussion" id="more"><summary>More</summary><p>Curious.</p>
<details class="code"><pre>f()</pre></details></details>
<details class="discussion"><summary>Discussion</summary><p>Hidden.</p></details></section>
<section id="code"><h2>Code</h2><dl class="py function">
<dt class="sig"><span class="descname">vgg</span>(<em>depth</em>)</dt>
<dd><p>A network.</p><p><strong>Arguments</strong></p><ul><li>depth</li></ul><p>More.</p></dd></dl></section>
</section></article>"""


def test_the_index_has_the_prose_of_each_section_and_nothing_else():
    found = list(search.sections(BeautifulSoup(PAGE, "html.parser")))[::-1]
    assert found == [
        ("top", "A page", "First words."),
        ("one", "One", "It is \ufff9half a side\ufffb, n_h/2 pixels, ln 1000. … So. And so. See. Yes."),
        ("more", "More", "Curious."),
        ("code", "Code", "\ufff9vgg\ufffb A network. More."),
    ]


def test_the_index_knows_which_pages_come_last(tmp_path):
    for name in ("notebooks/a.html", "book/b.html", "book/claims.html", "search.html", "_static/c.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(PAGE)
    entries = {entry[0]: (*entry[1:3], entry[4]) for entry in search.index(tmp_path)}
    assert entries["notebooks/a.html"] == ("A page", "", 0)
    assert entries["notebooks/a.html#more"] == ("A page", "More", 0)
    assert entries["book/b.html#one"] == ("A page", "One", 1) and len(entries) == 8


def test_a_page_is_described_by_its_first_sentences():
    body = f'<h1>T</h1><div><p>One {FORMULA}.<a class="proof-mark">x</a> Two. {"Long " * 40}.</p><p>Next.</p></div>'
    assert outside.description(body) == "One n_h/2. Two."
    assert outside.description("<h1>T</h1>") == ""


def test_a_page_for_lost_readers_links_from_the_root_of_the_site():
    page = '<html data-content_root="./"><a href="#"><a href="a/b.html">'
    page += '<script src="./c.js"><a href="https://x/"><a href="#d">'
    assert outside.absolute(page, "/book/") == (
        '<html data-content_root="/book/"><a href="/book/404.html"><a href="/book/a/b.html">'
        '<script src="/book/c.js"><a href="https://x/"><a href="#d">'
    )


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("", ""),
        (f"{HUB}An_owner/a_fork", "https://an_owner.github.io/a_fork/"),
        (f"{HUB}an_owner/an_owner.github.io", "https://an_owner.github.io/"),
        ("https://example.org/an_owner/a_fork", ""),
    ],
)
def test_pages_are_served_beside_their_repository(monkeypatch, repository, site):
    monkeypatch.setattr(address, "published", lambda: repository)
    assert address.site() == site


def test_a_policy_names_the_scripts_of_its_page_and_no_others():
    page = (
        '<meta charset="utf-8"><script>one()</script><script data-shared="">two()</script><script src="a.js"></script>'
    )
    page += '<script type="application/ld+json">{}</script><script>one()</script>'
    rules = dict(rule.split(" ", 1) for rule in policy.policy(page).split("; "))
    assert rules["script-src"].count("sha256-") == 2 and "worker-src" not in rules
    assert "'sha256-" + policy.b64encode(policy.sha256(b"one()").digest()).decode() in rules["script-src"]
    assert "worker-src blob:" in policy.policy(page + '<div data-network="n.js">')
    assert "worker-src" not in policy.policy(page + '<div data-network="VGG">')  # of a claim


def test_a_page_is_guarded_once_and_keeps_no_handler():
    page = policy.guarded('<meta charset="utf-8" />\n<button onclick="window.print()">')
    assert page.endswith('<button data-does="print">') and policy.guarded(page) == page
    assert page.count("Content-Security-Policy") == 1


@pytest.mark.parametrize(
    "given", ["https://x:secret@github.com/OWNER/NAME", "http://github.com/OWNER/NAME", "a/b", "https://a/b/c'd"]
)
def test_an_address_that_is_none_is_refused_and_not_shown(monkeypatch, given):
    monkeypatch.setenv("REPOSITORY_URL", given)
    with pytest.raises(ValueError, match=r"REPOSITORY_URL to be like https://github.com/OWNER/NAME, got another: set"):
        address.published()
