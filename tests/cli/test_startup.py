"""The command line answers at once, in any terminal, and names its commands."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from typer.main import get_command

from esclab import __version__
from esclab.cli import app, main

COMMANDS = (
    "demo", "datasets", "get", "check", "train", "resume", "cv", "models", "evaluate", "predict",
    "attend", "noise", "sensitivity", "figure4", "explain", "trust", "embed", "errors", "baselines",
)  # fmt: skip
LOADED = """
import sys
from esclab.cli import main
sys.argv = ["esclab", *sys.argv[1:]]
try:
    main()
finally:
    print("loaded:", *sorted({name.split(".")[0] for name in sys.modules}))
"""
TOLD = """
import ast, sys
from esclab.cli import main
for words in ast.literal_eval(sys.argv[1]):
    sys.argv = ["esclab", *words]
    try:
        main()
    except SystemExit as stop:
        print(stop.code, "torch" in sys.modules)
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"], []])
def test_help_loads_no_heavy_library(words):
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=False)
    loaded = set(done.stdout.split("loaded:")[1].split())
    assert "typer" in loaded
    assert loaded.isdisjoint({"torch", "pandas", "plotly", "matplotlib", "scipy", "sklearn"})
    assert "Traceback" not in done.stderr


def test_wrong_name_is_told_before_torch_is_loaded(tmp_path):
    (tmp_path / "page.wav").write_text("<html>")
    run = "ts-cnn10-synth10"
    commands = (
        ("predict", "nowhere", "page.wav"),
        ("predict", run, "missing.wav"),
        ("attend", run, "page.wav"),
        ("explain", run, "page.wav"),
        ("explain", run, "page.wav", "--method", "gradcan"),
        ("explain", run, "page.wav", "--target", "dogs"),
        ("train", "cnn11"),
        ("train", "cnn10", "--dataset", "nothing"),
        ("train", "cnn10", "--dataset", "folder:nowhere"),
        ("train", "cnn10", "--recipe", "slow"),
        ("cv", "cnn10", "cnn11"),
        ("noise", run, "--kind", "pinkish"),
        ("noise", "nowhere"),
    )
    words = [sys.executable, "-c", TOLD, repr(commands)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr.count("esclab: ") == len(commands)
    assert "Traceback" not in done.stderr
    assert done.stdout.splitlines() == [f"2 {False}"] * len(commands)


def test_help_names_no_default_that_contradicts_it(call):
    assert "default: 0" not in call("predict", "--help").stdout
    assert "default: 0" not in call("trust", "--help").stdout.split("--clips-per-class")[1].split("--steps")[0]


def test_installed_command_is_the_main_function():
    (command,) = entry_points(group="console_scripts", name="esclab")
    assert command.value == "esclab.cli:main"
    assert command.load() is main


def test_bad_input_ends_a_process_with_code_2_and_one_sentence():
    code = "import sys; from esclab.cli import main; main()"
    words = ["predict", "no-such-run", "sound.wav"]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("esclab: no-such-run: is neither a run folder nor a shipped run; ")
    assert done.stderr.count("\n") == 1


def test_known_commands_are_there():
    assert set(COMMANDS) <= set(get_command(app).commands)


@pytest.mark.parametrize("name", sorted(get_command(app).commands))
def test_command_explains_itself_and_its_options(call, name):
    command = get_command(app).commands[name]
    shown = " ".join(call(name, "--help").stdout.split())
    assert command.help.split(".")[0].split("\n")[0][:60] in shown
    silent = [option.name for option in command.params if not getattr(option, "help", "")]
    assert silent == []


def test_version_is_printed(call):
    assert call("--version").stdout == f"esclab {__version__}\n"


def test_no_command_shows_the_commands(call):
    shown = call("--help").stdout
    for name in COMMANDS:
        assert f"\n  {name} " in shown
