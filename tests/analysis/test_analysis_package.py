from __future__ import annotations

import subprocess
import sys

import pytest

import esclab.analysis


@pytest.mark.parametrize("name", esclab.analysis.__all__)
def test_public_name_is_found_documented_and_listed(name):
    assert getattr(esclab.analysis, name).__doc__
    assert name in dir(esclab.analysis)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = esclab.analysis.no_such_thing


def test_importing_every_analysis_loads_no_heavy_library():
    code = (
        "import sys, esclab.analysis as analysis\n"
        "assert 'pandas' not in sys.modules\n"
        "[getattr(analysis, name) for name in analysis.__all__]\n"
        "heavy = {'torch', 'sklearn', 'scipy', 'statsmodels', 'matplotlib', 'plotly'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
