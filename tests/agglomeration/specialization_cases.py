"""Three cities worked by hand, and a panel of drawn ones, that tests of specialisation share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from spatial.panel.panel import Panel

# National shares are 0.25, 0.50, 0.25; the cities have 100, 100 and 200 of 400 workers.
THREE = pd.DataFrame(
    {"mining": [50, 20, 30], "retail": [30, 70, 100], "bank": [20, 10, 70]}, index=["a", "b", "c"]
)


def make_panel(seed: int = 0, n: int = 7, t: int = 4, s: int = 5) -> Panel:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.gamma(1.0, 100.0, (n * t, s)), columns=[f"i{k}" for k in range(s)])
    frame["city"], frame["year"] = (
        np.repeat([f"c{k}" for k in range(n)], t),
        np.tile(range(2001, 2001 + t), n),
    )
    return Panel.from_frame(frame, unit="city", time="year", labels={"i0": "采矿业"})
