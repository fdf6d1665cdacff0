"""A report as one page of HTML: no script, no other file, charts as SVG within."""

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from jobs.report import drawing
from jobs.report.blocks import Chart, Section, Table

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17202A}"
    "h2{margin:2.5rem 0 .5rem;border-bottom:1px solid #D3DAE1}.wide{overflow-x:auto}"
    "table{border-collapse:collapse;margin:1rem 0;font-size:.9rem}"
    "td,th{border:1px solid #D3DAE1;padding:.25rem .6rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
    "th{background:#F6F8FA;min-width:6rem}figure{margin:1rem 0}figcaption,.key{font-size:.85rem;color:#4A5560}"
    "svg{background:#F6F8FA;width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#4A5560}"
    "@media print{body{margin:0;max-width:none}figure,tr{break-inside:avoid}}"
)
HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{}</title>'
    '<meta name="viewport" content="width=device-width"><style>{}</style></head><body><h1>{}</h1>'
)


def html(title: str, sections: list[Section]) -> str:
    """The whole page."""
    head = format_html(HEAD, title, mark_safe(STYLE), title)  # noqa: S308 - our own constant
    body = format_html_join("", "<h2>{}</h2>{}", ((one.title, _blocks(one)) for one in sections))
    return f"{head}{body}</body></html>"


def _blocks(section: Section) -> SafeString:
    return format_html_join("", "{}", ((_block(block),) for block in section.blocks))


def _block(block: str | Table | Chart) -> SafeString:
    if isinstance(block, Table):
        return _table(block)
    return _chart(block) if isinstance(block, Chart) else format_html("<p>{}</p>", block)


def _table(table: Table) -> SafeString:
    head = format_html_join("", "<th>{}</th>", ((cell,) for cell in table.head))
    rows = format_html_join(
        "",
        "<tr><th>{}</th>{}</tr>",
        ((first, format_html_join("", "<td>{}</td>", ((cell,) for cell in rest))) for first, *rest in table.rows),
    )
    shown = format_html("<thead><tr>{}</tr></thead>", head) if table.head else ""
    return format_html('<div class="wide"><table>{}<tbody>{}</tbody></table></div>', shown, rows)


def _chart(chart: Chart) -> SafeString:
    found = drawing.drawn(chart)
    if found is None:
        return format_html("<p>{}</p>", chart.title)
    parts = [*_axes(found), *(_line(*line) for line in found.lines)]
    key = format_html_join(" ", '<span style="color:{}">●</span> {}', ((c, line.name) for c, line, _p in found.lines))
    return format_html(
        '<figure><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        '<figcaption>{} · {} →</figcaption><div class="key">{}</div></figure>',
        drawing.WIDTH,
        drawing.HEIGHT,
        chart.title,
        format_html_join("", "{}", ((part,) for part in parts)),
        chart.title,
        chart.x,
        key if len(found.lines) > 1 else "",
    )


def _axes(found: drawing.Drawn) -> list[SafeString]:
    right, bottom = drawing.WIDTH - drawing.RIGHT, drawing.HEIGHT - drawing.BOTTOM
    across = '<path d="M{} {}H{}" stroke="#D3DAE1"/><text x="{}" y="{}" text-anchor="end">{}</text>'
    up = '<text x="{}" y="{}" text-anchor="middle">{}</text>'
    left = drawing.LEFT
    rows = [format_html(across, left, _at(y), right, left - 6, _at(y + 4), words) for y, words in found.y_ticks]
    return [*rows, *(format_html(up, _at(x), bottom + 18, words) for x, words in found.x_ticks)]


def _line(colour: str, line: drawing.Line, points: list[tuple[float, float]]) -> SafeString:
    if line.dots:
        dots = ((_at(x), _at(y), colour) for x, y in points)
        return format_html_join("", '<circle cx="{}" cy="{}" r="5" fill="{}"/>', dots)
    path = " ".join(f"{_at(x)},{_at(y)}" for x, y in points)
    return format_html('<polyline fill="none" stroke="{}" stroke-width="1.5" points="{}"/>', colour, path)


def _at(place: float) -> str:
    return f"{place:.1f}"
