"""What weights are: how they were made, of what, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd
    import scipy.sparse as sparse

__all__ = ["HasLinks", "Meta"]


@dataclass(frozen=True)
class Meta(Mapping[str, Any]):
    """What the weights are: read as attributes (`meta.kind`) or as a mapping (`meta["kind"]`).

    Parameters
    ----------
    kind : str
        As ``"contiguity"`` or ``"knn"``; ``"given"`` where only the matrix is known.
    parameters : mapping
        What the weights were built with.
    distance_unit : str, optional
        ``"km"`` where distances entered.
    normalization : str
        ``"none"``, ``"row"``, ``"spectral"`` or ``"minmax"``.
    islands : str
        The policy for units without neighbours: ``"raise"``, ``"keep"`` or ``"nearest"``.
    source : str
        What they were made of: cities, values, weights, or the name of a file.
    subset_of : int, optional
        The number of units of the weights that these were cut out of.
    cut_share : float
        The share of the links of these units that led to units left out, and are cut.
    """

    kind: str = "given"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    distance_unit: str | None = None
    normalization: str = "none"
    islands: str = "raise"
    source: str = ""
    subset_of: int | None = None
    cut_share: float = 0.0

    def __getitem__(self, key: str) -> Any:
        if key not in tuple(self):  # by the names: `in self` would ask this method
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return (f.name for f in fields(self))

    def __len__(self) -> int:
        return len(fields(self))

    def cut_note(self, n: int) -> str:
        """Return what was cut out of weights of `n` units, in words; empty where nothing was.

        Examples
        --------
        >>> Meta(subset_of=100, cut_share=0.25).cut_note(40)
        '40 of 100 units; 25.0% of their links led to units left out, and are cut'
        """
        if self.subset_of is None or self.cut_share == 0:
            return ""
        share = "below 0.1%" if self.cut_share < 0.001 else f"{self.cut_share:.1%}"
        return f"{n} of {self.subset_of} units; {share} of their links led to units left out, and are cut"


class HasLinks(Protocol):
    """What weights are made of: ids, links and meta.  What lies below `Weights` takes this."""

    @property
    def ids(self) -> pd.Index[Any]:
        """Unit ids in the order of the rows."""

    @property
    def sparse(self) -> sparse.csr_array:
        """Row i holds the neighbours of unit i."""

    @property
    def meta(self) -> Meta:
        """What the weights are."""
