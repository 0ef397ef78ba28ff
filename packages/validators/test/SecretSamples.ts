/** Texts that a rule of secrets matches, made from its expression, by a seed. */
import type * as Re2Chars from "../src/internal/Re2Chars.ts"
import * as Re2Syntax from "../src/internal/Re2Syntax.ts"
import type * as SecretRules from "../src/SecretRules.ts"

/** A text, and the secret in it. */
export interface Sample {
  readonly rule: string
  readonly text: string
  readonly secret: string
  /** A path that the rule looks at. */
  readonly path: string
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export const random = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const paths = ["a.txt", "a.php", "a.tf", "nuget.config", "a.yaml", "a.p12"]

/** A path that a rule looks at. */
export const pathOf = (rule: SecretRules.Rule): string =>
  paths.find((path) => rule.path === undefined || new RegExp(rule.path.replace("(?i)", ""), "i").test(path)) ?? "a.txt"

/** One text. What stands around it are line breaks, so that it begins and ends as in a file. */
export const make = (rule: SecretRules.Rule, seed: number): Sample => {
  const next = random(seed)
  const groups: Array<string> = []
  const whole = (set: Re2Chars.Chars): string => {
    const codes = set.flatMap(([from, to]) =>
      Array.from({ length: Math.max(0, Math.min(to, 126) - Math.max(from, 32) + 1) }, (_, n) => Math.max(from, 32) + n)
    )
    const code = codes[Math.floor(next() * codes.length)] ?? set[0]?.[0] ?? 10
    return String.fromCharCode(code)
  }
  const draw = (node: Re2Syntax.Node): string => {
    switch (node._tag) {
      case "Chars":
        return whole(node.set)
      case "Assert":
        return ""
      case "Cat":
        return node.items.map(draw).join("")
      case "Alt":
        return draw(node.items[Math.floor(next() * node.items.length)] ?? { _tag: "Cat", items: [] })
      case "Group": {
        const at = node.isCaptured ? groups.push("") - 1 : -1
        const text = draw(node.item)
        if (at >= 0) groups[at] = text
        return text
      }
      case "Repeat": {
        const most = node.max === Number.POSITIVE_INFINITY ? node.min + 12 : node.max
        const count = node.min + Math.floor(next() * (most - node.min + 1))
        return Array.from({ length: count }, () => draw(node.item)).join("")
      }
    }
  }
  const source = rule.regex ?? ""
  const text = draw(Re2Syntax.parse(source, { isCaseless: /\(\?[msU]*i[msU]*\)/.test(source) }))
  const secret = rule.secretGroup === undefined ? groups.find((group) => group !== "") : groups[rule.secretGroup - 1]
  return { rule: rule.id, text, secret: secret ?? text, path: pathOf(rule) }
}
