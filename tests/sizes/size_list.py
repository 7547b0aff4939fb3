"""The list of all printed p-values and intervals with the size, or coverage, that each must keep.

A row is a `Size`: what is printed, in which design it is measured, and between which bounds.  Each part of
the project has its rows in a file of its own; here they become one list.  A function that makes a p-value
and is named by no row fails `test_each_p_value_has_a_row`.
"""

from __future__ import annotations

from size_engine import Size
from sizes_of_association import ASSOCIATION
from sizes_of_few import FEW
from sizes_of_joint import JOINT
from sizes_of_likelihood import LIKELIHOOD
from sizes_of_models import MODELS
from sizes_of_policy import POLICY
from sizes_of_spreg import SPREG
from sizes_of_statistics import STATISTICS
from sizes_of_toolkit import TOOLKIT

__all__ = ["NO_TEST", "SIZES", "TO_MEASURE"]

SIZES: list[Size] = [
    *STATISTICS,
    *ASSOCIATION,
    *FEW,
    *JOINT,
    *LIKELIHOOD,
    *MODELS,
    *POLICY,
    *SPREG,
    *TOOLKIT,
]  # one a line, so that two who add do not meet

# Functions that make a probability but print no test of their own.
NO_TEST = {
    "spatial.compute.pvalues:normal_p": "the normal tail itself",
    "spatial.models.hypothesis:HypothesisTest.p_value": "the tail of whatever statistic a test has",
    "spatial.models.hypothesis:wald": "the quadratic form; the tests that call it have rows",
    "spatial.models.identification.strength:cragg_donald": "has no distribution: prints no p-value",
    "spatial.models.limited.margins:slopes_of": "probabilities of the model itself",
    "spatial.tables.printed.checking:_count": "p-values that others printed, computed again",
}

# Tests that have no row yet.  It only ever gets shorter.
TO_MEASURE: set[str] = set()
