"""The values of a study - panel, weights, fits, effects - made once, when a step asks, with their keys."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import spatial as sp
from spatial.errors import SpatialError
from spatial.models.specs import covariance_of

from .cache import code_digest, digest
from .checks import fit_names, weights_names
from .data import Loaded, cleaned, content_digest, databases, labels_of, time_of
from .problems import public
from .schema import study as schema
from .weights import build_weights, column_of, nested_in

__all__ = ["Values"]


class Values:
    """What steps work on.  Each value has a key, a digest of all that it depends on.

    Parameters
    ----------
    study : Study
    folder : Path
        Of the study file.
    loaded : Loaded
    files : dict of str to str
        Name of each input file to its digest.
    """

    def __init__(self, study: schema.Study, folder: Path, loaded: Loaded, files: dict[str, str]) -> None:
        self.study, self.folder, self.loaded, self.files = study, folder, loaded, files
        self._known: dict[str, tuple[Any, list[Warning]]] = {}
        read = content_digest(loaded) if databases(study) else ""
        self.data_key = digest(code_digest(), public(study.data.model_dump()), files, read)
        formulas = [(name, v.formula) for name, v in study.variables.items() if v.formula]
        self.panel_key = digest(self.data_key, [s.model_dump() for s in study.cleaning], formulas)
        words = {n: v.model_dump(exclude={"formula"}) for n, v in study.variables.items()}
        self.words_key = digest(study.language, words)

    def once(self, key: str, make: Callable[[], Any]) -> Any:
        """Return a value, made at most once; its warnings are heard by every step that uses it."""
        if key not in self._known:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    value = make()
                except SpatialError as error:
                    value = error
            heard = [w.message for w in caught if isinstance(w.message, Warning)]
            self._known[key] = (value, heard)
        value, heard = self._known[key]
        for message in heard:
            warnings.warn(message, stacklevel=2)
        if isinstance(value, SpatialError):
            raise value
        return value

    # ---- data
    @property
    def cities(self) -> Any:
        """The map."""
        return self.loaded.cities

    @property
    def panel(self) -> Any:
        """The panel, cleaned."""
        return self.once("panel", lambda: cleaned(self.study, self.loaded.panel))

    @property
    def labels(self) -> dict[str, str]:
        """Labels of columns in the study's language."""
        found: dict[str, str] = self.once("labels", lambda: labels_of(self.study, self.panel))
        return found

    def label(self, column: str) -> str:
        """Return the label of a column, or its name."""
        return self.labels.get(column, column)

    @property
    def term_labels(self) -> dict[str, str]:
        """Labels of columns and of their spatial lags."""
        lags = {f"{w}({c})": f"{w}×{text}" for w in self.study.weights for c, text in self.labels.items()}
        return {**lags, **self.labels}

    @property
    def labelled(self) -> Any:
        """The panel with the labels of the study's language."""
        return self.once("labelled", lambda: self.panel.with_labels(self.labels))

    def time(self, given: Any) -> Any:
        """Return a time of the cleaned panel; the last by default."""
        return self.panel.times[-1] if given is None else time_of(self.panel, given)

    # ---- weights
    def default_weights(self, name: str | None) -> str:
        """Return the name of weights; the first by default."""
        return next(iter(self.study.weights)) if name is None else name

    def weights_key(self, name: str | None) -> str:
        """Return the key of weights."""
        used = nested_in(self.study, self.default_weights(name))
        parts = [self.study.weights[one] for one in used]
        # Weights by text know only the map; those of columns know how these are made.
        data = self.panel_key if any(column_of(part) for part in parts) else self.data_key
        return digest(data, [part.model_dump() for part in parts])

    def weights(self, name: str | None = None) -> Any:
        """Return weights, normalised."""
        found = self.default_weights(name)
        return self.once(
            f"weights {found}",
            lambda: build_weights(self.study, found, self.loaded, self.folder, self.weights),
        )

    # ---- diagnostics
    def diagnosed(self, weights: str | None) -> list[tuple[schema.Diagnostics, str]]:
        """Return the diagnostics with these weights, column by column."""
        wanted = self.default_weights(weights)
        parts = [d for d in self.study.diagnostics if self.default_weights(d.weights) == wanted]
        return [(part, column) for part in parts for column in part.columns]

    def moran(self, part: schema.Diagnostics, column: str) -> Any:
        """Return Moran's I of a column by time."""
        key = f"moran {part.weights} {part.permutations} {column}"
        return self.once(
            key,
            lambda: sp.moran_panel(
                self.panel,
                [column],
                self.weights(part.weights),
                permutations=part.permutations,
                seed=self.study.seed,
                progress=False,
            ),
        )

    def moran_key(self, part: schema.Diagnostics, column: str) -> str:
        """Return the key of Moran's I."""
        return digest(
            self.panel_key, self.weights_key(part.weights), part.permutations, column, self.study.seed
        )

    def local(self, part: schema.Diagnostics, column: str, time: Any) -> Any:
        """Return local Moran of a column at a time."""
        key = f"local {part.weights} {part.permutations} {part.alpha} {column} {time}"
        return self.once(
            key,
            lambda: sp.local_moran(
                self.at(column, time),
                self.weights(part.weights),
                permutations=part.permutations,
                seed=self.study.seed,
                alpha=part.alpha,
            ),
        )

    def at(self, column: str, time: Any) -> Any:
        """Return a column at a time, by unit."""
        return self.panel.at(time)[self.panel.require(column)[0]].rename(column)

    # ---- models
    def system_key(self, k: int) -> str:
        """Return the key of a system as a specification."""
        part = self.study.systems[k]
        shown = {
            "name",
            "method",
            "compare",
            "impacts",
            "draws",
            "diagnostics",
            "cov",
            "passes",
            "rho_moments",
        }
        weights = {name: self.weights_key(name) for name in weights_names(self.study, part)}
        return digest(self.panel_key, part.model_dump(exclude=shown), weights)

    def system(self, k: int) -> Any:
        """Return a system, aligned and not estimated."""
        return self.once(f"system {k}", lambda: self._system(self.study.systems[k]))

    def _system(self, part: schema.System) -> Any:
        named = {name: self.weights(name) for name in weights_names(self.study, part)}
        return sp.models.SpatialSystem(
            part.formulas,
            self.panel,
            named or None,
            effects=tuple(part.effects),
            error=part.error,
            instruments=part.instruments or None,
            iv_order=part.iv_order,
            unbalanced=part.unbalanced,
        )

    def fit_key(self, name: str) -> str:
        """Return the key of a fit."""
        found = fit_names(self.study)[name]
        if found is None:
            part = self._regression_part(name)
            weights = {n: self.weights_key(n) for n in weights_names(self.study, part)}
            return digest(self.panel_key, part.model_dump(exclude={"name"}), weights, self.study.seed)
        k, method = found
        system = self.study.systems[k]
        how = (system.cov, system.passes, system.rho_moments, self.study.seed)
        return digest(self.system_key(k), method, how)

    def fit(self, name: str) -> Any:
        """Return a fit by its name: a system, NAME.METHOD, or a regression."""
        return self.once(f"fit {name}", lambda: self._fit(name))

    def _fit(self, name: str) -> Any:
        found = fit_names(self.study)[name]
        if found is None:
            return self._regression(self._regression_part(name))
        k, method = found
        part = self.study.systems[k]
        cov = covariance_of(part.cov, self.cities, self.study.seed)
        return self.system(k).fit(
            method, cov=cov, rho_moments=part.rho_moments, passes=part.passes, force=part.force
        )

    def _regression_part(self, name: str) -> schema.Regression:
        return next(part for part in self.study.regressions if part.name == name)

    def _regression(self, part: schema.Regression) -> Any:
        named = {name: self.weights(name) for name in weights_names(self.study, part)}
        return sp.models.fixed_effects(
            part.formula,
            self.panel,
            effects=tuple(part.effects),
            cov=covariance_of(part.cov, self.cities, self.study.seed),
            weights=named or None,
            unbalanced=part.unbalanced,
        )

    def impacts_key(self, name: str) -> str:
        """Return the key of the effects of a fit."""
        found = fit_names(self.study)[name]
        draws = None if found is None else self.study.systems[found[0]].draws
        return digest(self.fit_key(name), "impacts", draws)

    def impacts(self, name: str) -> Any:
        """Return direct, indirect and total effects of a system's fit."""
        found = fit_names(self.study)[name]
        assert found is not None  # checked before anything is run
        draws = self.study.systems[found[0]].draws
        return self.once(f"impacts {name}", lambda: self.fit(name).impacts(draws=draws, seed=self.study.seed))
