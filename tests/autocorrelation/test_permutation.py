"""The permutation kernel: each permutation as likely, each sum exact, whatever the workers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sparse
from lattice import grid
from scipy import stats

from spatial.autocorrelation.global_moran import moran
from spatial.autocorrelation.moments import build_constants, moran_moments
from spatial.compute import draws
from spatial.compute.compiled import mix
from spatial.compute.counters import stream_key
from spatial.compute.draws import uniform_permutations
from spatial.compute.links import LAGS, PAIRS, build_links, links_of_rows
from spatial.compute.permutation import permute_bilinear, permute_quadratic
from spatial.compute.permutation_kernels import draw_places, permutation_rows, permute_links
from spatial.compute.threads import check_workers, run_tasks, wants_bar
from spatial.errors import DataError


def random_links(n: int, k: int, seed: int) -> sparse.csr_array:
    """Return asymmetric random weights with k links a row, nobody near in the order of the rows."""
    rng = np.random.default_rng(seed)
    rows, columns = np.repeat(np.arange(n), k), rng.integers(0, n, n * k)
    matrix = sparse.csr_array((rng.random(n * k), (rows, columns)), shape=(n, n))
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    return matrix


# ---- the permutation kernel
def landings(values: np.ndarray[Any, Any], positions: np.ndarray[Any, Any], runs: int, seed: int = 0) -> Any:
    """Return sum_i c_i z_pi(i) for many permutations: with suitable c it spells out the permutation."""
    n = len(values)
    return permute_quadratic(
        values,
        sparse.csr_array((n, n)),
        linear=positions,
        permutations=runs,
        seed=seed,
        workers=2,
        progress=None,
        label="test",
    )


def test_each_of_120_permutations_is_as_likely() -> None:
    codes = landings(np.arange(5.0), 10.0 ** np.arange(5), 24_000)
    seen, counts = np.unique(codes, return_counts=True)
    assert len(seen) == 120
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("n", [9, 4097, 20_000])
def test_a_value_lands_anywhere_and_two_land_independently(n: int) -> None:
    # 4097 and 20,000 values are dealt into 2 and 8 buckets first.
    values = np.zeros(n)
    runs = 4000
    values[3] = 1.0
    one = landings(values, np.arange(n, dtype=float), runs)
    few = min(n, 40)
    assert stats.chisquare(np.bincount((one * few / n).astype(int), minlength=few)).pvalue > 1e-4
    values[[3, n - 1]] = 1.0, float(n)
    both = landings(values, np.arange(n, dtype=float), runs)
    last, first = np.divmod(both, n)
    assert np.array_equal(first, one)
    assert not (last == first).any()
    # Correlation of two places among n is -1/(n - 1).
    assert abs(np.corrcoef(first, last)[0, 1] + 1 / (n - 1)) < 4 / np.sqrt(runs)


def test_a_permutation_keeps_the_values() -> None:
    x = np.random.default_rng(0).normal(size=9000)
    matrix = random_links(9000, 3, 1)
    both = sparse.csr_array(matrix + matrix.T)
    links = build_links(both)
    with pytest.raises(ValueError, match="a symmetric matrix"):
        build_links(sparse.csr_array(np.tri(4)))
    kept = permute_quadratic(
        x,
        sparse.csr_array((9000, 9000)),
        square=np.ones(9000),
        permutations=20,
        seed=1,
        workers=1,
        progress=None,
        label="test",
    )
    assert np.allclose(kept, x @ x, rtol=1e-12)
    total = permute_quadratic(
        np.ones(9000), both, permutations=9, seed=1, workers=1, progress=None, label="test"
    )
    assert np.allclose(total, links.weights.sum(), rtol=1e-12)


def test_the_quadratic_form_is_that_of_the_permuted_values() -> None:
    n = 7
    matrix = random_links(n, 3, 2)
    both = sparse.csr_array(matrix + matrix.T)
    z = np.arange(n, dtype=float)
    codes = landings(z, 10.0 ** np.arange(n), 50, seed=4)
    permuted = (codes[:, None] // 10.0 ** np.arange(n)) % 10
    out = permute_quadratic(z, both, permutations=50, seed=4, workers=1, progress=None, label="test")
    assert np.allclose(out, np.einsum("pi,ij,pj->p", permuted, matrix.toarray(), permuted), rtol=1e-12)


def test_far_links_are_brought_near_and_all_counted() -> None:
    # A ring whose units were shuffled: far apart in the order of the rows, so they are put in order first.
    n = 12_000
    order = np.random.default_rng(3).permutation(n)
    ring = sparse.csr_array((np.ones(n), (order, np.roll(order, 1))), shape=(n, n))
    both = sparse.csr_array(ring + ring.T)
    links = build_links(both)
    assert links.reach < 100
    assert len(links.heads) == n
    assert sorted(links.order) == list(range(n))
    z = np.random.default_rng(4).normal(size=n)
    z -= z.mean()
    drawn = (
        n
        / (n * (z @ z))
        * permute_quadratic(z, both, permutations=400, seed=0, workers=2, progress=None, label="test")
    )
    moments = moran_moments(z, build_constants(ring))
    deviations = (drawn - moments.expected) / np.sqrt(moments.variance_randomisation)
    assert abs(deviations.mean()) < 4 / np.sqrt(400)
    assert deviations.std() == pytest.approx(1, abs=4 / np.sqrt(800))


@pytest.mark.parametrize("near", [10, 4096])
@pytest.mark.parametrize("n", [300, 9_000, 50_000])
def test_forms_of_pairs_are_those_of_the_permutations(
    n: int, near: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spatial.compute.permutation.BUCKET", 10)
    monkeypatch.setattr("spatial.compute.links._NEAR", near)
    rng = np.random.default_rng(n)
    heads = np.repeat(np.arange(n), 3)
    tails = np.clip(heads + rng.integers(-40, 40, len(heads)), 0, n - 1)
    matrix = sparse.csr_array((rng.random(len(heads)), (heads, tails)), shape=(n, n))
    x, y = rng.normal(size=(2, n))
    links = links_of_rows(matrix)
    assert near == 4096 or not np.array_equal(links.order, np.arange(n))
    order = links.order
    placed = sparse.csr_array(matrix[order][:, order])
    rows = uniform_permutations(n, 0, 6, seed=4)
    options = {"permutations": 6, "seed": 4, "progress": None, "label": "test"}
    for lags in (False, True):
        left = placed @ x[rows] if lags else x[rows]
        found = [permute_bilinear(x, y, matrix, lags=lags, workers=w, **options) for w in (1, 3)]
        np.testing.assert_allclose(found[0], (left * (placed @ y[rows])).sum(axis=0), rtol=1e-9, atol=1e-8)
        assert np.array_equal(*found)


@pytest.mark.parametrize("n", [5, 6, 300, 4096])
def test_arrays_and_compiled_kernels_give_the_same_bits(n: int) -> None:
    rng = np.random.default_rng(n)
    matrix = random_links(n, 4, 1)
    both = sparse.csr_array(matrix + matrix.T)
    z, square = rng.normal(size=(2, n))
    options = {"permutations": 101, "seed": 3, "stream": 2, "workers": 2, "progress": None, "label": "test"}
    for own in ({}, {"square": square}, {"linear": z, "square": square}):
        compiled = permute_links(z, build_links(both), **own, **options)
        assert np.array_equal(permute_quadratic(z, both, **own, **options), compiled)
    for lags in (False, True):
        form = LAGS if lags else PAIRS
        compiled = permute_links(np.stack([z, square]), links_of_rows(matrix), form=form, **options)
        assert np.array_equal(permute_bilinear(z, square, matrix, lags=lags, **options), compiled)
    rows = uniform_permutations(n, 7, 9, seed=1)
    assert np.array_equal(rows, permutation_rows(n, 7, 9, stream_key(1, 0)))
    assert (np.sort(rows, axis=0) == np.arange(n)[:, None]).all()


def test_draws_that_must_be_made_again_are_made_as_the_kernel_makes_them() -> None:
    m, keys = 40_000, np.arange(1, 25, dtype=np.uint64) * np.uint64(7919)  # some four of them draw again
    expected = np.empty((m, len(keys)), dtype=np.int64)
    places = np.empty(m + 2, np.uint32)
    for p, key in enumerate(keys):
        draw_places(m, key, places)
        expected[:, p] = places[:m]
    assert np.array_equal(draws._places(m, keys), expected)


def split_mix(counter: Any) -> Any:
    """Steele, Lea and Flood's SplitMix64, written again."""
    x = (counter ^ (counter >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def test_split_mix_is_the_published_generator() -> None:
    # First outputs from seed 1234567, as printed with Vigna's splitmix64.c.
    step = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        first = [int(mix(np.uint64(1234567) + step * np.uint64(k))) for k in (1, 2, 3)]
    assert first == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_places_are_lemires_also_where_a_draw_is_made_again() -> None:
    m, step = 60_000, np.uint64(0x9E3779B97F4A7C15)
    places, again = np.empty(m + 2, np.uint32), 0
    bounds = np.arange(1, m + 1, dtype=np.uint64)
    least = np.uint64(2**32) % bounds
    with np.errstate(over="ignore"):
        for key in np.arange(1, 40, dtype=np.uint64) * np.uint64(7919):
            draw_places(m, key, places)
            words = split_mix(key + np.arange(1, m // 2 + 1, dtype=np.uint64) * step)
            halves = np.column_stack([words & np.uint64(2**32 - 1), words >> np.uint64(32)]).ravel()
            product = halves * bounds
            refused = np.flatnonzero((product & np.uint64(2**32 - 1)) < least)
            again += len(refused)
            expected = product >> np.uint64(32)
            assert np.array_equal(np.delete(places[:m], refused), np.delete(expected, refused))
            assert (places[refused] <= refused).all()
    assert again > 0


# ---- threads and progress
def test_workers_and_bars(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert check_workers(None) == (os.cpu_count() or 1)
    assert wants_bar(None, 60.0) is False  # not on a terminal
    assert wants_bar(True, 0.0) is True
    x, W = grid(5)
    moran(x, W, permutations=40, progress=True)
    assert "Moran's I of x" in capsys.readouterr().err


def test_an_error_in_a_thread_reaches_the_caller() -> None:
    class Broken:
        def prepare(self) -> Callable[[int], int]:
            def work(task: int) -> int:
                raise DataError(f"task {task}")

            return work

    with pytest.raises(DataError, match="task 0"):
        run_tasks(
            [0],
            Broken(),
            lambda task, part: task + part,
            workers=2,
            total=1,
            seconds=9.0,
            progress=False,
            label="test",
        )


def test_where_no_cache_folder_can_be_written_kernels_still_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    import spatial.compute.compiled as jit

    real = jit.njit

    def no_cache(*signature: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function 'f': no locator available for file 'f.py'")
        return real(*signature, **options)

    monkeypatch.setattr(jit, "njit", no_cache)
    assert jit.compiled("int64(int64)")(lambda a: a + 1)(2) == 3

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("something else")

    monkeypatch.setattr(jit, "njit", broken)
    with pytest.raises(RuntimeError, match="something else"):
        jit.compiled("int64(int64)")(lambda a: a)


def test_what_a_module_compiles_as_it_is_imported_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numba

    from spatial.compute.compiled import import_kept

    real = numba.njit
    (tmp_path / "compiles_at_once.py").write_text(
        "from numba import njit\n\n"
        "@njit('int64(int64)')\ndef one_more(a):\n    return a + 1\n\n"
        "@njit\ndef later(a):\n    return a\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    made = import_kept("compiles_at_once")
    assert made.one_more(2) == 3
    assert list((tmp_path / "__pycache__").glob("compiles_at_once.one_more-*.nbi"))
    assert not list((tmp_path / "__pycache__").glob("compiles_at_once.later-*"))
    assert numba.njit is real
