"""One figure of every kind, with data as checks would give it."""

from __future__ import annotations

import base64
import io
import math
from typing import Any

from tests.reports.example import example_document


def gallery() -> list[dict[str, Any]]:
    """Figures as they stand in a document."""
    drawn = {figure["kind"]: figure for one in example_document()["findings"] for figure in one.get("figures", [])}
    more = {
        "epsilons": _epsilons(),
        "spent": _spent(),
        "robust-accuracy": _robust_accuracy(),
        "frontier": _frontier(),
        "subgroups": _subgroups(),
        "marginals": _marginals(),
        "images": {"strips": [_strip("real", 9), _strip("synthetic", 8)]},
        "spectrograms": {"panels": [_spectrogram("a recording", 0.2), _spectrogram("its nearest", 0.3)]},
    }
    return [*drawn.values(), *({**_words(kind), "kind": kind, "data": data} for kind, data in more.items())]


def gallery_document() -> dict[str, Any]:
    """The example with all figures in its first finding."""
    document = example_document()
    document["findings"][0]["figures"] = gallery()
    return document


def png(width: int, height: int, shade: int) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).point(lambda value: (value + shade) % 256).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def _words(kind: str) -> dict[str, str]:
    return {"title": f"A figure of kind {kind}", "description": "What there is to see in it."}


def _epsilons() -> dict[str, Any]:
    bounds = [
        {"label": "one run", "low": 0.72, "confidence": 0.95, "ceiling": 6.6, "kind": "certified"},
        {"label": "Gaussian", "low": 1.4, "confidence": 0.95, "ceiling": 9.0, "kind": "family"},
        {"label": "black box", "low": 0.1, "confidence": 0.95, "ceiling": None, "kind": None},
    ]
    return {"claimed": 3.0, "accounted": 2.98, "bounds": bounds}


def _spent() -> dict[str, Any]:
    labels = ["column domains", "how often values occur", "weights, by DP-SGD"]
    return {"labels": labels, "added": [0.12, 0.2, 2.5], "budget": 3.0, "unit": "epsilon at delta 10⁻⁵"}


def _robust_accuracy() -> dict[str, Any]:
    x = [0.0, 0.01, 0.02, 0.04, 0.08]
    lines = []
    for label, slope in (("trained on real records", 6.0), ("trained on synthetic records", 8.5)):
        y = [0.85 * math.exp(-slope * value) for value in x]
        lines.append({"label": label, "x": x, "y": y, "low": [v - 0.03 for v in y], "high": [v + 0.03 for v in y]})
    return {"lines": lines, "x_unit": "size of the perturbation", "y_unit": "accuracy"}


def _frontier() -> dict[str, Any]:
    points = [
        {"label": f"epsilon {epsilon}", "x": x, "x_low": x - 0.012, "x_high": x + 0.012}
        | {"y": y, "y_low": y - 0.02, "y_high": y + 0.02}
        for epsilon, x, y in (("0.5", 0.501, 0.61), ("1", 0.505, 0.7), ("3", 0.511, 0.76), ("∞", 0.562, 0.79))
    ]
    return {"points": points, "x_unit": "AUC of the best attack", "y_unit": "accuracy on real records"}


def _subgroups() -> dict[str, Any]:
    return {
        "groups": ["women", "men", "under 30", "over 80"],
        "sizes": [1020, 980, 310, 44],
        "values": [0.77, 0.78, 0.74, 0.58],
        "low": [0.75, 0.76, 0.7, 0.46],
        "high": [0.79, 0.8, 0.78, 0.7],
        "overall": 0.772,
        "unit": "accuracy on real records",
    }


def _marginals() -> dict[str, Any]:
    ages = [f"{start} to {start + 10}" for start in range(20, 90, 10)]
    return {
        "columns": [
            {"name": "sex", "values": ["f", "m"], "real": [0.52, 0.48], "synthetic": [0.5, 0.5]},
            {
                "name": "age",
                "values": ages,
                "real": [0.1, 0.2, 0.24, 0.2, 0.14, 0.1, 0.02],
                "synthetic": [0.08, 0.24, 0.28, 0.2, 0.12, 0.08, None],
            },
            {"name": "diagnosis", "values": list("ABC"), "real": [0.7, 0.2, 0.1], "synthetic": [0.75, 0.2, 0.05]},
        ]
    }


def _strip(label: str, count: int) -> dict[str, Any]:
    return {"label": label, "images": [png(16, 16, 20 * shade) for shade in range(count)]}


def _spectrogram(label: str, pace: float) -> dict[str, Any]:
    power = [
        [-60 + 50 * math.exp(-(((row - 12 - 8 * math.sin(pace * at)) / 4) ** 2)) for at in range(64)]
        for row in range(32)
    ]
    return {"label": label, "seconds": 1.2, "hertz": 4000.0, "power": power}
