"""Mechanisms, moderation, heterogeneity, thresholds, U shapes, and variants of a fit."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".groups": ("Heterogeneity", "heterogeneity"),
    ".interactions": ("Moderation", "moderation"),
    ".turning": ("UTest", "u_test"),
    ".mediation": ("Mechanism", "mechanism"),
    ".variants": ("Robustness", "robustness"),
    ".regimes": ("ThresholdFit", "threshold"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
