"""The linked Bokeh figures, empty: the page fills their sources for the variable and time that are chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

__all__ = ["FIGURES", "figures_json"]

FIGURES = ("map", "scatter", "histogram", "neighbours", "trend")

_FONT = '"Helvetica Neue", Helvetica, Arial, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif'
_INK, _GRID, _ACCENT, _REST = "#333f48", "#e9ecef", "#d55e00", "#56707f"
_DOCUMENT = "spatial-report"
_UNITS = ("cx", "cy", "color", "z", "lag")


def figures_json(words: Mapping[str, str], *, points: bool) -> dict[str, Any]:
    """Return the document of all figures as BokehJS reads it, the same for the same input.

    Parameters
    ----------
    words : mapping
        See `report_words`.
    points : bool
        Whether units are points, not polygons.
    """
    from bokeh.document import Document

    m = _models()
    polygons: dict[str, list[Any]] = {} if points else {"xs": [], "ys": []}
    units = m.ColumnDataSource({**{name: [] for name in _UNITS}, **polygons}, name="units")
    document = Document(title="")
    for plot in (
        _map(units, points),
        _scatter(units, words),
        _bars("histogram", words["value"], words["units"]),
        _bars("neighbours", words["neighbours"], words["units"]),
        _trend(words),
    ):
        document.add_root(plot)
    found: dict[str, Any] = _numbered(document.to_json(deferred=False))
    return {"docs": {_DOCUMENT: found}, "items": [_item(found)]}


def _item(document: Mapping[str, Any]) -> dict[str, Any]:
    ids = [root["id"] for root in document["roots"]]
    return {
        "docid": _DOCUMENT,
        "roots": {i: f"figure-{name}" for i, name in zip(ids, FIGURES, strict=True)},
        "root_ids": ids,
    }


def _numbered(document: Any) -> Any:
    """Give models the ids 1, 2, ... in order: Bokeh's run on through a process."""
    text = json.dumps(document, sort_keys=False)
    seen: dict[str, str] = {}
    pattern = re.compile(r'"id": ?"(p\d+)"')
    return json.loads(pattern.sub(lambda m: f'"id": "m{seen.setdefault(m[1], str(len(seen) + 1))}"', text))


def _models() -> Any:
    """Return bokeh.models untyped: its hints know fewer names and arguments than it has."""
    import bokeh.models

    return bokeh.models


def _figure(name: str, tools: list[Any], **options: Any) -> Any:
    from bokeh.plotting import figure

    m = _models()
    plot: Any = figure(
        name=name,
        sizing_mode="stretch_both",
        min_width=120,
        min_height=120,
        x_range=m.Range1d(start=0, end=1),
        y_range=m.Range1d(start=0, end=1),
        tools=tools,
        toolbar_location="right" if name in ("map", "scatter") else None,
        toolbar_inner=True,
        min_border=4,
        outline_line_color=None,
        background_fill_color=None,
        border_fill_color=None,
        output_backend="canvas",
        **options,
    )
    plot.toolbar.logo = None
    plot.toolbar.autohide = True
    for axis in plot.axis:
        axis.update(
            axis_line_color="#9aa5ad",
            major_tick_line_color="#9aa5ad",
            minor_tick_line_color=None,
            major_label_text_color=_INK,
            axis_label_text_color=_INK,
            major_label_text_font=_FONT,
            axis_label_text_font=_FONT,
            major_label_text_font_size="11px",
            axis_label_text_font_size="12px",
            axis_label_text_font_style="normal",
            axis_label_standoff=4,
        )
    plot.grid.grid_line_color = _GRID
    return plot


def _map(units: Any, points: bool) -> Any:
    m = _models()
    box, lasso, tap, hover = (
        m.BoxSelectTool(continuous=True),
        m.LassoSelectTool(),
        m.TapTool(),
        m.HoverTool(tooltips=None),
    )
    zoom = [m.PanTool(), m.WheelZoomTool(), m.ZoomInTool(), m.ZoomOutTool(), m.ResetTool(), m.SaveTool()]
    plot = _figure("map", [box, lasso, tap, *zoom, hover], match_aspect=True)
    plot.axis.visible = False
    plot.grid.visible = False
    plot.toolbar.active_drag, plot.toolbar.active_scroll = box, None
    blank = m.ColumnDataSource({"xs": [], "ys": []}, name="blank")
    if points:
        shapes = plot.scatter(
            "cx", "cy", source=units, size=9, line_color="#5b6770", line_width=0.6,
            nonselection_fill_alpha=0.2, nonselection_line_alpha=0.25, fill_color="color",
        )  # fmt: skip
        places = shapes
    else:
        shapes = plot.multi_polygons(
            "xs", "ys", source=units, line_color="#ffffff", line_width=0.6, fill_color="color",
            nonselection_fill_alpha=0.25, nonselection_line_color="#d3dadf", nonselection_line_alpha=1.0,
            selection_line_color="#1d252b", selection_line_width=0.9,
        )  # fmt: skip
        # Not as a column of the units: Bokeh would make a new canvas for each unit's hatch at each step.
        plot.multi_polygons(
            "xs", "ys", source=blank, fill_color=None, line_color="#b5bec5", line_width=0.6,
            hatch_pattern="/", hatch_color="#b5bec5", hatch_weight=0.6, hatch_scale=6,
        )  # fmt: skip
        # Boxes choose by a place inside: one rule for all shapes, and the same unit is never half chosen.
        places = plot.scatter(
            "cx", "cy", source=units, size=3, fill_alpha=0, line_alpha=0,
            nonselection_fill_alpha=0, nonselection_line_alpha=0,
        )  # fmt: skip
    box.renderers, lasso.renderers, tap.renderers, hover.renderers = [places], [places], [shapes], [shapes]
    rings = m.ColumnDataSource({"xs": [], "ys": []}, name="rings")
    links = m.ColumnDataSource({"x0": [], "y0": [], "x1": [], "y1": []}, name="links")
    focus = m.ColumnDataSource({"xs": [], "ys": []}, name="focus")
    plot.multi_line("xs", "ys", source=rings, line_color=_INK, line_width=1.6)
    plot.segment("x0", "y0", "x1", "y1", source=links, line_color=_INK, line_width=1.0, line_dash="dashed")
    plot.multi_line("xs", "ys", source=focus, line_color=_ACCENT, line_width=2.6)
    return plot


def _scatter(units: Any, words: Mapping[str, str]) -> Any:
    from bokeh.core.properties import value

    m = _models()
    box, hover = m.BoxSelectTool(continuous=True), m.HoverTool(tooltips=None)
    tools = [box, m.LassoSelectTool(), m.TapTool(), m.BoxZoomTool(), m.ResetTool(), m.SaveTool(), hover]
    plot = _figure("scatter", tools, x_axis_label=words["z"], y_axis_label=words["lag_z"])
    plot.toolbar.active_drag = box
    for dimension in ("width", "height"):
        plot.add_layout(
            m.Span(location=0, dimension=dimension, line_color="#9aa5ad", line_width=1, level="underlay")
        )
    corners = m.ColumnDataSource({"x": [], "y": [], "text": [], "align": [], "base": []}, name="corners")
    plot.text(
        "x", "y", text="text", text_align="align", text_baseline="base", source=corners, text_color="#a3adb5",
        text_font=value(_FONT), text_font_size="12px", level="underlay",
    )  # fmt: skip
    points = plot.scatter(
        "z", "lag", source=units, size=7, fill_color="color", line_color="#5b6770", line_width=0.6,
        fill_alpha=0.9, nonselection_fill_alpha=0.12, nonselection_line_alpha=0.25,
        selection_line_color="#1d252b",
    )  # fmt: skip
    hover.renderers = [points]
    box.renderers = [points]
    for name, color, dash, width in (
        ("line_all", "#8a949c", "solid", 2.0),
        ("line_rest", _REST, "dashed", 2.0),
        ("line_selected", _ACCENT, "solid", 2.6),
    ):
        source = m.ColumnDataSource({"x": [], "y": []}, name=name)
        plot.line("x", "y", source=source, line_color=color, line_dash=dash, line_width=width)
    around = m.ColumnDataSource({"x": [], "y": []}, name="around")
    plot.scatter("x", "y", source=around, size=11, fill_color=None, line_color=_INK, line_width=1.4)
    centre = m.ColumnDataSource({"x": [], "y": []}, name="centre")
    plot.scatter("x", "y", source=centre, size=13, fill_color=None, line_color=_ACCENT, line_width=2.6)
    return plot


def _bars(name: str, across: str, up: str) -> Any:
    m = _models()
    box = m.BoxSelectTool(dimensions="width", continuous=True)
    hover, tap = m.HoverTool(tooltips="@text"), m.TapTool()
    plot = _figure(name, [box, tap, hover], x_axis_label=across, y_axis_label=up)
    plot.toolbar.active_drag = box
    plot.xgrid.visible = False
    plot.xaxis[0].ticker = m.FixedTicker(ticks=[])
    plot.yaxis[0].ticker.desired_num_ticks = 4
    empty: dict[str, list[Any]] = {"left": [], "right": [], "top": [], "chosen": [], "text": [], "color": []}
    source = m.ColumnDataSource(empty, name=f"bars_{name}")
    same = {"nonselection_fill_alpha": 1.0, "nonselection_line_alpha": 1.0}
    bars = plot.quad(
        left="left",
        right="right",
        top="top",
        bottom=0,
        source=source,
        fill_color="color",
        line_color="white",
        **same,
    )
    plot.quad(
        left="left", right="right", top="chosen", bottom=0, source=source, fill_color=_ACCENT,
        line_color="white", **same,
    )  # fmt: skip
    for tool in (box, hover, tap):
        tool.renderers = [bars]
    return plot


def _trend(words: Mapping[str, str]) -> Any:
    m = _models()
    hover, tap = m.HoverTool(tooltips="@text"), m.TapTool()
    plot = _figure("trend", [tap, hover], y_axis_label=words["moran"])
    plot.xaxis[0].ticker = m.FixedTicker(ticks=[])
    plot.xgrid.visible = False
    plot.yaxis[0].ticker.desired_num_ticks = 4
    source = m.ColumnDataSource({"x": [], "I": [], "fill": [], "text": []}, name="trend_points")
    plot.add_layout(m.Span(location=0, dimension="width", line_color="#9aa5ad", line_width=1))
    plot.add_layout(
        m.Span(name="now", location=0, dimension="height", line_color=_ACCENT, line_width=8, line_alpha=0.25)
    )
    plot.line("x", "I", source=source, line_color=_REST, line_width=2, nonselection_line_alpha=1.0)
    points = plot.scatter(
        "x", "I", source=source, size=8, fill_color="fill", line_color=_REST, line_width=1.6,
        nonselection_fill_alpha=1.0, nonselection_line_alpha=1.0,
    )  # fmt: skip
    hover.renderers, tap.renderers = [points], [points]
    return plot
