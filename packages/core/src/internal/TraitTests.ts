/**
 * Whether tests ask for less than before. A small reader that would rather be wrong than silent; the validators' `Cheats` look closer.
 * Each hunk is looked at alone, so what one takes away no other can make up for.
 */
import * as FileView from "./FileView.ts"
import * as PathForm from "./PathForm.ts"
import type * as Trait from "./Trait.ts"

const assertion =
  /\b(?:expect|assert\w{0,40}|should|verify|require|EXPECT_\w{1,30}|ASSERT_\w{1,30}|CHECK|REQUIRE|t\.(?:Error|Errorf|Fatal|Fatalf|Fail)|XCTAssert\w{0,30}|is_expected|refute\w{0,20}|raises|pytest\.fail|fail)\b|\b(?:must|wont)_[a-z]|\.should\b|\.to(?:Be|Equal|Have|Throw|Match|Contain|Strict)\w{0,40}\b|\bt\.(?:is|not|deepEqual|like|true|false|throws|truthy|falsy|plan)\(/
const declaration =
  /\b(?:it|test|describe|context|specify|scenario|suite|bench|feature)\s{0,5}(?:\.\s{0,5}\w{1,20}\s{0,5}){0,3}[(`]|\bdef\s{1,5}test\w{0,80}|\bfunc\s{1,5}(?:Test|Benchmark|Fuzz|Example)\w{0,80}|@(?:Test|ParameterizedTest|RepeatedTest|Property)\b|#\[(?:\w{1,20}::)?test\b|\[(?:Fact|Theory|Test|TestMethod|TestCase)\b|^[ \t]{0,20}(?:it|test|scenario|specify)\s{1,5}["']|\bTEST(?:_F|_P)?\s{0,5}\(|^[ \t]{0,20}(?:Scenario|Scenario Outline|Then|And)\b/
const skipping =
  /\b(?:it|test|describe|context|suite|specify|bench)\s{0,5}(?:\.\s{0,5}\w{1,20}\s{0,5}){0,2}\.\s{0,5}(?:skip|skipIf|runIf|only|todo|fails|failing|fixme|slow)\b|\b(?:xit|xtest|xdescribe|xcontext|fit|fdescribe|xspecify|pending)(?:\s{0,5}[({]|\s{1,5}["'])|@(?:Ignore|Disabled|DisabledIf\w{0,20}|DisabledOn\w{0,20}|unittest\.skip\w{0,20}|skip|pytest\.mark\.(?:skip|skipif|xfail)|Tag\("slow"\))|\bpytest\.(?:skip|xfail|importorskip)\b|\bself\.skipTest\b|\bunittest\.skip|\bt\.(?:Skip|SkipNow|Skipf)\b|\btesting\.Short\b|#\[(?:ignore|should_panic)|\bSkip\s{0,5}=|\[Ignore\b|\bskip\s{1,5}["']|\bmarkTest(?:Skipped|Incomplete)\b|\bXCTSkip\b|\bGTEST_SKIP\b|\bcontext\.skip\b|\bthis\.skip\(|\bskip\s{0,5}:\s{0,5}(?:true|["'])|\.retry\(|\bretries?\s{0,5}[:=]|@flaky\b|\bflaky\s{0,5}[(=:]/
/** Of what skips: what skips all others, and what stands above what it skips. */
const alone = /\b(?:it|test|describe|context|suite|specify|scenario)(?:\.\w{1,20}){0,3}\.only\b|\b(?:fit|fdescribe)\b/
const marker = /^[ \t]{0,40}(?:@|#\[|\[)/
const vacuous =
  /\bexpect\s{0,5}\(\s{0,5}(?:true|1|false|0|null|"[^"]{0,40}"|'[^']{0,40}')\s{0,5}\)|\bassert(?:\.ok|True|\.isTrue|\.equal)?\s{0,5}\(?\s{0,5}(?:true|True|1\s{0,5}==\s{0,5}1|1)\s{0,5}\)?\s{0,5};?$|\bexpect\.(?:anything|any)\b|\.toBe(?:Defined|Truthy)\s{0,5}\(|\bassert\.(?:isOk|isDefined)\b|\|\|\s{0,5}true\b|\bor\s{1,5}True\b/m
const silencing =
  /@ts-(?:ignore|nocheck|expect-error)|\beslint-disable|\boxlint-disable|\bbiome-ignore|\bnoqa\b|\btype:\s{0,5}ignore|\bpragma:\s{0,5}no\s{0,5}cover|\b(?:istanbul|c8|v8|vitest)\s{1,5}ignore|\bnolint\b|@SuppressWarnings|\bNOSONAR\b|\bcatch\s{0,5}(?:\([^)]{0,40}\)\s{0,5})?\{\s{0,9}\}|\bexcept\b[^\n]{0,60}:\s{0,9}pass\b|\brescue\s{1,5}nil\b|\bcontinue-on-error\b|\b(?:process\.)?exit\(\s{0,5}0\s{0,5}\)|\bpassWithNoTests\b|^[ \t]{0,40}return;?[ \t]{0,5}$|\bif\b[^\n]{0,80}\b(?:process\.env|import\.meta\.env|environ|getenv|Getenv|ENV\[)[^\n]{0,80}\breturn\b/m
/** What is tested, or what it needs, is played instead. */
const playing =
  /\b(?:vi|jest)\.(?:mock|doMock|spyOn)\(|\bmock\.(?:module|method|patch)\b|\bmonkeypatch\.|\b(?:sinon|td)\.(?:stub|replace)\b|@(?:mock\.)?patch\b|@(?:MockBean|MockitoBean)\b|\ballow_any_instance_of\b|\bgomonkey\./
const loose =
  /(?:threshold|coverage|fail_under|min_?imum|max_?imum|tolerance|epsilon|delta|timeout|within|close|greater|less|atleast|atmost|branches|functions|lines|statements)/i

const limit = /\b(?:coverage|thresholds?|fail_under|branches|functions|statements|lines)\b/i

const importing = /^[ \t]{0,20}(?:import|from|use|using|require)\b.{0,200}(?:["'<;]|\bimport\b)/
const comment = /^[ \t]{0,80}(?:\/\/|#(?!\[)|\*|\/\*|<!--|--|;;|"""|''')/

/** The lines of a test that are no comments and take nothing in. */
export const lines = (text: string): ReadonlyArray<string> =>
  text.split("\n").filter((line) => !comment.test(line) && !importing.test(line))
const count = (all: ReadonlyArray<string>, pattern: RegExp): number =>
  all.reduce((sum, line) => sum + (pattern.test(line) ? 1 : 0), 0)

/** A line without its numbers, and those numbers. */
const numbers = (line: string): readonly [shape: string, numbers: string] => [
  line.replaceAll(/\d[\d._]{0,20}/g, "0").trim(),
  (line.match(/\d[\d._]{0,20}/g) ?? []).join(" ")
]

/** Whether a line asks for something. */
export const isAssertion = (line: string): boolean => assertion.test(line)

/** Whether a line begins a test. */
export const isDeclaration = (line: string): boolean => declaration.test(line)

const isLoosened = (removed: ReadonlyArray<string>, added: ReadonlyArray<string>, about = loose): boolean => {
  const bounds = new Map(removed.filter((line) => about.test(line)).map(numbers))
  return (
    bounds.size > 0 &&
    added.some((line) => {
      const [shape, values] = numbers(line)
      const before = bounds.get(shape)
      return before !== undefined && before !== values
    })
  )
}

const isWeaker = ({ added: put, removed: taken }: FileView.Hunk): boolean => {
  const [added, removed] = [lines(put.text), lines(taken.text)]
  const more = (pattern: RegExp): boolean => count(added, pattern) > count(removed, pattern)
  const fewer = (pattern: RegExp): boolean => count(added, pattern) < count(removed, pattern)
  return (
    fewer(assertion) ||
    fewer(declaration) ||
    skips(added, removed) ||
    (more(playing) && !more(declaration)) ||
    more(vacuous) ||
    silences(put.text, taken.text) ||
    isLoosened(removed, added) ||
    // Commented out: what was taken out stands there again, behind a sign of comment.
    (removed.length > added.length && put.text.split("\n").some((line) => comment.test(line) && assertion.test(line)))
  )
}

/** Whether more is skipped than before. A new test that is skipped takes nothing away, one that is the only one does. */
const skips = (added: ReadonlyArray<string>, removed: ReadonlyArray<string>): boolean => {
  const fresh = (line: string, at: number): boolean =>
    removed.every((each) => each.trim() === "") &&
    !alone.test(line) &&
    (declaration.test(line) ||
      (marker.test(line) && added.slice(at + 1).some((next) => declaration.test(next))) ||
      (/^[ \t]/.test(line) && !marker.test(line) && added.slice(0, at).some((above) => declaration.test(above))))
  return added.filter((line, at) => skipping.test(line) && !fresh(line, at)).length > count(removed, skipping)
}

const silences = (added: string, removed: string): boolean =>
  count(added.split("\n"), silencing) > count(removed.split("\n"), silencing)

const settings =
  /(?:^|\/)(?:(?:vitest|jest|karma|playwright|cypress|wdio|ava|stryker|web-test-runner|codecov|sonar-project|tox|pytest|phpunit|nose|noxfile|\.coveragerc|\.nycrc|\.c8rc|\.mocharc|\.rspec|nextest|\.codecov|coverlet)[^/]{0,40})$/

/** Reads it. */
export const read = (view: FileView.FileView): ReadonlyArray<Trait.Found> => {
  const { file, hunks } = view
  const own = file.previousPath === undefined ? [file.path] : [file.previousPath, file.path]
  const [first = "", last = first] = own
  const isTest = FileView.kindOf(first) === "test"
  const isSetting = own.some((path) => settings.test(PathForm.fold(path)))
  if (!isTest && FileView.kindOf(last) !== "test" && !isSetting) {
    // A test in a file that is no test by its name, and limits of coverage wherever they are kept.
    const hunk = hunks.find(
      ({ added, removed }) =>
        view.kind === "other" &&
        (count(lines(removed.text), declaration) > count(lines(added.text), declaration) ||
          isLoosened(lines(removed.text), lines(added.text), limit))
    )
    return hunk === undefined ? [] : [{ trait: "TestsWeakened", line: hunk.added.at }]
  }
  if (file.status === "added" && !isSetting) {
    // What is new takes nothing away, but where it ends a run or keeps all others from one.
    const hunk = hunks.find(
      ({ added }) => alone.test(added.text) || /^[ \t]{0,40}(?:[\w.]{1,20}\.)?_?exit\(/m.test(added.text)
    )
    return hunk === undefined ? [] : [{ trait: "TestsWeakened", line: hunk.added.at }]
  }
  if (isTest && (file.status === "deleted" || FileView.kindOf(last) !== "test")) return [{ trait: "TestsWeakened" }]
  // A runner finds it by its name no more.
  if (FileView.isNamedTest(first) && !FileView.isNamedTest(last)) return [{ trait: "TestsWeakened" }]
  const hunk = hunks.find((each) => isWeaker(each) || (isSetting && each.removed.text !== ""))
  return hunk === undefined ? [] : [{ trait: "TestsWeakened", line: hunk.added.at }]
}
