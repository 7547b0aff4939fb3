"""Tests around a specification, and how wrong its assumptions may be before a result falls."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".dependence": ("pesaran_cd",),
    ".distances": ("Sweep", "sweep"),
    ".exogeneity": ("PlausiblyExogenous", "plausibly_exogenous"),
    ".leaving_out": ("LeaveOneOut", "leave_one_out"),
    ".restrictions": ("wald",),
    ".random": ("RandomEffectsFit", "random_effects"),
    ".selection": ("Oster", "oster"),
    ".serial": ("serial_correlation",),
    ".simulation": ("MonteCarlo", "monte_carlo"),
    ".specification": ("VarianceInflation", "hausman", "vif"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
