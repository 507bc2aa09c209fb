"""What every entry of FIGURES keeps to."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from esclab.errors import OptionError
from esclab.figures import FIGURES, draw, export
from esclab.figures.theme import ONE_COLUMN_IN, TWO_COLUMNS_IN
from tests.figures.samples import sample_confusion, sample_results
from tests.figures.samples_explain import MEASURES

RESULTS = sample_results()
AXIS_TITLES = {
    "accuracy": {"Accuracy (%)", "Model"},
    "activation_share": {"Share of activation (%)", "Model"},
    "attention": {"Time (s)", "Frequency (Hz)"},
    "attribution": {"Time (s)", "Frequency (Hz)"},
    "calibration": {"Confidence (%)", "Accuracy (%)", "Clips (count)"},
    "confusion": {"True class", "Predicted class"},
    "confusion_series": {"True class", "Predicted class"},
    "cost": {"Parameters (millions)", "Operations (GFLOPs a clip)", "Time (ms a clip)", "Accuracy (%)"},
    "durations": {"Clips (count)", "Class"},
    "embedding": {"t-SNE 1", "t-SNE 2"},
    "faithfulness": {
        "Cells removed, most important first (%)",
        "Cells restored, most important first (%)",
        "Probability of the class (%)",
    },
    "gallery": {"Time (s)", "Frequency (Hz)"},
    "grid": {"Time (s)", "Frequency (Hz)"},
    "learning": {"Iteration (mini-batches)", "Loss (nats)", "Accuracy (%)"},
    "reliability": {"Confidence (%)", "Accuracy (%)", "Clips (count)"},
    "robustness": {"SNR (dB)", "Accuracy (%)"},
    "score_change": {"Score (%)"},
    "sensitivity": {"Time (s)", "Frequency (Hz)"},
    "spectrogram": {"Time (s)", "Frequency (Hz)"},
    "trajectory": {"Iteration (mini-batches)", "Masking ratio", "Block size (cells)"},
    "trust": {"Method", *MEASURES["title"]},
    "votes": {"Time (s)", "Frequency (Hz)", "Class", "Sub-band"},
}
TRACES = {
    "accuracy": ["scatter"] * 2,
    "activation_share": ["scatter"] * 2 * (1 + 2 + 2),
    "attention": ["bar"] * 11 + ["heatmap"] + ["scatter"] * 7,
    "attribution": ["heatmap"] * 7 + ["scatter"] * 9,
    "calibration": ["bar", "bar", "scatter", "scatter"],
    "confusion": ["heatmap", "scatter"],
    "confusion_series": ["heatmap"] * 4,
    "cost": ["scatter"] * 6,
    "durations": ["bar"] * 2,
    "embedding": ["scatter"] * 11,
    "faithfulness": ["scatter"] * 4 * (5 + 3),
    "gallery": ["heatmap"] * 4,
    "grid": ["heatmap"] * 12 + ["scatter"] * 2 * 9,
    "learning": ["scatter"] * (2 + 3 + 12),
    "reliability": ["bar"] * 6 + ["scatter"] * 6,
    "robustness": ["scatter"] * 6,
    "score_change": ["scatter"] * 6,
    "sensitivity": ["heatmap"] * 2,
    "spectrogram": ["heatmap"],
    "trajectory": ["scatter"] * 4,
    "trust": ["scatter"] * 14,
    "votes": ["bar"] + ["heatmap"] * 3 + ["scatter"],
}
LETTERS = "<b>&amp;</b> $x^2$ %{x}"


def assert_same(left: Any, right: Any) -> None:
    if dataclasses.is_dataclass(left):
        for field in dataclasses.fields(left):
            assert_same(getattr(left, field.name), getattr(right, field.name))
    elif isinstance(left, pd.DataFrame):
        pd.testing.assert_frame_equal(left, right)
    elif isinstance(left, np.ndarray):
        np.testing.assert_array_equal(left, right)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        assert_same(tuple(left.values()), tuple(right.values()))
    elif isinstance(left, tuple):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    else:
        assert left == right


def rename(value: Any) -> Any:
    """Put `LETTERS` in place of every name and label, but for `axis`, one of three words."""
    if isinstance(value, str):
        return LETTERS
    if dataclasses.is_dataclass(value):
        changes = {f.name: rename(getattr(value, f.name)) for f in dataclasses.fields(value) if f.name != "axis"}
        return dataclasses.replace(value, **changes)
    if isinstance(value, tuple):
        return tuple(rename(item) for item in value)
    if isinstance(value, dict):
        return {f"{LETTERS}{i}": rename(item) for i, item in enumerate(value.values())}
    if isinstance(value, pd.DataFrame) and "class_name" in value:
        return value.assign(class_name=LETTERS, predicted=LETTERS)
    if isinstance(value, pd.DataFrame) and "model" in value:
        return value.assign(model=LETTERS + " " + value["model"].str[:3])
    return value


def assert_nothing_is_cut(figure: Any) -> None:
    figure.draw_without_rendering()
    drawn, page_in = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= 0
    assert drawn.x1 <= page_in[0]
    assert drawn.y1 <= page_in[1]


def plotly_axis_titles(figure: Any) -> set[str]:
    layout = figure.to_plotly_json()["layout"]
    axes = [axis for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))]
    return {axis["title"]["text"].replace("<br>", " ") for axis in axes if axis.get("title", {}).get("text")}


def collect_strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    if isinstance(value, np.ndarray) and value.dtype == object:
        items = value.ravel().tolist()
    return [text for item in items for text in collect_strings(item)]


def test_figures_have_a_sample_each() -> None:
    assert set(FIGURES) == set(RESULTS) == set(AXIS_TITLES)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_plotly_has_its_traces_titles_and_template(name: str) -> None:
    figure = draw(name, RESULTS[name])
    assert sorted(trace.type for trace in figure.data) == TRACES[name]
    assert plotly_axis_titles(figure) == AXIS_TITLES[name]
    assert figure.layout.template.layout.font.size >= 12
    assert figure.layout.title.text


@pytest.mark.parametrize("name", FIGURES)
def test_figure_plotly_has_no_letter_below_twelve_pixels(name: str) -> None:
    def sizes(value: Any) -> list[float]:
        if not isinstance(value, dict):
            return [s for v in value for s in sizes(v)] if isinstance(value, (list, tuple)) else []
        own = [v["size"] for k, v in value.items() if k.endswith("font") and isinstance(v, dict) and "size" in v]
        return own + [s for v in value.values() for s in sizes(v)]

    found = sizes(draw(name, RESULTS[name]).to_plotly_json())
    assert found
    assert min(found) >= 12


@pytest.mark.parametrize("name", FIGURES)
def test_figure_print_has_its_titles_size_and_no_letter_below_seven_points(name: str) -> None:
    from matplotlib.text import Text

    figure = draw(name, RESULTS[name], hand="print")
    texts = {text for axes in figure.axes for text in (axes.get_xlabel(), axes.get_ylabel()) if text}
    titles = {text.replace("\n", " ") for text in texts}
    assert titles >= AXIS_TITLES[name]
    assert figure.get_size_inches()[0] <= TWO_COLUMNS_IN
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 7
    assert_nothing_is_cut(figure)
    if name in ("spectrogram", "calibration"):
        assert figure.get_size_inches()[0] == pytest.approx(ONE_COLUMN_IN)


@pytest.mark.parametrize("hand", ["plotly", "print"])
@pytest.mark.parametrize("name", FIGURES)
def test_figure_leaves_its_input_and_pyplot_as_they_were(name: str, hand: Any) -> None:
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    before, settings = copy.deepcopy(RESULTS[name]), dict(mpl.rcParams)
    draw(name, RESULTS[name], hand=hand)
    FIGURES[name].data(RESULTS[name])
    assert_same(before, RESULTS[name])
    assert plt.get_fignums() == []
    assert dict(mpl.rcParams) == settings


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_shown_letter_by_letter_in_plotly(name: str) -> None:
    texts = collect_strings(draw(name, rename(RESULTS[name])).to_plotly_json())
    shown = [text for text in texts if "x^2" in text]
    assert shown
    for text in shown:
        assert "&lt;b&gt;&amp;amp;&lt;/b&gt; &#36;x^2&#36;" in text.replace("<b>&lt;", "&lt;")
        assert "%{x}" not in text.replace("%{x}, epoch", "").replace("iteration %{x}", "") or "&#37;{x}" in text


@pytest.mark.parametrize("name", FIGURES)
def test_names_are_shown_letter_by_letter_in_print(name: str) -> None:
    from matplotlib.text import Text

    figure = draw(name, rename(RESULTS[name]), hand="print")
    shown = [text for text in figure.findobj(Text) if "$" in text.get_text()]
    assert shown
    assert not any(text.get_parse_math() for text in shown)
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", FIGURES)
def test_export_writes_every_format_the_same_twice(name: str, tmp_path: Any) -> None:
    formats = ("png", "svg", "pdf", "csv")
    first = export(name, RESULTS[name], tmp_path / "a" / name, formats=formats, how="esclab make")
    second = export(name, copy.deepcopy(RESULTS[name]), tmp_path / "b" / name, formats=formats, how="esclab make")
    assert [path.name for path in first] == [f"{name}.{fmt}" for fmt in (*formats, "json")]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    png, svg, pdf, csv, recipe = first
    with Image.open(png) as picture:
        assert picture.info["Title"].startswith(name)
        assert picture.info["Creator"].startswith("esclab ")
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert "<dc:title>" + name in svg.read_text()
    assert b"/Creator (esclab " in pdf.read_bytes()
    assert b"CreationDate" not in pdf.read_bytes()
    table, data = pd.read_csv(csv), FIGURES[name].data(RESULTS[name])
    for column in data:
        if pd.api.types.is_numeric_dtype(data[column]):
            expected, found = (frame[column].to_numpy(float, na_value=np.nan) for frame in (data, table))
            np.testing.assert_array_equal(found, expected)
        else:
            assert table[column].fillna("").tolist() == data[column].tolist()
    made = json.loads(recipe.read_text())
    assert (made["figure"], made["how"], made["hand"]) == (name, "esclab make", "print")
    assert {"esclab", "matplotlib", "plotly", "python"} <= set(made["versions"])


@pytest.mark.parametrize("classes", [2, 15, 16, 50])
def test_confusion_print_is_cut_nowhere(classes: int) -> None:
    assert_nothing_is_cut(draw("confusion", sample_confusion(classes), hand="print"))


def test_import_loads_no_drawing_library() -> None:
    heavy = "{'plotly', 'matplotlib', 'seaborn', 'torch', 'scipy'}"
    code = f"import sys, esclab.figures; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("hand", ["plotly", "print"])
def test_draw_names_what_does_not_fit(hand: Any) -> None:
    with pytest.raises(OptionError, match="'pie' is not a figure; choose one of accuracy, activation_share"):
        draw("pie", RESULTS["confusion"], hand=hand)
    with pytest.raises(OptionError, match="draws ConfusionResult, not TimeFrequencyMap"):
        draw("confusion", RESULTS["spectrogram"], hand=hand)
    with pytest.raises(OptionError, match="no option 'colour'; choose among normalise"):
        draw("confusion", RESULTS["confusion"], hand=hand, colour="red")


@pytest.mark.parametrize("name", FIGURES)
def test_draw_refuses_a_third_hand(name: str) -> None:
    with pytest.raises(OptionError, match="'left' is not a hand; choose 'plotly' or 'print'"):
        draw(name, RESULTS[name], hand="left")  # type: ignore[arg-type]
