/** Plots as inline SVG, without a script. Axes begin at 0; what is not known is hatched; every number stands in a table as well. */
import { type Markup, markup, none } from "@millwright/core/Markup"
import * as Amount from "./Amount.ts"

/** One kind of thing that bars are stacked of: `tone` is a class of the style sheet. */
export interface Series {
  readonly name: string
  readonly tone: string
  /** `null`: there is no value. */
  readonly values: ReadonlyArray<number | null>
}

/** Bars side by side, one for each label. */
export interface Bars {
  readonly title: string
  readonly labels: ReadonlyArray<string>
  readonly series: ReadonlyArray<Series>
  /** How a number of the axis is written. */
  readonly axis: (value: number) => string
  /** Of what there is no half. */
  readonly isCount?: boolean
}

const size = { width: 720, height: 260, left: 56, right: 8, top: 12, bottom: 30 }
/** How wide a character of a number is at most. */
const digit = 7.5
const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom }

/** A number of the kind 1, 2 or 5 times a power of ten, so that at most four of it reach to a maximum. */
export const tick = (most: number): number => {
  const rough = most / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10) * power
}

/** Stacked bars. */
export const bars = ({ axis, isCount = false, labels, series, title }: Bars): Markup => {
  const sums = labels.map((_, at) => series.reduce((sum, { values }) => sum + (values[at] ?? 0), 0))
  const most = Math.max(...sums, 0)
  if (most === 0) return none
  const step = isCount ? Math.max(1, tick(most)) : tick(most)
  const top = Math.ceil(most / step) * step
  const y = (value: number) => size.top + inner.height * (1 - value / top)
  const slot = inner.width / labels.length
  const width = Math.min(48, slot * 0.76)
  const lines = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step).map(
    (value) =>
      markup`<line class="grid" x1="${size.left}" x2="${size.width - size.right}" y1="${px(y(value))}" y2="${px(y(value))}"/><text class="tick" x="${size.left - 6}" y="${px(y(value) + 4)}" text-anchor="end">${axis(value)}</text>`
  )
  const every = Math.ceil((labels.length * 64) / inner.width)
  const columns = labels.map((label, at) => {
    const left = size.left + slot * at + (slot - width) / 2
    let base = 0
    const stack = series.map(({ name, tone, values }) => {
      const value = values[at] ?? 0
      if (value <= 0) return none
      const bottom = y(base)
      base += value
      const height = bottom - y(base)
      const text =
        height < 15 || width < digit * axis(value).length
          ? none
          : markup`<text class="in ${tone}" x="${px(left + width / 2)}" y="${px(bottom - height / 2 + 4)}" text-anchor="middle">${axis(value)}</text>`
      return markup`<rect class="${tone}" x="${px(left)}" y="${px(y(base))}" width="${px(width)}" height="${px(height)}"><title>${label}, ${name}: ${axis(value)}</title></rect>${text}`
    })
    const name =
      at % every === 0
        ? markup`<text class="tick" x="${px(left + width / 2)}" y="${size.height - 10}" text-anchor="middle">${label}</text>`
        : none
    const gap = series.some(({ values }) => values[at] !== null)
      ? none
      : markup`<text class="tick" x="${px(left + width / 2)}" y="${px(y(0) - 4)}" text-anchor="middle">–</text>`
    return markup`<g>${stack}${gap}${name}</g>`
  })
  return markup`<div class="plot"><svg viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${title}"><title>${title}</title>${lines}${columns}</svg></div>`
}

/** The stripes that what is not known is drawn with: once in a page, before all plots. */
export const hatch = markup`<svg class="defs" width="0" height="0" aria-hidden="true"><defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatched" width="6" height="6"/><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern></defs></svg>`

/** What the tones of a plot mean. */
export const legend = (series: ReadonlyArray<Pick<Series, "name" | "tone">>): Markup =>
  markup`<ul class="legend">${series.map(({ name, tone }) => markup`<li><svg viewBox="0 0 12 12" aria-hidden="true"><rect class="${tone}" width="12" height="12"/></svg>${name}</li>`)}</ul>`

/** A bar that lies in a row of a table, from 0 to `most`; `doubt` follows it, hatched. */
export const lying = (value: number, most: number, doubt = 0): Markup => {
  const scale = most > 0 ? 100 / most : 0
  const width = Math.min(100, Math.max(0, value * scale))
  const rest = Math.min(100 - width, Math.max(0, doubt * scale))
  return lane({ tone: "t1", from: 0, width }, { tone: "unknown", from: width, width: rest })
}

interface Stretch {
  readonly tone: string
  readonly from: number
  readonly width: number
}

/** Stretches of a line, in percent of it. */
const lane = (...stretches: ReadonlyArray<Stretch>): Markup =>
  markup`<svg class="lying" aria-hidden="true"><rect class="track" width="100%" height="100%"/>${stretches.map(
    ({ from, tone, width }) =>
      width === 0 ? none : markup`<rect class="${tone}" x="${px(from)}%" width="${px(width)}%" height="100%"/>`
  )}</svg>`

/** From nothing over the median to nine in ten, in a row of a table. What has no end yet is drawn to the edge, hatched. */
export const range = (p50: number | null, p90: number | null, most: number): Markup => {
  const scale = most > 0 ? 100 / most : 0
  const half = p50 === null ? 0 : Math.min(100, p50 * scale)
  const nine = p90 === null ? 100 : Math.min(100, p90 * scale)
  return lane(
    { tone: "t1", from: 0, width: half },
    { tone: p90 === null ? "unknown" : "t2", from: half, width: Math.max(0, nine - half) }
  )
}

/** Half a pixel more or less is not worth a digit. */
const px = (value: number): string => Amount.number(Math.round(value * 10) / 10).replaceAll(",", "")
