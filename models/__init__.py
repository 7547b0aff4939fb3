"""Estimators: spatial simultaneous equations, their special cases, identification, inference."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".data.expressions": (
        "evaluate",
        "holds",
    ),
    ".estimation.steps": ("BoundaryWarning",),
    ".estimation.covariance": (
        "Cluster",
        "Conley",
        "Covariance",
        "DriscollKraay",
        "Heteroskedastic",
        "Homoskedastic",
        "TwoWay",
        "WildBootstrap",
    ),
    ".diagnostics.moran": ("ResidualMoran",),
    ".diagnostics.table": ("Diagnostics",),
    ".identification.anderson_rubin": ("AndersonRubin",),
    ".nonspatial": ("fixed_effects",),
    ".mechanisms": (
        "Heterogeneity",
        "heterogeneity",
        "Mechanism",
        "Robustness",
        "mechanism",
        "robustness",
        "Moderation",
        "ThresholdFit",
        "UTest",
        "moderation",
        "threshold",
        "u_test",
    ),
    ".sensitivity": (
        "LeaveOneOut",
        "Oster",
        "PlausiblyExogenous",
        "VarianceInflation",
        "hausman",
        "leave_one_out",
        "oster",
        "plausibly_exogenous",
        "RandomEffectsFit",
        "random_effects",
        "serial_correlation",
        "vif",
    ),
    ".limited": ("MarginalEffects", "TobitFit", "tobit"),
    ".hypothesis": ("HypothesisTest",),
    ".quasi_score.estimator": ("NoRootWarning",),
    ".identification.verdict": ("Identification",),
    ".impacts.result": ("Impacts",),
    ".policy.difference": ("did",),
    ".policy.result": ("DifferenceInDifferences",),
    ".system": (
        "SpatialSystem",
        "WeakInstrumentWarning",
    ),
    ".impacts.stability": ("Stability",),
    ".results": ("SystemFit",),
    ".formula.grammar": ("parse_formula",),
    ".compat": ("stata_gs3sls",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
