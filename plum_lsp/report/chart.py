"""Draws the execution pass rate as SVG with Vega-Lite, without a browser and without a network.

`vl-convert-python` is Vega's own converter. It is an extra, because it is larger than all other packages together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plum_lsp.report.usage import PassRate

DAYS_MAX = 31
"""The chart shows so many of the last days."""
GREY, FAINT = "#808080", "#80808040"
"""Can be read on a light page and on a dark one."""
THEME = {
    "axis": {"labelColor": GREY, "domainColor": GREY, "tickColor": GREY, "gridColor": FAINT, "titleColor": GREY},
    "legend": {"labelColor": GREY, "titleColor": GREY},
    "header": {"labelColor": GREY},
    "view": {"stroke": None},
}
"""Of every chart."""


def chart_of(days: Sequence[PassRate]) -> str | None:
    """An SVG with a point and an interval for each day and version. None if the converter is not installed."""
    try:
        from vl_convert import vegalite_to_svg
    except ImportError:
        return None
    shown = set(sorted({one.day for one in days})[-DAYS_MAX:])
    return str(vegalite_to_svg(_chart([one for one in days if one.day in shown])))


def _chart(days: Sequence[PassRate]) -> dict[str, Any]:
    """The chart in Vega-Lite's language (vega.github.io/vega-lite/docs)."""
    rate = {"type": "quantitative", "scale": {"domain": [0, 1]}, "axis": {"format": ".0%"}, "title": None}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 640,
        "height": 220,
        "background": None,
        "padding": {"left": 10, "right": 40, "top": 10, "bottom": 25},
        "data": {"values": _points(days)},
        "encoding": {
            "x": {"field": "day", "type": "ordinal", "title": None, "axis": {"labelAngle": -40}},
            "xOffset": {"field": "version"},
            "color": {"field": "version", "type": "nominal", "title": "version"},
        },
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 2},
                "encoding": {"y": {"field": "low", **rate}, "y2": {"field": "high"}},
            },
            {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": {"y": {"field": "value", **rate}}},
        ],
        "config": THEME,
    }


def _points(days: Sequence[PassRate]) -> list[dict[str, object]]:
    return [
        {
            "day": one.day,
            "version": str(one.version),
            "value": one.passed.value,
            "low": one.passed.low,
            "high": one.passed.high,
        }
        for one in days
        if one.passed is not None
    ]
