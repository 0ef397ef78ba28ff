/** How the report of metrics looks: on a screen, light and dark, on a phone and on paper. Nothing is said by colour alone. */

/** The style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --track: #eceff2;
  --t1: #1f6f5c; --t2: #6fb7a3; --t3: #d9a441; --t4: #c8692d; --t5: #a63446; --t6: #4a6fa5;
  --on1: #fff; --on2: #10241f; --on3: #2b1e00; --on4: #fff; --on5: #fff; --on6: #fff; --stripe: #8b949e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c22; --ink: #e8ecf0; --soft: #9aa5b1; --line: #2f3740; --track: #252c34;
    --t1: #3fa58a; --t2: #86d3bd; --t3: #e3b75c; --t4: #de8449; --t5: #d9626f; --t6: #7f9fd0;
    --on1: #06130f; --on2: #06130f; --on3: #1c1400; --on4: #1d0d02; --on5: #1f0508; --on6: #0a1220; --stripe: #6b7682;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1, h2, p, ul, dl, dd, figure { margin: 0 }
h1 { font-size: 1.7rem; line-height: 1.2; letter-spacing: -.015em }
h2 { font-size: 1.05rem; line-height: 1.35 }
.soft { color: var(--soft) }
.small { font-size: .85rem }
.lead { color: var(--soft); margin-top: .3rem }
.heads { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 13.5rem), 1fr)); gap: .75rem; margin: 1.5rem 0 0 }
.head { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .9rem 1rem }
.head dt { font-size: .85rem; color: var(--soft) }
.head .big { font-size: 1.75rem; font-weight: 650; letter-spacing: -.02em; line-height: 1.25; font-variant-numeric: tabular-nums }
.head .big small { font-size: .9rem; font-weight: 500; letter-spacing: 0; color: var(--soft) }
.head .of { font-size: .8rem; color: var(--soft); font-variant-numeric: tabular-nums }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.1rem 1.25rem 1.25rem; margin-top: 1rem }
section > p { margin: .2rem 0 .8rem }
.plot { overflow-x: auto }
.plot svg { display: block; width: 100%; min-width: 34rem; height: auto }
.grid { stroke: var(--line); stroke-width: 1 }
.tick { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums }
.in { font-size: 12px; font-weight: 600; font-variant-numeric: tabular-nums }
rect.t1 { fill: var(--t1) } rect.t2 { fill: var(--t2) } rect.t3 { fill: var(--t3) } rect.t4 { fill: var(--t4) } rect.t5 { fill: var(--t5) } rect.t6 { fill: var(--t6) }
text.t1 { fill: var(--on1) } text.t2 { fill: var(--on2) } text.t3 { fill: var(--on3) } text.t4 { fill: var(--on4) } text.t5 { fill: var(--on5) } text.t6 { fill: var(--on6) }
rect.unknown { fill: url(#hatch) } text.unknown { fill: var(--ink); stroke: var(--card); stroke-width: 3; paint-order: stroke }
.hatched { fill: var(--track) } .stripe { stroke: var(--stripe); stroke-width: 2.5 } rect.track { fill: var(--track) }
.defs { position: absolute }
.lying { display: block; width: 100%; min-width: 5rem; height: .6rem; border-radius: .3rem }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: 0; list-style: none; font-size: .85rem; margin: .2rem 0 .6rem }
.legend li { display: inline-flex; align-items: center; gap: .4rem } .legend svg { width: .75rem; height: .75rem; flex: none }
table { width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
caption { text-align: left; font-size: .85rem; color: var(--soft); padding: 1rem 0 .3rem }
th { text-align: left; font-weight: 600; font-size: .8rem; color: var(--soft); white-space: nowrap }
tbody th { font-weight: 500; font-size: .9rem; color: var(--ink); white-space: normal; min-width: 8rem }
th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: middle }
tr:last-child > * { border-bottom: 0 }
td.n { white-space: nowrap } td.b { width: 34% } td.d { color: var(--soft); font-size: .825rem; min-width: 14rem }
.wide { overflow-x: auto }
details { margin-top: .8rem; font-size: .9rem } summary { cursor: pointer; color: var(--soft) }
.fixed { font-size: .8rem; color: var(--soft) }
footer { margin-top: 2rem; font-size: .825rem; color: var(--soft) }
@media (max-width: 34rem) {
  main { padding: .75rem .6rem 3rem } section { padding: 1rem } .heads { grid-template-columns: 1fr 1fr; gap: .5rem } .head { padding: .7rem .8rem }
  .head .big { font-size: 1.35rem } td.b { width: 20% } tbody th { min-width: 7.5rem; overflow-wrap: break-word }
  .lying { min-width: 3rem } th, td { padding-right: .5rem }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --track: #eee }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  @page { margin: 14mm }
  body { font-size: 10pt } main { max-width: none; padding: 0 }
  .heads { grid-template-columns: repeat(4, 1fr) } th, td { padding-top: .15rem; padding-bottom: .15rem }
  section, .head, tr { break-inside: avoid } h2 { break-after: avoid } .long { break-inside: auto }
  details::details-content { content-visibility: visible; height: auto } summary { display: none } .plot svg { min-width: 0 }
}
`
