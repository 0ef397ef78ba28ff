/** What is wrong with the code of a test as it stands: tests that can not fail, and tests that fail for other reasons than the code. */

/** A part of a parsed source. */
export interface Syntax {
  readonly kind: () => string | number
  readonly text: () => string
  readonly range: () => { readonly start: { readonly line: number }; readonly end: { readonly line: number } }
  readonly children: () => ReadonlyArray<Syntax>
}

/** What is wrong, and where. */
export interface Flaw {
  readonly rule: string
  readonly message: string
  /** From 1. */
  readonly line: number
  /** The last line of what it is about. */
  readonly end: number
}

const flaw = (node: Syntax, rule: string, message: string): Flaw => ({
  rule,
  message,
  line: node.range().start.line + 1,
  end: node.range().end.line + 1
})

const kindOf = (node: Syntax): string => String(node.kind())

const descendants = (node: Syntax): ReadonlyArray<Syntax> => {
  const found: Array<Syntax> = []
  const open = [node]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    found.push(next)
    open.push(...next.children().toReversed())
  }
  return found
}

/** What is called, and with what. */
interface Call {
  readonly node: Syntax
  /** As it is written: `it.effect`, `expect(a).toBe`. */
  readonly callee: string
  readonly args: ReadonlyArray<Syntax>
}

const callOf = (node: Syntax): ReadonlyArray<Call> => {
  if (kindOf(node) !== "call_expression") return []
  const [callee, ...rest] = node.children()
  const args = rest.find((each) => kindOf(each) === "arguments")
  if (callee === undefined || args === undefined) return []
  return [
    { node, callee: callee.text(), args: args.children().filter((each) => !/^[(),]$|^comment$/.test(kindOf(each))) }
  ]
}

const isFunction = (node: Syntax): boolean =>
  /^(?:arrow_function|function_expression|generator_function)$/.test(kindOf(node))

/** A test has a function of its own: `it("…", () => …)`, `it.effect(…)`, `test.each(…)(…)`. */
const isTest = ({ args, callee }: Call): boolean =>
  /^(?:f?it|f?test|specify)(?![\w$])(?!\.(?:todo|skip|extend))/.test(callee) &&
  args.some((each) => descendants(each).some(isFunction))

const asserting =
  /(?:^|[.\s(])(?:assert|expect|should|verify|check|ensure|require)\w*\s*(?:[.(<]|$)|\.(?:should|rejects|throws)\b|\bt\.(?:is|ok|equal|deepEqual|plan)\b/i

const literal = /^(?:string|number|true|false|null|undefined|regex)$/

/** The two values that an assertion compares: `expect(a).toBe(b)`, `assert.strictEqual(a, b)`. */
const compared = ({ args, callee, node }: Call): readonly [Syntax, Syntax] | undefined => {
  const equal = /(?:^|\.)(?:equals?|strictEqual|deepEqual|deepStrictEqual|is|same)$/
  const [first, second] = args
  if (/^assert\b|^t\./.test(callee) && equal.test(callee) && first !== undefined && second !== undefined)
    return [first, second]
  if (first === undefined || !/\.(?:toBe|toEqual|toStrictEqual|toMatchObject|toContain)$/.test(callee)) return undefined
  const inner = descendants(node.children()[0] ?? node)
    .flatMap(callOf)
    .find((each) => each.callee === "expect")?.args[0]
  return inner === undefined ? undefined : [inner, first]
}

/** What a name of a file of one's own was imported as, and what in this file asserts by itself. */
const known = (all: ReadonlyArray<Syntax>): ReadonlySet<string> => {
  const imported = all
    .filter((node) => kindOf(node) === "import_statement" && /from\s*["']\.{1,2}\//.test(node.text()))
    .flatMap((node) =>
      descendants(node)
        .filter((each) => kindOf(each) === "identifier")
        .map((each) => each.text())
    )
  const own = all
    .filter((node) => /^(?:function_declaration|variable_declarator)$/.test(kindOf(node)))
    .map((node) => ({
      text: node.text(),
      names: node
        .children()
        .slice(0, 2)
        .flatMap((each) => (/^(?:identifier|object_pattern)$/.test(kindOf(each)) ? descendants(each) : []))
        .filter((each) => /identifier/.test(kindOf(each)))
        .map((each) => each.text())
    }))
  const names = new Set(imported)
  // Until nothing is added: what calls what asserts does so too.
  for (let size = -1; size !== names.size;) {
    size = names.size
    for (const each of own) {
      const isAsserting =
        asserting.test(each.text) ||
        [...(each.text.match(/[\w$]+(?=\()|(?<=\}\s*=\s*)[\w$]+$/g) ?? [])].some((name) => names.has(name))
      if (isAsserting) for (const name of each.names) names.add(name)
    }
  }
  return names
}

const reserved =
  /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[::1?\]|(?:.*\.)?(?:test|example|invalid|localhost)|(?:.*\.)?example\.(?:com|net|org))$/

const hostOf = (node: Syntax): string | undefined => {
  const host = /^["'`]https?:\/\/(\[[^\]]+\]|[^/:"'`?#$]+)/.exec(node.text())?.[1]
  return host === undefined || reserved.test(host) ? undefined : host
}

/** What is wrong with one test. */
const ofTest = ({ args, node }: Call, helpers: ReadonlySet<string>): ReadonlyArray<Flaw> => {
  const inside = args.filter((each) => descendants(each).some(isFunction)).flatMap(descendants)
  const calls = inside.flatMap(callOf)
  // A test without a name of its own runs what it was given.
  const isGiven = !/^(?:string|template_string)$/.test(kindOf(args[0] ?? node)) || /\$\{/.test(args[0]?.text() ?? "")
  const isAsserted = calls.some(
    ({ callee }) => asserting.test(callee) || helpers.has(/^[\w$]+/.exec(callee)?.[0] ?? "")
  )
  return [
    ...(isAsserted || isGiven || calls.some(isTest)
      ? []
      : [
          flaw(
            node,
            "test-without-assertion",
            "This test asserts nothing: it passes whatever the code does. Assert what has to be seen."
          )
        ]),
    ...inside
      .filter((each) => kindOf(each) === "catch_clause")
      .map((each) =>
        flaw(
          each,
          "test-catches",
          "A test that catches goes on where the code broke, or passes where it should have. Assert the failure: `assert.throws`, `rejects`, `Effect.flip`."
        )
      )
  ]
}

/** `setTimeout(resolve, 100)`, and what waits for a `sleep`. */
const isSleep = ({ args, callee }: Call): boolean =>
  /(?:^|\.)(?:sleep|delay)$/.test(callee) ||
  (callee === "setTimeout" && /^\w*res(?:olve)?\w*$/i.test(args[0]?.text() ?? ""))

/** The calls of a file that sleep. With a clock of the test's own, it is turned; in a loop, something is awaited. */
const sleepsIn = (root: Syntax, all: ReadonlyArray<Syntax>): ((call: Call) => boolean) => {
  if (/\bTestClock\b|fake_?timers|virtual_?time|simulat/i.test(root.text())) return () => false
  const linesOf = (kinds: RegExp) => all.filter((node) => kinds.test(kindOf(node))).map((node) => node.range())
  const waits = linesOf(/^(?:await_expression|yield_expression)$/)
  const loops = linesOf(/^(?:while|for|do|for_in)_statement$/)
  const isIn = (spans: typeof waits, line: number) =>
    spans.some(({ end, start }) => start.line <= line && line <= end.line)
  return (call) => {
    const { line } = call.node.range().start
    return isSleep(call) && isIn(waits, line) && !isIn(loops, line)
  }
}

const ofCall = (call: Call, sleeps: (call: Call) => boolean): ReadonlyArray<Flaw> => {
  const { args, callee, node } = call
  const [left, right] = compared(call) ?? []
  // What is called twice is compared to see whether it says the same twice.
  const isSame = left !== undefined && right !== undefined && left.text() === right.text() && !/[(`]/.test(left.text())
  const areLiterals =
    left !== undefined && right !== undefined && literal.test(kindOf(left)) && literal.test(kindOf(right))
  const host = /(?:^|\.)(?:fetch|goto|request|get|post|connect|axios|got)$/.test(callee)
    ? args.map(hostOf).find((each) => each !== undefined)
    : undefined
  return [
    ...(isSame || areLiterals
      ? [
          flaw(
            node,
            "assertion-of-nothing",
            "Both sides of this assertion are the same, or are written here. Compare what the code gave with what it should give."
          )
        ]
      : []),
    ...(/^(?:it|test|describe|suite|context)\b(?:\.\w+)*\.only$/.test(callee) ||
    (/^(?:fit|fdescribe)$/.test(callee) && /^["'`]/.test(args[0]?.text() ?? ""))
      ? [flaw(node, "test-only", "With `.only` the other tests of the file are not run. Take it away.")]
      : []),
    ...(sleeps(call)
      ? [
          flaw(
            node,
            "test-sleeps",
            "A test that sleeps is late or wrong on another machine. Await what happens, or turn a clock of the test."
          )
        ]
      : []),
    ...(host === undefined
      ? []
      : [
          flaw(
            node,
            "test-asks-the-network",
            `This asks ${host}, which can be down, slow or different. Use a twin or a server on loopback.`
          )
        ])
  ]
}

const makes = /\b(?:mkdtemp\w*|createServer|listen|spawn|fork|connect|launch|createPool)\s*\(/

/** What is begun for all tests of a file and never ended. */
const ofSetUp = (calls: ReadonlyArray<Call>): ReadonlyArray<Flaw> => {
  const isEnded = calls.some(({ callee }) => /^after(?:All|Each)?$/.test(callee))
  return calls
    .filter(({ callee, node }) => /^before(?:All)?$/.test(callee) && makes.test(node.text()) && !isEnded)
    .map(({ node }) =>
      flaw(
        node,
        "test-leaves-behind",
        "What is begun here for all tests is never ended. Add `afterAll`, or let a scope hold it."
      )
    )
}

/** All that is wrong with a file of tests, in the order of its lines. */
export const look = (root: Syntax): ReadonlyArray<Flaw> => {
  const all = descendants(root)
  const calls = all.flatMap(callOf)
  const helpers = known(all)
  const sleeps = sleepsIn(root, all)
  const tests = calls.filter(isTest).flatMap((call) => ofTest(call, helpers))
  return [...tests, ...calls.flatMap((call) => ofCall(call, sleeps)), ...ofSetUp(calls)].toSorted(
    (a, b) => a.line - b.line
  )
}
