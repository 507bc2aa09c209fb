"""Figures as files: pictures, the data behind them, and how to make them again."""

from __future__ import annotations

import hashlib
import io
import json
import platform
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import esclab
from esclab.errors import OptionError, StorageError
from esclab.figures.text import shorten
from esclab.figures.theme import SCREEN_WIDTH_PX, Hand, choose_hand, print_style
from esclab.storage import write_bytes

PICTURES = ("png", "svg", "pdf")
FORMATS = (*PICTURES, "html", "csv")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")


def export(
    name: str,
    result: Any,
    stem: str | Path,
    *,
    formats: Sequence[str] = ("png", "svg", "pdf", "csv"),
    hand: Hand = "print",
    how: str = "",
    **options: Any,
) -> list[Path]:
    """Write figure `name` as files that share `stem`, each in one step, with `<stem>.json` on how to make it again.

    With the print hand the same result gives the same bytes: no dates, no random names. Pictures of the plotly hand
    come out of a browser (Chromium), whose PDF holds a date. "html" is always the plotly hand, and works offline.

    Parameters
    ----------
    name : str
        A key of `FIGURES`.
    result : dataclass
        Of the type that the figure takes.
    stem : str or Path
        Folder and file name without an ending, e.g. "figures/confusion".
    formats : sequence of {"png", "svg", "pdf", "html", "csv"}
    hand : {"print", "plotly"}
    how : str
        The command or code that made the result, kept in `<stem>.json`.
    **options
        The figure's own keywords, e.g. `color_range`.

    Returns
    -------
    paths : list of Path
        The files, in the order of `formats`, then the `.json`.

    Raises
    ------
    OptionError
        When the name, the result, a format or an option does not fit, or a browser is needed and none is found;
        nothing is written then.
    StorageError
        When a file cannot be written.
    """
    from esclab.figures import check_options, draw, find_figure

    stem = _check_stem(stem)
    formats = _check_formats(formats)
    entry = find_figure(name, result)
    check_options(name, options)
    write_picture = choose_hand(hand, plotly=_write_with_browser, paper=_write_print)
    table = entry.data(result).to_csv(index=False, lineterminator="\n").encode()
    title = _name_picture(name, result)
    drawn: dict[str, Any] = {}

    def draw_once(which: Hand) -> Any:
        if which not in drawn:
            drawn[which] = draw(name, result, hand=which, **options)
            if which == "print":
                _settle(drawn[which])
        return drawn[which]

    contents: dict[str, bytes] = {}
    for fmt in formats:
        if fmt == "csv":
            contents[fmt] = table
        elif fmt == "html":
            contents[fmt] = _write_html(draw_once("plotly"), title)
        else:
            contents[fmt] = write_picture(draw_once(hand), fmt, title)
    recipe = {
        "figure": name,
        "title": title,
        "call": _write_call(name, stem.name, hand, options, formats),
        "how": how,
        "hand": hand,
        "formats": formats,
        "options": {key: _to_json(value) for key, value in options.items()},
        "data_sha256": hashlib.sha256(table).hexdigest(),
        "versions": _list_versions(),
    }
    contents["json"] = (json.dumps(recipe, indent=2, ensure_ascii=False) + "\n").encode()
    return [write_bytes(stem.with_name(f"{stem.name}.{fmt}"), data) for fmt, data in contents.items()]


def _check_stem(stem: str | Path) -> Path:
    stem = Path(stem)
    if stem.name in ("", ".."):
        raise OptionError("stem", f"'{stem}' names no file", "give a folder and a name, e.g. 'figures/confusion'")
    return stem


def _check_formats(formats: Sequence[str]) -> list[str]:
    formats = [formats] if isinstance(formats, str) else list(dict.fromkeys(formats))
    for fmt in formats:
        if fmt not in FORMATS:
            raise OptionError("formats", f"{fmt!r} is not a format", f"choose among {', '.join(FORMATS)}")
    return formats


def _name_picture(name: str, result: Any) -> str:
    label = getattr(result, "label", "") or getattr(result, "model", "")
    return f"{name}: {shorten(label, 90)}" if label else name


def _settle(figure: Any) -> None:
    """Lay a printed figure out once: every format would do it again, and a little differently."""
    with print_style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")


def _write_print(figure: Any, fmt: str, title: str) -> bytes:
    creator = f"esclab {esclab.__version__}"
    metadata: dict[str, dict[str, str | None]] = {
        "png": {"Title": title, "Creator": creator, "Software": "matplotlib"},
        "svg": {"Title": title, "Creator": creator, "Date": None},
        "pdf": {"Title": title, "Creator": creator, "CreationDate": None},
    }
    buffer = io.BytesIO()
    with print_style():
        figure.savefig(buffer, format=fmt, metadata=metadata[fmt])
    return buffer.getvalue()


def _write_html(figure: Any, title: str) -> bytes:
    import html

    body = figure.to_html(full_html=False, include_plotlyjs=True, div_id="figure", config={"responsive": True})
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="generator" content="esclab {esclab.__version__}">\n<title>{html.escape(title)}</title>\n</head>\n'
    )
    return f"{head}<body>\n{body}\n</body>\n</html>\n".encode()


def _write_with_browser(figure: Any, fmt: str, title: str) -> bytes:
    import os
    import shutil

    if not os.environ.get("BROWSER_PATH") and not any(shutil.which(browser) for browser in BROWSERS):
        raise OptionError(
            "hand",
            "pictures of the plotly hand need Chromium, and none is found",
            "use hand='print', or formats=('html',), or install Chromium",
        )
    width = figure.layout.width or SCREEN_WIDTH_PX
    try:
        data: bytes = figure.to_image(format=fmt, width=width, scale=2 if fmt == "png" else 1)
    except Exception as error:
        cause = f"the browser could not draw it ({shorten(error, 200)})"
        raise StorageError(f"figure as {fmt}", cause, "use hand='print', or formats=('html',)") from error
    return _TITLERS[fmt](data, title) if fmt in _TITLERS else data


def _title_png(data: bytes, title: str) -> bytes:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("Title", title)
    info.add_text("Creator", f"esclab {esclab.__version__}")
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        picture.save(buffer, format="PNG", pnginfo=info)
    return buffer.getvalue()


def _title_svg(data: bytes, title: str) -> bytes:
    import html

    start, end, rest = data.decode().partition(">")
    return f"{start}{end}<title>{html.escape(title)}</title><desc>esclab {esclab.__version__}</desc>{rest}".encode()


_TITLERS: dict[str, Callable[[bytes, str], bytes]] = {"png": _title_png, "svg": _title_svg}


def _write_call(name: str, stem: str, hand: str, options: dict[str, Any], formats: list[str]) -> str:
    """Return the line of code that draws it again; tables and arrays stand by name, and in full under "options"."""
    keywords = {"formats": tuple(formats), "hand": hand} | options
    parts = [f"{key}={_write_value(key, value)}" for key, value in keywords.items()]
    return f"esclab.figures.export({name!r}, result, {stem!r}, {', '.join(parts)})"


def _write_value(key: str, value: Any) -> str:
    return key if isinstance(value, (pd.DataFrame, np.ndarray)) else repr(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(item) for item in value)
    return value.item() if isinstance(value, np.generic) else value


def _to_json(value: Any) -> Any:
    if isinstance(value, pd.DataFrame):
        return json.loads(value.to_json(orient="records", double_precision=15))
    if isinstance(value, dict):
        return {str(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list, np.ndarray)):
        return [_to_json(item) for item in value]
    value = _plain(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _list_versions() -> dict[str, str]:
    packages = ("numpy", "pandas", "matplotlib", "seaborn", "plotly", "kaleido")
    return {"esclab": esclab.__version__, "python": platform.python_version()} | {p: version(p) for p in packages}
