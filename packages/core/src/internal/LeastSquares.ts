/** Logistic regression by **least squares** that are weighted again and again, held to an assumption about the weights. */

/** What was seen: values, the first of which is 1, and what came of them. */
export interface Row {
  readonly values: ReadonlyArray<number>
  readonly passed: boolean
}

/** The probability that log odds say. */
export const logistic = (odds: number): number => 1 / (1 + Math.exp(-odds))

/** What is fitted. `trust` says how strongly the weights are held to `prior`, and is above 0. */
export interface Problem {
  readonly rows: ReadonlyArray<Row>
  readonly prior: ReadonlyArray<number>
  readonly trust: number
}

/**
 * The most likely weights. The loss is strictly convex, so there is one answer; a step that would make it worse is halved.
 */
export const fit = (problem: Problem): ReadonlyArray<number> => {
  let weights = [...problem.prior]
  for (let round = 0; round < 50; round++) {
    const step = solve(...slope(problem, weights))
    if (Math.max(...step.map(Math.abs)) < 1e-9) break
    const before = loss(problem, weights)
    let part = 1
    const moved = () => weights.map((weight, at) => weight - part * (step[at] ?? 0))
    while (part > 1e-6 && loss(problem, moved()) > before) part /= 2
    weights = moved()
  }
  return weights
}

const dot = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0)

const loss = ({ prior, rows, trust }: Problem, weights: ReadonlyArray<number>): number => {
  const held = weights.reduce((sum, weight, at) => sum + (weight - (prior[at] ?? 0)) ** 2, 0)
  return rows.reduce(
    (sum, { passed, values }) => {
      const odds = (passed ? -1 : 1) * dot(values, weights)
      return sum + Math.max(0, odds) + Math.log1p(Math.exp(-Math.abs(odds)))
    },
    (trust * held) / 8
  )
}

/** The curvature and the slope of the loss. A trial at even odds has a curvature of 1/4: that is what `trust` counts in. */
const slope = (
  { prior, rows, trust }: Problem,
  weights: ReadonlyArray<number>
): [Array<Array<number>>, Array<number>] => {
  const gradient = weights.map((weight, at) => (trust / 4) * (weight - (prior[at] ?? 0)))
  const curvature = weights.map((_, row) => weights.map((_, column) => (row === column ? trust / 4 : 0)))
  for (const { passed, values } of rows) {
    const chance = logistic(dot(values, weights))
    for (const [row, value] of values.entries()) {
      gradient[row] = (gradient[row] ?? 0) + (chance - (passed ? 1 : 0)) * value
      const line = curvature[row] ?? []
      for (const [column, other] of values.entries()) {
        line[column] = (line[column] ?? 0) + chance * (1 - chance) * value * other
      }
    }
  }
  return [curvature, gradient]
}

/** Solves a system of equations whose matrix is symmetric and positive definite, so that no row has to change places. */
const solve = (matrix: Array<Array<number>>, values: Array<number>): ReadonlyArray<number> => {
  for (const [at, line] of matrix.entries()) {
    for (let below = at + 1; below < matrix.length; below++) {
      const other = matrix[below] ?? []
      const share = (other[at] ?? 0) / (line[at] ?? 1)
      for (let column = at; column < line.length; column++)
        other[column] = (other[column] ?? 0) - share * (line[column] ?? 0)
      values[below] = (values[below] ?? 0) - share * (values[at] ?? 0)
    }
  }
  const answer = values.map(() => 0)
  for (let at = values.length - 1; at >= 0; at--) {
    const line = matrix[at] ?? []
    const rest = answer.reduce((sum, value, column) => (column > at ? sum + value * (line[column] ?? 0) : sum), 0)
    answer[at] = ((values[at] ?? 0) - rest) / (line[at] ?? 1)
  }
  return answer
}
