"""Log-determinants of I - aW by a method that the size and the links of W choose."""

from .anchors import Anchored
from .choice import INTERPOLATED_UNITS, LogDeterminant, log_determinant
from .exact import Eigenvalues
from .power_series import PowerSeries

__all__ = [
    "INTERPOLATED_UNITS",
    "Anchored",
    "Eigenvalues",
    "LogDeterminant",
    "PowerSeries",
    "log_determinant",
]
