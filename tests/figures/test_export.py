from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from esclab.errors import OptionError
from esclab.figures import export
from esclab.figures.export import BROWSERS
from esclab.results import ConfusionResult
from tests.figures.samples import EVENTS, sample_confusion, sample_map

needs_browser = pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="needs Chromium")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"formats": ("png", "gif")}, "'gif' is not a format; choose among png, svg, pdf, html, csv"),
        ({"hand": "left", "formats": "csv"}, "'left' is not a hand"),
        ({"colour": 1, "formats": "csv"}, "no option 'colour'"),
    ],
)
def test_export_writes_nothing_when_an_option_is_unknown(change: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        export("confusion", sample_confusion(2), tmp_path / "c", **change)
    assert list(tmp_path.iterdir()) == []


def test_export_refuses_a_stem_without_a_name() -> None:
    with pytest.raises(OptionError, match="names no file"):
        export("confusion", sample_confusion(2), "", formats="csv")


def test_export_keeps_dots_of_the_stem(tmp_path: Path) -> None:
    paths = export("confusion", sample_confusion(2), tmp_path / "fig.1", formats="csv")
    assert [path.name for path in paths] == ["fig.1.csv", "fig.1.json"]


def test_export_tells_how_to_make_it_again(tmp_path: Path) -> None:
    options = {"events": EVENTS, "color_range": (-90, -20)}
    recipe = export("spectrogram", sample_map(20, 8), tmp_path / "s", formats="csv", how="esclab x", **options)[-1]
    made = json.loads(recipe.read_text())
    assert made["call"] == (
        "esclab.figures.export('spectrogram', result, 's', formats=('csv',), hand='print', events=events, "
        "color_range=(-90, -20))"
    )
    assert made["options"]["color_range"] == [-90, -20]
    assert made["options"]["events"][1] == {"onset_s": 3.1, "offset_s": None, "low_hz": None, "high_hz": 400.0}


def test_export_of_plotly_pictures_without_a_browser_says_what_to_do(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER_PATH", raising=False)
    with pytest.raises(OptionError, match="need Chromium, and none is found; use hand='print'"):
        export("confusion", sample_confusion(2), tmp_path / "c", formats="png", hand="plotly")
    assert list(tmp_path.iterdir()) == []


@needs_browser
def test_export_of_plotly_pictures_uses_the_browser(tmp_path: Path) -> None:
    png, svg, _ = export("confusion", sample_confusion(2), tmp_path / "c", formats=("png", "svg"), hand="plotly")
    with Image.open(png) as picture:
        assert picture.size == (1180, 1060)
        assert picture.info["Title"] == "confusion: ts-cnn10 on synth2, fold 1"
    assert "<title>confusion: ts-cnn10 on synth2, fold 1</title>" in svg.read_text()


def test_export_of_html_works_offline_and_is_the_same_twice(tmp_path: Path) -> None:
    result = ConfusionResult(sample_confusion(2).counts, ("</script><script>alert(1)</script>", "b"), "<i>")
    one, two = (export("confusion", result, tmp_path / stem / "c", formats="html")[0] for stem in "ab")
    page = one.read_text()
    assert page == two.read_text()
    assert "alert(1)</script>" not in page
    assert "<title>confusion: &lt;i&gt;</title>" in page
    assert re.findall(r"<(?:script|link)[^>]* (?:src|href)=", page) == []
    assert len(page) > 1_000_000
