/** How a report looks: on a screen, light and dark, on a phone and on paper. Nothing is said by colour alone. */

/** The style sheet. */
export const style = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #59636e; --line: #d8dee4; --code: #f3f5f7;
  --pass: #1a7f37; --pass-bg: #e3f6e8; --fail: #c1121f; --fail-bg: #fdeaea; --blocked: #8a5a00; --blocked-bg: #fff4d6;
  --error: #8a2a8f; --error-bg: #f9e8fa; --skipped: #59636e; --skipped-bg: #eceff2; --link: #0757ba;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1318; --card: #171c22; --ink: #e8ecf0; --soft: #9aa5b1; --line: #2f3740; --code: #10151b;
    --pass: #5fd281; --pass-bg: #10301b; --fail: #ff8a84; --fail-bg: #3b1416; --blocked: #f0bf5c; --blocked-bg: #35280b;
    --error: #e39be8; --error-bg: #33163a; --skipped: #9aa5b1; --skipped-bg: #252c34; --link: #7db6ff;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: anywhere }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1, h2, h3, p, dl, dd, ol, ul, figure { margin: 0 }
h1 { font-size: 1.6rem; line-height: 1.25; letter-spacing: -.01em }
h2 { font-size: 1.05rem; margin: 2.25rem 0 .75rem }
h3 { font-size: 1rem; font-weight: 600; line-height: 1.4 }
a { color: var(--link); text-underline-offset: .15em }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: .875em }
.soft { color: var(--soft) }
.verdict { background: var(--card); border: 1px solid var(--line); border-top: .5rem solid var(--fail); border-radius: .75rem; padding: 1.5rem }
.verdict.accepted { border-top-color: var(--pass) }
.word { display: flex; align-items: center; gap: .6rem; font-size: 1.25rem; font-weight: 700; color: var(--fail); margin: .75rem 0 .25rem }
.accepted .word { color: var(--pass) }
.word .sign { width: 1.6rem; height: 1.6rem }
.bar { display: block; width: 100%; height: .7rem; border-radius: .35rem; margin: 1rem 0 .6rem; background: var(--line) }
.counts { display: flex; flex-wrap: wrap; gap: .35rem .5rem; padding: 0; list-style: none }
.chip { display: inline-flex; align-items: center; gap: .35rem; padding: .1rem .6rem .1rem .45rem; border-radius: 1rem; font-size: .85rem; font-weight: 600; white-space: nowrap }
.sign { width: .95em; height: .95em; flex: none; fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round }
.chip.pass { color: var(--pass); background: var(--pass-bg) } .chip.fail { color: var(--fail); background: var(--fail-bg) }
.chip.blocked { color: var(--blocked); background: var(--blocked-bg) } .chip.error { color: var(--error); background: var(--error-bg) }
.chip.skipped { color: var(--skipped); background: var(--skipped-bg) }
rect.pass { fill: var(--pass) } rect.fail { fill: var(--fail) } rect.blocked { fill: var(--blocked) } rect.error { fill: var(--error) } rect.skipped { fill: var(--skipped) }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); font-size: .925rem }
.facts dt { color: var(--soft) }
.try { display: inline-block; margin-top: 1rem; padding: .5rem 1rem; border: 1px solid var(--link); border-radius: .5rem; font-weight: 600; text-decoration: none }
.doubt { background: var(--fail-bg); color: var(--fail); border: 1px solid currentColor; border-radius: .5rem; padding: .75rem 1rem; margin-bottom: 1rem; font-weight: 600 }
.against { padding: 0; list-style: none; display: grid; gap: .4rem }
.against li { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .75rem; align-items: baseline }
.clause { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem 1.25rem; margin-bottom: .75rem }
.clause.pass { padding-bottom: .75rem }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; margin-bottom: .35rem; font-size: .85rem }
.statement { white-space: pre-wrap; max-height: 24rem; overflow: auto }
.reason { margin-top: .4rem; white-space: pre-wrap }
.label { font-size: .8rem; font-weight: 600; color: var(--soft); margin: .9rem 0 .3rem }
table { width: 100%; border-collapse: collapse; font-size: .9rem }
th { text-align: left; font-size: .8rem; color: var(--soft); font-weight: 600 }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
ol.steps { padding-left: 1.6rem; font-size: .925rem }
ol.steps li::marker { color: var(--soft) }
ol.steps li.aside { list-style: none; counter-increment: list-item 0; color: var(--soft) }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: .75rem; margin-top: .75rem; align-items: start }
figure { border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; background: var(--code) }
figure img { display: block; width: 100%; height: auto; background: #fff }
figcaption { padding: .45rem .7rem; font-size: .825rem; color: var(--soft); border-top: 1px solid var(--line) }
details { margin-top: .6rem; font-size: .9rem }
summary { cursor: pointer; color: var(--soft) }
pre { margin: .4rem 0 0; padding: .7rem .85rem; background: var(--code); border: 1px solid var(--line); border-radius: .5rem; white-space: pre-wrap; max-height: 28rem; overflow: auto; font: .8rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; tab-size: 2 }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .5rem 1.25rem; overflow-x: auto }
.card tr:last-child td { border-bottom: 0 }
footer { margin-top: 2.5rem; font-size: .825rem; color: var(--soft) }
@media (max-width: 34rem) {
  main { padding: .75rem .6rem 3rem }
  .verdict, .clause { padding: 1rem }
  .facts { grid-template-columns: 1fr; gap: 0 } .facts dd { margin-bottom: .6rem }
  .against li { grid-template-columns: 1fr } .against .chip { justify-self: start }
  .problems tr { display: block; padding: .4rem 0; border-bottom: 1px solid var(--line) }
  .problems td { display: block; border: 0; padding: 0 } .problems thead { display: none }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --code: #fff; --pass: #11602a; --fail: #a10d18; --blocked: #6b4500; --error: #6d1f71; --skipped: #444; --pass-bg: #fff; --fail-bg: #fff; --blocked-bg: #fff; --error-bg: #fff; --skipped-bg: #fff; --link: #000 }
  @page { margin: 14mm }
  body { font-size: 10.5pt }
  main { max-width: none; padding: 0 }
  .chip { border: 1px solid currentColor }
  .top, figure, .against li, tr { break-inside: avoid }
  h2, h3, .top { break-after: avoid }
  details::details-content { content-visibility: visible; height: auto }
  pre, .statement { max-height: none; overflow: visible }
}
`
