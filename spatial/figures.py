"""Figures for papers: each function takes Axes or makes a new figure, and returns the Axes.

Figures are made without pyplot and stay out of its registry: ``save_figure(axes, "name.pdf")`` writes one,
and in a notebook ``axes.figure`` as the last line shows it.
"""

from __future__ import annotations

from ._figure_canvas import save_figure
from ._figure_distribution import density_ridges, neighbour_histogram
from ._figure_estimates import coefficient_plot, event_study_plot, impacts_plot
from ._figure_moran import moran_over_time, moran_scatter

__all__ = [
    "coefficient_plot",
    "density_ridges",
    "event_study_plot",
    "impacts_plot",
    "moran_over_time",
    "moran_scatter",
    "neighbour_histogram",
    "save_figure",
]
