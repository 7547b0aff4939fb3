"""Further measures of association in space: rates, local Geary, join counts, correlograms, Lee's L, LOSH."""

from __future__ import annotations

from spatial.names import hand_on

_MODULES = {
    ".changes": ("differential_local_moran", "differential_moran", "quantile_lisa"),
    ".differences": ("LocalGeary", "local_geary"),
    ".distances": ("Correlogram", "Semivariogram", "correlogram", "semivariogram"),
    ".heteroscedasticity": ("LocalHeteroscedasticity", "losh"),
    ".joins": ("JoinCounts", "LocalJoinCounts", "join_counts", "local_join_counts"),
    ".regionalisation": ("Regions", "regions"),
    ".rates": ("eb_rate", "local_moran_rate", "moran_rate", "spatial_rate"),
    ".smoothed": ("LeeL", "lee"),
}
__all__, __getattr__, __dir__ = hand_on(__name__, _MODULES)
