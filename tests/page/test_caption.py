import pytest
from bs4 import BeautifulSoup
from IPython.display import HTML

from casestudies_lib.page import captioned


def test_a_figure_has_its_number_a_caption_and_every_picture():
    page = BeautifulSoup(
        captioned("2.3", "See `n` < 3.[✓](#claim-x-1)", HTML("<b>1</b>"), HTML("<i>2</i>")).data, "html.parser"
    )
    assert page.figure["id"] == "figure-2-3" and page.figcaption.strong.text == "Figure 2.3."
    assert page.figcaption.text == "Figure 2.3. See n < 3.✓" and page.figcaption.a["href"] == "#claim-x-1"
    assert [picture.text for picture in page.select(".beside > *")] == ["1", "2"]
    assert not BeautifulSoup(captioned("2.3", "See.", HTML("<b>1</b>")).data, "html.parser").select(".beside")


@pytest.mark.parametrize(
    ("number", "caption", "pictures", "says"),
    [
        ("Figure 2", "See.", 1, "a figure's number such as '2.3', got 'Figure 2'"),
        ("2.3", " ", 1, "a caption and a picture for Figure 2.3"),
        ("2.3", "See.", 0, "got 'See.' and 0 pictures"),
    ],
)
def test_a_figure_without_words_is_refused(number, caption, pictures, says):
    with pytest.raises(ValueError, match=says):
        captioned(number, caption, *[HTML("<b>1</b>")] * pictures)
