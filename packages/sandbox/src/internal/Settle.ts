/** Brings a workspace that is there to its branch, with the git inside, in one command. */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { Companion } from "../SandboxSpec.ts"
import * as InsideCall from "./InsideCall.ts"
import type { Start } from "./Start.ts"

/** What a workspace is brought to. */
export interface Target {
  readonly directory: string
  readonly branch: string
  /** Where the branch stands in the repository. */
  readonly head: string
  /** Whether what was not committed is thrown away, and the commit that the branch is moved back to. */
  readonly fresh: boolean
  readonly at?: string | undefined
}

/** What the workspace of a spec is brought to. */
export const targetOf = (
  directory: string,
  { fresh }: Pick<Companion, "fresh">,
  { at, branch, commit }: Pick<Start, "at" | "branch" | "commit">
): Target => ({ directory, branch, head: commit, fresh: fresh !== undefined && fresh !== false, at })

// Git reads some names of the working tree, as `.gitignore`, and would wait for what comes out of a pipe there. Whoever made a
// pipe, a socket or a device is gone, and git keeps none of them.
const clear = `clear() { find "$GIT_WORK_TREE" -xdev -path "$GIT_DIR" -prune -o '!' -type f '!' -type d '!' -type l -exec rm -f {} +; }`

// Whatever held these locks is gone, since the workspace was locked by nobody. Git would wait for what comes out of a pipe.
const tidy = `find "$GIT_DIR" '(' -name '*.lock' -o '!' -type f '!' -type d ')' -exec rm -f {} +`

// A branch, `HEAD` or index that can not be read
// is made anew, of what the repository has; what lies in the workspace stays.
const script = `
branch=$1 head=$2 fresh=$3 at=$4
ref=refs/heads/$branch
cd -- "$GIT_WORK_TREE" || exit 3
${tidy}
${clear}
current=$(git symbolic-ref -q HEAD)
if ! git rev-parse -q --git-dir > /dev/null 2>&1; then
  rm -rf "$GIT_DIR/HEAD" && mkdir -p "$GIT_DIR/refs/heads" "$GIT_DIR/objects" &&
  printf 'ref: %s\\n' "$ref" > "$GIT_DIR/HEAD" || exit 3
  current=$ref
fi
if ! tip=$(git rev-parse -q --verify "$ref^{commit}" 2> /dev/null); then
  git update-ref "$ref" "$head" || { rm -rf "$GIT_DIR/$ref" && git update-ref "$ref" "$head"; } || exit 3
  tip=$head
fi
if ! { [ -f "$GIT_DIR/index" ] && git ls-files -u > /dev/null 2>&1; }; then rm -rf "$GIT_DIR/index" && git reset -q || exit 3; fi
moved() { [ "$tip" != "$head" ] && git merge-base --is-ancestor "$tip" "$head"; }
if [ "$fresh" = yes ]; then
  if [ -n "$at" ]; then
    to=$(git rev-parse -q --verify "$at^{commit}") || exit 7
  elif moved; then to=$head; else to=$tip; fi
  clear
  for undone in rebase-merge rebase-apply sequencer; do rm -rf "$GIT_DIR/$undone"; done
  [ -e "$GIT_DIR/BISECT_START" ] && git bisect reset HEAD > /dev/null 2>&1
  git symbolic-ref HEAD "$ref" && git reset -q --hard "$to" -- && git clean -q -ffd || exit 3
  exit 0
fi
if [ "$current" != "$ref" ]; then
  if [ -z "$current" ] && git rev-parse -q --verify HEAD > /dev/null && ! git merge-base --is-ancestor HEAD "$ref"; then exit 4; fi
  clear
  git switch -q --no-guess "$branch" || exit 5
fi
if moved; then clear; git merge -q --ff-only "$head" > /dev/null || exit 6; fi
exit 0
`

/** Brings it there. */
export const reused = Effect.fnUntraced(function* (inside: InsideCall.Inside, target: Target) {
  const { at = "", branch, directory, fresh, head } = target
  const doing = `Opening ${directory}`
  const args = ["-c", script, "settle", branch, head, fresh ? "yes" : "no", at]
  const { code, stderr } = yield* InsideCall.run(inside, { doing, directory, command: "sh", args })
  if (code === 0) return
  const said = stderr === "" ? "" : ` Git says: ${stderr.slice(0, 2_000)}`
  const stays = `Commit there what shall stay, or open it with \`fresh\`.${said}`
  if (code === 7) {
    return yield* new SandboxError({
      reason: "NoSuchSource",
      message: `There is no commit ${at} to move the branch ${branch} back to, neither in the repository nor in ${directory}.`
    })
  }
  const why =
    code === 4
      ? `The workspace ${directory} is on a detached HEAD whose commits are on no branch. ${stays}`
      : code === 5
        ? `The workspace ${directory} is not on ${branch}, and git can not switch it. ${stays}`
        : code === 6
          ? `The branch ${branch} moved on in the repository, and what was changed in ${directory} is in its way. ${stays}`
          : `${doing} failed with exit code ${code}.${said}`
  return yield* new SandboxError({ reason: "SetupFailed", message: why })
})

// The commits of the copy are those of the branch, whatever it was called where the copy was made.
const adoption = `
branch=$1 head=$2 commit=$3
ref=refs/heads/$branch
${tidy}
tip=$(git rev-parse -q --verify 'HEAD^{commit}') || tip=
[ "$tip" = "$commit" ] && git cat-file -e "$tip^{tree}" || exit 7
git update-ref "$ref" "$tip" && git symbolic-ref HEAD "$ref"
`

/** Puts what was restored from a copy on the branch. */
export const restored = Effect.fnUntraced(function* (
  inside: InsideCall.Inside,
  { commit, target }: { readonly target: Target; readonly commit: string }
) {
  const { branch, directory, fresh, head } = target
  const doing = `Restoring ${directory}`
  const args = ["-c", adoption, "adopt", branch, head, commit]
  const { code, stderr } = yield* InsideCall.run(inside, { doing, directory, command: "sh", args })
  if (code !== 0) {
    return yield* new SandboxError({
      reason: "RestoreIncomplete",
      message: `${doing} did not lead to the commit ${commit}, whose objects may be gone from the repository. ${stderr.slice(0, 2_000)}`
    })
  }
  if (fresh) yield* reused(inside, target)
})

// What both commits have is not looked at, so this takes no longer for more files.
const step = 'git read-tree -m -u "$1" "$2" 2> /dev/null || git reset -q --hard'

/** Checks out what a new workspace still lacks: it was put together of the commit `from`, and nothing has run in it. */
export const difference = Effect.fnUntraced(function* (
  inside: InsideCall.Inside,
  { directory, from, to }: { readonly directory: string; readonly from: string; readonly to: string }
) {
  const doing = `Checking out ${directory}`
  const args = ["-c", `cd -- "$GIT_WORK_TREE" && { ${step}; }`, "difference", from, to]
  const { code, stderr } = yield* InsideCall.run(inside, { doing, directory, command: "sh", args })
  if (code === 0) return
  return yield* new SandboxError({
    reason: "SetupFailed",
    message: `${doing} failed. Git says: ${stderr.slice(0, 2_000)}`
  })
})
