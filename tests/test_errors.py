from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest

from esclab import errors
from esclab.errors import EsclabError, OptionError, printable

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EsclabError)]


@pytest.mark.parametrize("kind", KINDS)
def test_error_says_where_why_and_what_to_do(kind):
    error = kind(Path("clips/owl.wav"), "holds no samples", "record it again")
    assert str(error) == "clips/owl.wav: holds no samples; record it again."
    assert (error.where, error.cause, error.next_step) == ("clips/owl.wav", "holds no samples", "record it again")


def test_guess_is_a_question():
    assert str(OptionError("model cnn11", "is not known", "did you mean cnn10")).endswith("; did you mean cnn10?")
    assert str(OptionError("a", "b", "did you mean cnn10? Or choose one of c, d")).endswith("one of c, d.")


@pytest.mark.parametrize("kind", KINDS)
def test_error_is_caught_as_esclab_error(kind):
    with pytest.raises(EsclabError):
        raise kind("a", "b", "c")


@pytest.mark.parametrize("travel", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))], ids=["copy", "pickle"])
@pytest.mark.parametrize("kind", KINDS)
def test_error_travels_between_processes_whole(kind, travel):
    error = kind("a.wav", "is cut", "replace it")
    again = travel(error)
    assert type(again) is kind
    assert str(again) == str(error)
    assert (again.where, again.cause, again.next_step) == ("a.wav", "is cut", "replace it")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("owl.wav", "owl.wav"),
        ("Käuzchen 梟 🦉.wav", "Käuzchen 梟 🦉.wav"),
        ("two\nlines\ttab\r", "two\\nlines\\ttab\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("bad\udcff.wav", "bad\\udcff.wav"),
        ("left\u202eright\u200b", "left\\u202eright\\u200b"),
        ("\x85\u2028", "\\x85\\u2028"),
        ("", ""),
    ],
)
def test_printable_escapes_what_a_terminal_would_obey(text, shown):
    assert printable(text) == shown
    printable(text).encode("utf-8")


@pytest.mark.parametrize("part", range(3))
def test_error_message_is_printable_in_each_of_its_parts(part):
    parts = ["a", "b", "c"]
    parts[part] = "x\x1b[2J\n\udc80"
    error = OptionError(*parts)
    assert "x\\x1b[2J\\n\\udc80" in str(error)
    assert str(error).isprintable()
    assert parts[part] in (error.where, error.cause, error.next_step)
