"""Figures for papers: each function takes Axes or makes a new figure, and returns the Axes.

Figures are made without pyplot and stay out of its registry: ``save_figure(axes, "name.pdf")`` writes one,
and in a notebook ``axes.figure`` as the last line shows it.
"""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".palette": (
        "css_variables",
        "theme",
    ),
    ".canvas": ("save_figure",),
    ".confidence_sets": ("confidence_set_plot",),
    ".mechanisms.comparisons": (
        "group_plot",
        "leave_one_out_plot",
        "mechanism_plot",
        "plausibly_exogenous_plot",
        "specification_curve_plot",
    ),
    ".mechanisms.curves": (
        "marginal_effects_plot",
        "threshold_plot",
        "u_plot",
    ),
    ".mechanisms.simulations": ("decay_plot", "monte_carlo_plot"),
    ".disparities": (
        "centres_plot",
        "convergence_plot",
        "dispersion_plot",
        "inequality_plot",
    ),
    ".distributions": (
        "density_ridges",
        "neighbour_histogram",
        "reference_distribution",
    ),
    ".estimates": (
        "coefficient_plot",
        "impacts_plot",
    ),
    ".measures": (
        "index_plot",
        "resilience_plot",
        "semivariogram_plot",
        "transition_plot",
    ),
    ".events": ("event_study_plot",),
    ".policies": (
        "bacon_plot",
        "balance_plot",
        "drop_one_plot",
        "honest_plot",
        "placebo_plot",
        "policy_plot",
    ),
    ".autocorrelation.distances": ("correlogram_plot", "sweep_plot"),
    ".autocorrelation.scatter": ("moran_scatter",),
    ".autocorrelation.time": ("moran_over_time",),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
