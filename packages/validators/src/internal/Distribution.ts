/** Distributions: the normal one and the binomial one, to at least 1e-10, and numbers that are the same for the same seed. */
import * as Digest from "@millwright/core/Digest"

/** Coefficients of Lanczos' approximation (g = 7, 9 terms): relative error below 1e-14. */
const lanczos = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7
]

/** The logarithm of the gamma function of a number above 0. */
export const logGamma = (x: number): number => {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x)
  const t = x + 6.5
  const sum = lanczos.reduce(
    (total, coefficient, at) => total + (at === 0 ? coefficient : coefficient / (x - 1 + at)),
    0
  )
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** The continued fraction of the incomplete beta function (Lentz). */
const fraction = (a: number, b: number, x: number): number => {
  const away = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let value = d
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    value *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    value *= d * c
    if (Math.abs(d * c - 1) < 1e-16) break
  }
  return value
}

/** The regularised incomplete beta function: how likely a beta variable with `a` and `b` above 0 is at most `x`. */
export const beta = (x: number, a: number, b: number): number => {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * fraction(a, b, x)) / a : 1 - (front * fraction(b, a, 1 - x)) / b
}

/** The value that a beta variable is below with a probability, by halving. */
export const betaQuantile = (probability: number, a: number, b: number): number => {
  let low = 0
  let high = 1
  for (let step = 0; step < 200 && high - low > 1e-16 * high; step++) {
    const middle = (low + high) / 2
    if (beta(middle, a, b) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/** A polynomial, its coefficients from the highest power down. */
const polynomial = (x: number, coefficients: ReadonlyArray<number>): number =>
  coefficients.reduce((value, coefficient) => value * x + coefficient, 0)

/** The value that a standard normal variable is below with a probability between 0 and 1 (Wichura, AS 241, to 1e-16). */
export const normalQuantile = (probability: number): number => {
  const q = probability - 0.5
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q
    return (
      (q *
        polynomial(
          r,
          [
            2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
            1971.5909503065513, 133.14166789178438, 3.3871328727963665
          ]
        )) /
      polynomial(
        r,
        [
          5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
          687.1870074920579, 42.31333070160091, 1
        ]
      )
    )
  }
  const r = Math.sqrt(-Math.log(q < 0 ? probability : 1 - probability))
  const value =
    r <= 5
      ? polynomial(
          r - 1.6,
          [
            0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
            5.769497221460691, 4.630337846156546, 1.4234371107496835
          ]
        ) /
        polynomial(
          r - 1.6,
          [
            1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
            1.6763848301838038, 2.053191626637759, 1
          ]
        )
      : polynomial(
          r - 5,
          [
            2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
            0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103
          ]
        ) /
        polynomial(
          r - 5,
          [
            2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
            0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1
          ]
        )
  return q < 0 ? -value : value
}

/** A number from 0 up to below 1 that is the same whenever its parts are. */
export const uniform = (...parts: ReadonlyArray<string | number>): number =>
  Number.parseInt(Digest.ofJson(parts).slice(0, 13), 16) / 2 ** 52

/** A whole number of 32 bits that is the same whenever its parts are. */
export const seedOf = (...parts: ReadonlyArray<string | number>): number =>
  Number.parseInt(Digest.ofJson(parts).slice(0, 8), 16)
