"""environment.yml, constraints.txt and CITATION.cff keep in step with pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def parse_requirements(lines: list[str]) -> dict[str, tuple[frozenset[str], str]]:
    """Return extras and bounds by name; the order of bounds, and how a name is spelled, do not count."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): (frozenset(r.extras), str(r.specifier)) for r in requirements}


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def declared(project) -> list[str]:
    return project["dependencies"] + project["optional-dependencies"]["dev"]


@pytest.fixture(scope="module")
def environment() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pip_lines(environment) -> list[str]:
    (section,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    return section


@pytest.fixture(scope="module")
def pip_options(pip_lines) -> list[str]:
    return [line for line in pip_lines if line.startswith("-")]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines)}


def test_environment_has_every_dependency_with_the_same_bound(declared, pip_lines, pip_options):
    listed = [line for line in pip_lines if line not in pip_options]
    assert parse_requirements(listed) == parse_requirements(declared)


def test_environment_installs_esclab_itself_at_the_locked_versions(environment, pip_options):
    assert environment["name"] == "esclab"
    assert pip_options == ["--constraint constraints.txt", "--editable ."]


def test_environment_python_fits_the_project(project, environment):
    (python,) = [entry for entry in environment["dependencies"] if str(entry).startswith("python=")]
    bound = Requirement(f"python{project['requires-python']}").specifier
    assert python.removeprefix("python=") in bound


def test_constraints_pin_every_dependency_within_its_bound(declared, pins):
    requirements = [Requirement(line) for line in declared]
    missing = [r.name for r in requirements if canonicalize_name(r.name) not in pins]
    assert not missing
    outside = [r for r in requirements if pins[canonicalize_name(r.name)] not in r.specifier]
    assert not outside


def test_constraints_hold_the_torch_that_loads_its_torchaudio(pins):
    assert pins["torch"] == pins["torchaudio"]


def test_citation_names_the_version_and_five_papers(project):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    papers = citation["references"]
    assert len(papers) == 5
    assert all(paper["title"] and paper["authors"] and (paper.get("doi") or paper.get("url")) for paper in papers)


def test_changelog_describes_the_version(project):
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_package_and_project_agree_on_the_version(project):
    import esclab

    assert esclab.__version__ == project["version"]
