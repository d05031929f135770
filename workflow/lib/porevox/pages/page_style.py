"""The look of every page: one column of text, figures as wide as it, tables that scroll by themselves."""

CSS = """
:root { color-scheme: light; --ink: #222; --soft: #5f6368; --line: #dadce0; --mark: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0 1rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; border-bottom: 1px solid var(--line); }
p, ul { max-width: 50rem; margin: .5rem 0; }
.verdict { font-size: 1.1rem; border-left: 4px solid var(--mark); padding-left: .9rem; margin: 1rem 0; }
.verdict p { margin: .25rem 0; }
.note, caption { color: var(--soft); font-size: .87rem; }
caption { text-align: left; padding-bottom: .3rem; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; display: block; }
img.curve { width: 34rem; }
.scroll { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; }
tr { border-bottom: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 600; }
small { white-space: nowrap; color: var(--soft); font-size: .85em; }
.number { text-align: right; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
code { font-size: .85em; overflow-wrap: anywhere; }
summary { cursor: pointer; margin: .6rem 0; color: var(--mark); }
nav { display: flex; flex-wrap: wrap; gap: .1rem 1rem; }
a { color: var(--mark); }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px; }
@media print { details > * { display: block; } }
"""
