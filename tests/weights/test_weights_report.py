"""The report of weights: against R, by hand, and by the algebra of eigenvalues."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal import examples

from spatial.errors import SpatialWarning, WeightsError
from spatial.weights import Meta, Weights, as_weights, read
from spatial.weights.report import spectrum
from spatial.weights.report.report import WeightsReport

mpl.use("Agg")


def columbus() -> Weights:
    return read(examples.get_path("columbus.gal"))


def delaunay(n: int) -> Weights:
    from scipy.spatial import Delaunay

    corners = Delaunay(np.random.default_rng(3).random((n, 2))).simplices
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    return Weights.from_sparse(sp.csr_array((np.ones(len(edges)), edges.T), shape=(n, n)))


def nearest(n: int, k: int) -> Weights:
    from scipy.spatial import cKDTree

    points = np.random.default_rng(5).random((n, 2))
    columns = cKDTree(points).query(points, k + 1)[1][:, 1:].ravel()
    return Weights.from_sparse(
        sp.csr_array((np.ones(n * k), (np.repeat(np.arange(n), k), columns)), shape=(n, n))
    )


def signed(matrix: Any) -> Weights:
    """Weights with some below zero, of which the doors warn."""
    with pytest.warns(SpatialWarning, match="negative, in rows of"):
        return Weights.from_sparse(sp.csr_array(matrix))


PARTS = Weights.from_dense(
    [
        [0, 2.0, 0, 0, 0, 0],
        [2.0, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 0, 0, 5, 0],
        [0, 0, 0, 4, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ],
    ids=list("abcdef"),
    meta=Meta("flow", {"year": 2020}, "km", "none", "keep", "rail"),
)


# ---- outside truth
@pytest.mark.evidence("Weights.report", source="spdep 1.4-2 and spatialreg 1.4-2, columbus")
def test_columbus_against_spdep_and_spatialreg() -> None:
    """R 4.2.2, spdep 1.4-2, spatialreg 1.4-2: queen neighbours of Columbus, row-standardised.

    `eigen_range` of b_spatialreg_columbus.json, S0 of the binary weights and the components of
    a_spdep_columbus.json.
    """
    report = columbus().row_standardized().report()
    assert report.omega_min == pytest.approx(-0.651661197631565, abs=2e-14)
    assert report.omega_max == 1.0
    assert report.lambda_range == (pytest.approx(1 / -0.651661197631565, rel=1e-13), 1.0)
    assert (report.n, report.n_links, report.n_components) == (49, 236, 1)
    assert report.density == 236 / 2401
    assert columbus().report().row_sum_max == 10


# ---- by hand
def test_facts_by_hand() -> None:
    report = PARTS.report()
    assert report.component_sizes == (3, 2, 1)
    assert report.islands.tolist() == ["f"]
    assert report.neighbors.to_dict() == {0: 1, 1: 4, 2: 1}
    assert (report.neighbors_min, report.neighbors_median, report.neighbors_max) == (0, 1.0, 2)
    assert report.neighbors_mean == 1.0
    assert (report.row_sum_min, report.row_sum_median, report.row_sum_max) == (0, 2.5, 5)
    assert (report.symmetric_pattern, report.symmetric_values) == (True, False)
    # Blocks: +-sqrt(5) of the chain a-b-c, +-sqrt(20) of the pair d-e, and 0.
    assert report.spectral_radius == pytest.approx(np.sqrt(20), rel=1e-14)
    assert report.lambda_range == (pytest.approx(-1 / np.sqrt(20)), pytest.approx(1 / np.sqrt(20)))
    assert (report.kind, report.source, report.distance_unit) == ("flow", "rail", "km")
    assert (report.normalization, report.islands_policy, report.parameters) == (
        "none",
        "keep",
        {"year": 2020},
    )


def test_symmetry_and_own_weights() -> None:
    one_way = Weights.from_dense([[0.5, 1.0], [0, 0]]).report()
    assert (one_way.symmetric_pattern, one_way.symmetric_values, one_way.n_own) == (False, False, 1)
    assert "  symmetric           no" in str(one_way)
    both = Weights.from_dense([[0, 3.0], [3.0, 0]]).report()
    assert (both.symmetric_pattern, both.symmetric_values, both.n_own) == (True, True, 0)
    assert "  symmetric           yes, links and weights" in str(both)


# ---- eigenvalues
def real_ends(W: Weights) -> tuple[float, float, float]:
    values = np.linalg.eigvals(W.sparse.toarray())
    real = values[np.abs(values.imag) < 1e-12].real
    return real.min(), real.max(), np.abs(values).max()


@pytest.mark.slow
@pytest.mark.parametrize("row", [False, True])
@pytest.mark.parametrize(
    ("W", "how"),
    [
        (delaunay(150), "exact"),
        (nearest(150, 4), "exact, in part complex"),
        (delaunay(1200), "ends by Arnoldi iterations"),
        (nearest(450, 5), "ends by Arnoldi iterations"),
    ],
    ids=["symmetric", "general", "Lanczos", "Arnoldi"],
)
def test_ends_of_the_spectrum_are_those_of_the_dense_matrix(W: Weights, how: str, row: bool) -> None:
    W = W.row_standardized() if row else W
    found = W.report().spectrum
    assert found is not None
    assert how in found.method
    expected = real_ends(W)
    np.testing.assert_allclose([found.least, found.largest, found.radius], expected, rtol=1e-8)
    if row:
        assert (found.radius, found.largest, found.upper) == (1.0, 1.0, 1.0)


def test_scaled_symmetric_weights_have_real_eigenvalues() -> None:
    """Rows of symmetric weights divided by any positive numbers: found as the symmetric twin."""
    rng = np.random.default_rng(11)
    base = delaunay(60).sparse.toarray() * rng.random((60, 60))
    scaled = (base + base.T) / rng.uniform(0.1, 9, 60)[:, None]
    found = Weights.from_dense(scaled).report().spectrum
    assert found is not None
    assert found.method == "exact"
    np.testing.assert_allclose(
        [found.least, found.largest], real_ends(Weights.from_dense(scaled))[:2], rtol=1e-10
    )
    skewed = scaled.copy()
    row, column = np.argwhere(skewed)[0]
    skewed[row, column] *= 3
    assert spectrum._symmetric_twin(sp.csr_array(skewed)) is None


@settings(max_examples=25, deadline=None, database=None)
@given(data=st.data(), n=st.integers(2, 7))
def test_no_lambda_in_the_range_is_singular(data: Any, n: int) -> None:
    cells = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0])
    matrix = np.array(data.draw(st.lists(cells, min_size=n * n, max_size=n * n))).reshape(n, n)
    low, high = Weights.from_dense(matrix).report().lambda_range or (0, 0)
    for share in (-0.999, -0.5, 0.5, 0.999):
        value = share * min(abs(low if share < 0 else high), 1e3)
        assert np.linalg.slogdet(np.eye(n) - value * matrix)[0] == 1.0


def test_weights_without_cycles_allow_every_lambda() -> None:
    """Upstream to downstream: all eigenvalues are 0, which rounding must not blur."""
    rng = np.random.default_rng(2)
    order = rng.permutation(60)
    river = np.triu(rng.random((60, 60)), 1)[np.ix_(order, order)]
    report = Weights.from_dense(river).report()
    assert report.lambda_range == (-np.inf, np.inf)
    assert "admissible lambda   -infinity < lambda < infinity" in str(report)
    assert Weights.from_dense(np.zeros((2, 2))).report().lambda_range == (-np.inf, np.inf)
    # A row-standardised river that ends in a unit without neighbours has no eigenvalue 1.
    river[order[-1]] = 0
    assert Weights.from_dense(river).row_standardized().report().spectral_radius == 0


def test_row_standardised_weights_with_islands_keep_the_eigenvalue_one() -> None:
    report = PARTS.row_standardized().report()
    assert (report.omega_max, report.spectral_radius) == (1.0, 1.0)
    assert report.lambda_range == (pytest.approx(-1.0, abs=1e-12), 1.0)


def test_negative_weights() -> None:
    W = signed([[0, -2.0], [-2.0, 0]])
    assert W.report().lambda_range == (pytest.approx(-0.5, rel=1e-14), pytest.approx(0.5, rel=1e-14))
    big = signed(-nearest(450, 5).sparse)
    least, largest, radius = real_ends(big)
    found = big.report().spectrum
    assert found is not None
    np.testing.assert_allclose(
        [found.least, found.largest, found.radius], [least, largest, radius], rtol=1e-8
    )


def test_where_iterations_do_not_settle_the_bound_is_safe_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    W = delaunay(1200)
    exact, standard = W.report(), W.row_standardized().report()
    monkeypatch.setattr(spectrum, "_extreme", lambda *_: None)
    bound = W.report()
    assert bound.spectral_radius == W.cardinalities.max()
    assert bound.lambda_range == (-1 / W.cardinalities.max(), 1 / W.cardinalities.max())
    assert "a bound from row and column sums, always safe" in " ".join(str(bound).split())
    assert exact.lambda_range is not None
    assert exact.lambda_range[0] < bound.lambda_range[0] < bound.lambda_range[1] < exact.lambda_range[1]
    row = W.row_standardized().report()
    assert row.lambda_range == (-1.0, 1.0)
    assert np.isnan(row.omega_min or 0)
    assert "from ? to 1 (radius from the row sums; ends without a real eigenvalue" in " ".join(
        str(row).split()
    )
    assert standard.lambda_range is not None
    assert standard.lambda_range[0] < -1.0


def test_iterations_give_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum, "_STEPS", 1)
    n = 40
    path = sp.diags_array([np.ones(n - 1)] * 2, offsets=[1, -1])
    lattice = sp.kron(path, sp.eye_array(n)) + sp.kron(sp.eye_array(n), path)
    assert Weights.from_sparse(sp.csr_array(lattice)).row_standardized().report().lambda_range == (
        -1.0,
        1.0,
    )


def test_a_ring_of_odd_length_has_complex_ends() -> None:
    n = 501
    ring = sp.csr_array((np.ones(n), (np.arange(n), (np.arange(n) + 1) % n)), shape=(n, n))
    assert Weights.from_sparse(ring).report().lambda_range == (-1.0, 1.0)


# ---- order and equality
def test_order_of_the_units_does_not_matter() -> None:
    W = columbus().row_standardized()
    one = W.report()
    two = W.reordered(np.random.default_rng(1).permutation(W.ids)).report()
    left, right = one.glance().drop(columns=["source"]), two.glance().drop(columns=["source"])
    pd.testing.assert_frame_equal(left, right, rtol=1e-12)
    assert str(one) == str(columbus().row_standardized().report())


def test_libpysal_weights_are_described_too() -> None:
    for theirs in (columbus().to_graph(), columbus().to_w()):
        assert as_weights(theirs).report().n_links == 236


# ---- show
def test_summary_text() -> None:
    assert str(PARTS.report()) == (
        """Spatial weights: flow

  units               6
  links               3 links (6 entries), 16.67% of the matrix
  components          3, of 3, 2, 1 units
  islands             'f'
  neighbours          min 0, median 1, mean 1.00, max 2
  row sums            min 0, median 2.5, max 5
  own weights         none
  symmetric           links yes, weights no
  parameters          year = 2020
  distance unit       km
  normalisation       none
  islands policy      keep
  source              rail
  spectral radius     4.47214
  real eigenvalues    from -4.4721 to 4.4721 (exact)
  admissible lambda   -0.2236 < lambda < 0.2236

  neighbours  units
           0      1  ##########
           1      4  ########################################
           2      1  ##########

To mind
  - 1 of 6 units have no neighbours, so that their spatial lag is 0: 'f'. Link them
    (islands='nearest', bridge=) or drop them.
  - the map falls into 2 parts that do not reach each other, of 3, 2 units. Link them with
    bridge=, or take k nearest neighbours."""
    )
    assert repr(PARTS.report()) == "<WeightsReport flow: 6 units, 3 links (6 entries)>"
    one_way = Weights.from_dense([[0, 1.0, 1], [0, 0, 1], [0, 0, 2]]).report()
    assert one_way.headline() == "given: 3 units, 4 directed links"
    own = Weights.from_dense([[3, 1.0], [1, 0]]).report()
    assert own.links_in_words() == "1 link and 1 own weight (3 entries)"
    assert Weights.from_dense(np.zeros((2, 2))).report().links_in_words() == "0 links"


def test_long_histograms_are_binned() -> None:
    n = 60
    steps = np.triu(np.ones((n, n)), 1)
    text = str(Weights.from_dense(steps).report(spectrum=False))
    assert "       0-4      5  ####" in text
    assert "     55-59      5  ####" in text
    assert "eigenvalues         not computed (spectrum=False)" in text


def test_tidy_and_glance() -> None:
    report = PARTS.report()
    glance = report.glance()
    assert glance.shape[0] == 1
    assert glance.loc[0, ["n", "n_links", "n_components", "n_islands", "largest_component"]].tolist() == [
        6,
        6,
        3,
        1,
        3,
    ]
    assert glance.loc[0, "lambda_max"] == pytest.approx(1 / np.sqrt(20))
    tidy = report.tidy()
    assert tidy.columns.tolist() == ["item", "value"]
    facts = tidy.set_index("item")["value"]
    assert facts["islands"] == ["f"]
    assert facts["parameters"] == {"year": 2020}
    assert facts["units with 1 neighbours"] == 4
    assert facts["warning 1"].startswith("1 of 6 units have no neighbours")
    without = PARTS.report(spectrum=False)
    assert without.lambda_range is None
    assert without.spectral_radius is None
    assert without.omega_min is None
    assert without.omega_max is None
    assert without.glance().loc[0, "lambda_min"] is None


def test_plot_of_the_histogram() -> None:
    import matplotlib.pyplot as plt

    ax = PARTS.report().plot()
    assert [bar.get_height() for bar in ax.patches] == [1, 4, 1]
    assert ax.patches[0].get_facecolor() != ax.patches[1].get_facecolor() == ax.patches[2].get_facecolor()
    assert [t.get_text() for t in ax.texts] == ["1", "4", "1"]
    assert "Mean 1.00; 1 without neighbours" in [t.get_text() for t in ax.figure.texts]
    figure, given_ax = plt.subplots()
    assert columbus().report().plot(ax=given_ax) is given_ax
    assert "Neighbours of 49 units" in given_ax.get_title(loc="left")
    figure.canvas.draw()
    plt.close(figure)


# ---- what to mind
def star(n: int) -> Weights:
    matrix = np.zeros((n, n))
    matrix[0, 1:] = matrix[1:, 0] = 1
    return Weights.from_dense(matrix)


@pytest.mark.parametrize(
    ("W", "text"),
    [
        (star(20), "the largest row sum is 19 times the median, at 0: sums must stay bounded .* Normalise"),
        (
            star(20).row_standardized(),
            "the largest column sum is 361 times the median, at 0: .* sways many others",
        ),
        (Weights.from_dense(np.ones((40, 40)) - np.eye(40)), "W is dense, 98% of all pairs are linked"),
        (
            Weights.from_dense([[1.0, 1], [1, 0]]),
            "1 units are their own neighbour; models with a spatial lag",
        ),
        (signed([[0, -1.0], [1, 0]]), "1 weights are negative"),
    ],
    ids=["row", "column", "dense", "own", "negative"],
)
def test_warnings(W: Weights, text: str) -> None:
    found = W.report().warnings
    assert len(found) >= 1
    assert any(pd.Series([warning]).str.contains(text).item() for warning in found)


def test_ordinary_weights_give_no_warning() -> None:
    assert columbus().report().warnings == ()
    assert isinstance(columbus().report(), WeightsReport)


def test_what_cannot_be_described() -> None:
    with pytest.raises(
        WeightsError, match=r"A report needs weights with at least one unit; these have none\."
    ):
        Weights(pd.Index([]), sp.csr_array((0, 0))).report()
