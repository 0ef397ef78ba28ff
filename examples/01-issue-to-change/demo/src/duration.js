const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1]
]

/** Reads a duration such as `1h 30m` and answers with milliseconds. */
export const parse = (text) => {
  const parts = text.trim().split(/\s+/)
  let total = 0
  for (const part of parts) {
    const match = /^(\d+)(ms|d|h|m|s)$/.exec(part)
    if (match === null) throw new Error(`Not a duration: "${part}" in "${text}"`)
    total += Number(match[1]) * units.find(([unit]) => unit === match[2])[1]
  }
  return total
}

/** Writes milliseconds as a duration such as `1h 30m`. */
export const format = (milliseconds) => {
  for (const [unit, size] of units) {
    if (milliseconds >= size) return `${Math.floor(milliseconds / size)}${unit}`
  }
  return "0ms"
}
