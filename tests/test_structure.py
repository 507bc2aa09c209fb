"""The house's conventions as tests: where things lie, how functions are called, what stays out."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "esclab"
MODULES = sorted(PACKAGE.rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

FOLDERS = {".ci", "benchmarks", "data", "docs", "esclab", "notebooks", "results", "tests"}
FILES = {
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "environment.yml",
    "pyproject.toml",
}
LONGEST_MODULE_LINES = 400
LONGEST_CELL_LINES = 12
MOST_POSITIONAL = 3
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "misc", "common"}
MAY_NAME_MACHINE_PATHS = {".ci/run", "tests/test_structure.py"}
HEAVY = {"torch", "torchaudio", "sklearn", "scipy", "plotly", "matplotlib", "seaborn", "numba"}
# A folder of one machine, not part of an address or of a longer path; /home/me is anybody's.
MACHINE_PATH = re.compile(r"(?<![\w./:~-])/(?:work|root|home|Users)/(?!me\b|you\b)\w|\.\./shared\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def run_git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


@cache
def tracked_files() -> tuple[str, ...]:
    """Return paths of the files in git; without git (an unpacked archive), of those in the known places."""
    tracked = [path for path in run_git("ls-files", "-z").split("\0") if path and (ROOT / path).is_file()]
    if tracked:
        return tuple(tracked)
    found = [path for folder in FOLDERS - {"data"} for path in (ROOT / folder).rglob("*") if path.is_file()]
    return tuple(sorted(FILES)) + tuple(name_of(path) for path in found if "__pycache__" not in path.parts)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def parse_module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def public_definitions(path: Path) -> Iterator[tuple[str, Function | ast.ClassDef, bool]]:
    """Yield label, node and whether it is a method, for all that a user of the module sees."""
    for node in parse_module(path).body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield f"{name_of(path)}: {node.name}", node, False
        for inner in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(inner, Function) and (inner.name == "__init__" or not inner.name.startswith("_")):
                yield f"{name_of(path)}: {node.name}.{inner.name}", inner, True


def public_functions() -> Iterator[tuple[str, Function, bool]]:
    """Yield what Python code calls; the commands of `esclab.cli` are called by typer, which goes by name."""
    for path in MODULES:
        for label, node, method in public_definitions(path):
            if isinstance(node, Function) and PACKAGE / "cli" not in path.parents:
                yield label, node, method


def decorators(node: Function) -> list[str]:
    return [ast.unparse(decorator) for decorator in node.decorator_list]


def positional_parameters(node: Function, *, method: bool) -> list[tuple[ast.arg, ast.expr | None]]:
    """Return each parameter that may be passed by position, with its default."""
    parameters = node.args.posonlyargs + node.args.args
    required: list[ast.expr | None] = [None] * (len(parameters) - len(node.args.defaults))
    pairs = list(zip(parameters, required + node.args.defaults, strict=True))
    return pairs[1:] if method and "staticmethod" not in decorators(node) else pairs


def may_be_silent(node: Function | ast.ClassDef) -> bool:
    """Whether a definition needs no docstring: its class, or the function it overloads, has one."""
    return isinstance(node, Function) and (node.name == "__init__" or "overload" in decorators(node))


def is_boolean(parameter: ast.arg, default: ast.expr | None) -> bool:
    annotation = ast.unparse(parameter.annotation) if parameter.annotation else ""
    by_default = isinstance(default, ast.Constant) and isinstance(default.value, bool)
    return by_default or "bool" in annotation.split(" | ")


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def lines_of(problems: Iterable[str]) -> str:
    return "\n".join(("", *problems))


def test_top_level_has_the_known_files_and_folders():
    missing = sorted(name for name in FILES | FOLDERS if not (ROOT / name).exists())
    assert not missing
    unknown = sorted({path.split("/")[0] for path in tracked_files()} - FILES - FOLDERS)
    assert not unknown


def test_license_is_apache_2():
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_data_holds_only_its_page_in_git():
    assert [path for path in tracked_files() if path.startswith("data/") and path != "data/README.md"] == []


def test_module_is_at_most_400_lines():
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE_LINES} == {}


def test_module_is_named_after_what_it_does():
    assert [name_of(path) for path in MODULES if path.stem in NAMES_THAT_SAY_NOTHING] == []


def test_package_folder_has_tests_of_the_same_name():
    packages = sorted({path.relative_to(PACKAGE).parts[0] for path in MODULES if path.parent != PACKAGE})
    untested = [name for name in packages if not any((ROOT / "tests" / name).rglob("test_*.py"))]
    assert not untested


def test_public_function_takes_at_most_three_positional_parameters():
    crowded = []
    for label, node, method in public_functions():
        names = [parameter.arg for parameter, _ in positional_parameters(node, method=method)]
        if len(names) > MOST_POSITIONAL:
            crowded.append(f"{label}({', '.join(names)})")
    assert not crowded, lines_of(crowded)


def test_public_function_takes_booleans_by_name_only():
    positional = [
        f"{label}({parameter.arg})"
        for label, node, method in public_functions()
        for parameter, default in positional_parameters(node, method=method)
        if is_boolean(parameter, default)
    ]
    assert not positional, lines_of(positional)


def test_public_name_has_a_docstring():
    silent = [name_of(path) for path in MODULES if not ast.get_docstring(parse_module(path))]
    for path in MODULES:
        for label, node, _ in public_definitions(path):
            if not ast.get_docstring(node) and not may_be_silent(node):
                silent.append(label)
    assert not silent, lines_of(silent)


@pytest.mark.parametrize("module", ["esclab", "esclab.cli"])
def test_import_loads_no_heavy_library(module):
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_saved_without_outputs(path):
    kept = [cell for cell in code_cells(path) if cell["outputs"] or cell["execution_count"] is not None]
    assert not kept, f"clear them: .venv/bin/jupyter nbconvert --clear-output --inplace {name_of(path)}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_cell_is_at_most_12_lines(path):
    sources = ["".join(cell["source"]) for cell in code_cells(path)]
    assert [source for source in sources if len(source.splitlines()) > LONGEST_CELL_LINES] == []


def test_tracked_text_names_no_machine_path():
    named = []
    for path in set(tracked_files()) - MAY_NAME_MACHINE_PATHS:
        try:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # a picture or weights
            continue
        named += [f"{path}:{number}" for number, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]
    assert not named, lines_of(named)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see /home/ann/data", True),
        ('"/root/x"', True),
        ("cd ../shared/data", True),
        ("/home/me/birds", False),
        ("https://example.org/home/ann", False),
        ("~/work/notes", False),
        ("out/home/page", False),
    ],
)
def test_machine_path_pattern_knows_paths_from_addresses(text, names):
    assert bool(MACHINE_PATH.search(text)) is names


@pytest.mark.parametrize(
    ("source", "positional", "booleans"),
    [
        ("def f(a, b, c, d): ...", 4, 0),
        ("def f(a, *, b=True): ...", 1, 0),
        ("def f(a, b: bool): ...", 2, 1),
        ("def f(a, b=False): ...", 2, 1),
        ("def f(a: bool | None, b: list[bool]): ...", 2, 1),
    ],
)
def test_parameter_rules_see_what_they_should(source, positional, booleans):
    (node,) = ast.parse(source).body
    found = positional_parameters(node, method=False)
    assert len(found) == positional
    assert sum(is_boolean(*pair) for pair in found) == booleans


def test_every_notebook_goes_into_the_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    inside = {f"notebooks/{path.name}": f"esclab/notebooks/{path.name}" for path in NOTEBOOKS}
    assert wheel["force-include"] == inside
