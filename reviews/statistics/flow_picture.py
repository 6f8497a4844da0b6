"""The flow diagram as PNG and PDF, from the coordinates that the page draws: with fonts of matplotlib's own."""

import io

from reviews.statistics.flow_drawing import Diagram, Drawn

_INK, _GREY, _HEAD, _BAR = "#1b2427", "#6b7376", "#f3e3b0", "#cfe3ea"
_SCALE = 1 / 100  # inches a unit
_SIZE = 8.2  # points; DejaVu is a wide face


def picture(shown: Diagram, kind: str, *, title: str, notes: str) -> bytes:
    """`kind` is `png` or `pdf`; `notes` is the line beneath the diagram."""
    # Drawing is dear to load and rare to need.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(shown.width * _SCALE, (shown.height + 76) * _SCALE), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, shown.width)
    axes.set_ylim(shown.height + 32, -44)
    axes.axis("off")
    axes.text(6, -20, title, fontsize=11, fontweight="bold", color=_INK, parse_math=False)
    axes.text(6, shown.height + 18, notes, fontsize=7, color=_GREY, parse_math=False)
    for arrow in shown.arrows:
        xs, ys = zip(*arrow.points, strict=True)
        axes.plot(xs, ys, color=_INK, linewidth=0.9, solid_capstyle="butt")
        corners = [tuple(map(float, corner.split(","))) for corner in arrow.head.split(" ")]
        axes.fill([x for x, _ in corners], [y for _, y in corners], color=_INK)
    for box in shown.boxes:
        _draw(axes, box)
    out = io.BytesIO()
    # The moment of drawing would make equal diagrams different files.
    metadata = {"CreationDate": None, "Title": title} if kind == "pdf" else {"Title": title}
    figure.savefig(out, format=kind, dpi=200, metadata=metadata)
    return out.getvalue()


def _draw(axes: object, box: Drawn) -> None:
    from matplotlib.patches import Rectangle

    is_note = box.kind == "note"
    face = {"head": _HEAD, "bar": _BAR}.get(box.kind, "white")
    axes.add_patch(
        Rectangle(
            (box.x, box.y),
            box.width,
            box.height,
            facecolor=face,
            edgecolor=_GREY if is_note else _INK,
            linewidth=0.9,
            linestyle=(0, (4, 3)) if is_note else "solid",
        )
    )
    for line in box.lines:
        weight = "bold" if line.is_strong else "normal"
        if box.kind == "bar":
            axes.text(
                *(line.x, line.y, line.text),
                fontsize=_SIZE,
                fontweight=weight,
                rotation=90,
                ha="center",
                va="center",
                color=_INK,
            )
            continue
        colour = _GREY if is_note else _INK
        axes.text(line.x, line.y, line.text, fontsize=_SIZE, fontweight=weight, color=colour, parse_math=False)
