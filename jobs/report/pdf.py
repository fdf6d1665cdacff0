"""A report as PDF, by ReportLab: the smallest library at hand that also writes Chinese without a font of its own.

Latin text is set in the Bitstream Vera that ReportLab brings; what that lacks in a font that readers bring themselves.
"""

import io
from functools import cache
from html import escape
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _

from jobs.report import drawing
from jobs.report.blocks import Chart, Section, Table

LATIN, BOLD, FAR = "Vera", "VeraBd", "STSong-Light"
MARGIN = 40
SMALL = 7.5
LONGEST_CELL = 600
"""characters: a row has to fit on a page"""
NARROWEST, WIDEST = 9, 34
"""characters of a column's longest cell that its width is made for"""
BEYOND = 0x10000
"""characters from here on are in neither font"""


def pdf(title: str, sections: list[Section]) -> bytes:
    """The whole file; the same facts give the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    styles, file = _styles(), io.BytesIO()
    width = A4[0] - 2 * MARGIN
    story = [_paragraph(title, styles["Heading1"])]
    for section in sections:
        story.append(_paragraph(section.title, styles["Heading2"]))
        story += [_block(block, styles, width) for block in section.blocks]
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), MARGIN)
    SimpleDocTemplate(file, pagesize=A4, title=title, author="Fleetune", invariant=1, **margins).build(story)
    return file.getvalue()


@cache
def _fonts() -> frozenset[int]:
    """Register them; the characters that the Latin one has."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.ttfonts import TTFont

    latin = TTFont(LATIN, "Vera.ttf")
    for font in (latin, TTFont(BOLD, "VeraBd.ttf"), UnicodeCIDFont(FAR)):
        pdfmetrics.registerFont(font)
    return frozenset(latin.face.charToGlyph)


def _styles() -> Any:
    from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet

    _fonts()
    styles = getSampleStyleSheet()
    for name in ("Normal", "Heading1", "Heading2"):
        styles[name].fontName = LATIN if name == "Normal" else BOLD
    styles["Heading1"].fontSize, styles["Heading2"].fontSize, styles["Normal"].fontSize = 16, 12, 9
    styles["Heading2"].keepWithNext = 1
    for name, font in (("cell", LATIN), ("head", BOLD)):
        look = {"fontName": font, "fontSize": SMALL, "leading": 9.5, "wordWrap": "CJK"}
        styles.add(ParagraphStyle(name, **look))
    return styles


def _paragraph(text: str, style: Any) -> Any:
    from reportlab.platypus import Paragraph

    return Paragraph(marked(text), style)


def marked(text: str) -> str:
    """ReportLab's markup of plain text: each run of characters in a font that has them."""
    latin = _fonts()
    known = "".join(char if ord(char) < BEYOND else "\N{WHITE SQUARE}" for char in text if char.isprintable())
    runs = ((near, escape("".join(run))) for near, run in groupby(known, key=lambda char: ord(char) in latin))
    return "".join(run if near else f'<font name="{FAR}">{run}</font>' for near, run in runs)


def _block(block: str | Table | Chart, styles: Any, width: float) -> Any:
    if isinstance(block, Table):
        return _table(block, styles, width)
    return _chart(block, width) if isinstance(block, Chart) else _paragraph(block, styles["Normal"])


def _table(table: Table, styles: Any, width: float) -> Any:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table as Grid

    rows = [[_paragraph(cell, styles["head"]) for cell in table.head]] if table.head else []
    looks = [styles["head"], *[styles["cell"]] * max(map(len, table.rows), default=0)]
    rows += [[_paragraph(_cut(cell), look) for cell, look in zip(row, looks, strict=False)] for row in table.rows]
    if not rows:
        return _paragraph(_("None."), styles["Normal"])
    widths = _widths(table, width)
    grid = [("GRID", (0, 0), (-1, -1), 0.4, HexColor("#D3DAE1")), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return Grid(rows, widths, repeatRows=1 if table.head else 0, style=grid, spaceBefore=4, spaceAfter=8)


def _widths(table: Table, width: float) -> list[float]:
    """Of the columns: by their longest cells, within bounds, so that no figure is torn and no text takes all."""
    rows = [*([table.head] if table.head else []), *table.rows]
    columns = max(map(len, rows))
    if columns == 2:
        return [width * 0.28, width * 0.72]
    longest = [max(len(row[place]) for row in rows if place < len(row)) for place in range(columns)]
    weights = [min(max(length, NARROWEST), WIDEST) for length in longest]
    return [width * weight / sum(weights) for weight in weights]


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def _chart(chart: Chart, width: float) -> Any:
    """ReportLab's origin is at the bottom left."""
    from reportlab.graphics.shapes import Circle, Drawing, Group, PolyLine, String
    from reportlab.graphics.shapes import Line as Stroke
    from reportlab.lib.colors import HexColor

    found, scale = drawing.drawn(chart), width / drawing.WIDTH
    parts: list[Any] = [String(0, -2, _known(f"{chart.title} · {chart.x}"), fontName=LATIN, fontSize=9)]
    if found:
        grey, right = HexColor("#D3DAE1"), drawing.WIDTH - drawing.RIGHT
        for y, words in found.y_ticks:
            parts.append(Stroke(drawing.LEFT, _up(y), right, _up(y), strokeColor=grey))
            parts.append(String(drawing.LEFT - 6, _up(y) - 3, words, fontName=LATIN, fontSize=9, textAnchor="end"))
        foot = _up(drawing.HEIGHT - drawing.BOTTOM + 14)
        parts += [String(x, foot, w, fontName=LATIN, fontSize=9, textAnchor="middle") for x, w in found.x_ticks]
        for colour, line, points in found.lines:
            flat = [value for x, y in points for value in (x, _up(y))]
            ink = HexColor(colour)
            dots = [Circle(x, _up(y), 4, fillColor=ink, strokeColor=ink) for x, y in points]
            parts += dots if line.dots else [PolyLine(flat, strokeColor=ink, strokeWidth=1.5)]
    group = Group(*parts)
    group.scale(scale, scale)
    return Drawing(width, (drawing.HEIGHT + 8) * scale, group)


def _known(text: str) -> str:
    """A caption of a drawing has one font."""
    return "".join(char if ord(char) in _fonts() else "?" for char in text)


def _up(y: float) -> float:
    return drawing.HEIGHT - y
