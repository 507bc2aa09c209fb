"""Why a network answered so: one call for every method of attribution.

To add one, write a function from a `Question` to a map (clip, frame, band) and name it in `METHODS`.
"""

from __future__ import annotations

from esclab.analysis.attribution.clip import attribute_clip, explain_clip
from esclab.analysis.attribution.maps import attribute
from esclab.analysis.attribution.methods import METHODS, MethodEntry, find_method, method_options, methods_for

__all__ = [
    "METHODS",
    "MethodEntry",
    "attribute",
    "attribute_clip",
    "explain_clip",
    "find_method",
    "method_options",
    "methods_for",
]
