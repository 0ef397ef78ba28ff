/**
 * The processes of a command that runs where we can not look: found by a mark in their environment, as `ProcessTree` does,
 * but by a script that runs there. It needs a POSIX shell, grep and `/proc`.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { PlatformError } from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessHandle } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import * as ProcessTree from "../ProcessTree.ts"

/** Starts one command there. */
export type Spawn = (
  command: ChildProcess.StandardCommand
) => Effect.Effect<ChildProcessHandle, PlatformError, Scope.Scope>

// `look` finds who has the mark, and whoever descends from them or is in their group or session, and leaves the living in
// `living`. `seen` remembers, so that a child whose parent ended between two looks is still known.
/** Functions of a script: `look` and `end SIGNAL GRACE` for who has `$mark`. */
export const looking = `
seen=" "
marked() {
  if printf 'a\\0b' | grep -qF b 2> /dev/null; then grep -slF -- "$mark" /proc/[0-9]*/environ
  else for one in /proc/[0-9]*/environ; do tr '\\0' '\\n' < "$one" 2> /dev/null | grep -qF -- "$mark" && echo "$one"; done; fi
}
look() {
  living=
  # Every environment holds the empty mark.
  [ "$mark" ] || return 0
  for file in $(marked); do
    file=\${file#/proc/}; file=\${file%/environ}
    case $seen in *" $file "*) ;; *) seen="$seen$file ";; esac
  done
  [ "$seen" != " " ] || return 0
  states=$(grep -sE '^(State|PPid|NSpgid|NSsid):' /proc/[0-9]*/status | while read -r file value rest; do
    case $file in
      *:State:) state=$value;;
      *:PPid:) parent=$value;;
      *:NSpgid:) group=$value;;
      *:NSsid:) file=\${file#/proc/}; echo "\${file%%/*} $state $parent $group $value";;
    esac
  done)
  before=
  while [ "$before" != "$seen" ]; do
    before=$seen
    set -- $states
    while [ $# -ge 5 ]; do
      case $seen in
        *" $1 "*) ;;
        *" $3 "* | *" $4 "* | *" $5 "*) seen="$seen$1 ";;
      esac
      shift 5
    done
  done
  set -- $states
  while [ $# -ge 5 ]; do
    case $seen in *" $1 "*) case $2 in Z* | X*) ;; *) living="$living $1";; esac;; esac
    shift 5
  done
}
# Who goes from one program to the next shows no environment for a moment. A thread of the kernel has no program, and who was
# started without an environment says that it ends where it begins.
between() {
  for file in $(grep -sL '' /proc/[0-9]*/environ); do
    file=\${file%environ} stat=
    [ -e "\${file}exe" ] && { read -r stat < "\${file}stat"; } 2> /dev/null || continue
    set -- \${stat##*) }
    [ $# -ge 49 ] && [ "\${48}" != 0 ] && [ "\${48}" = "\${49}" ] || return 0
    # It was asked while it was being given one.
    one=; read -r one < "\${file}environ" 2> /dev/null; [ -z "$one" ] || return 0
  done
  return 1
}
end() {
  look
  for again in 1 2 3; do
    [ "$living" ] || ! [ "$mark" ] || ! between || { sleep 0.02 2> /dev/null; look; }
  done
  [ "$living" ] || return 0
  kill -s "$1" $living 2> /dev/null
  waited=0
  while look; [ "$living" ]; do
    [ "$waited" -lt "$2" ] || kill -s KILL $living 2> /dev/null
    [ "$waited" -lt $(($2 + 1000)) ] || return 1
    sleep 0.02 2> /dev/null || sleep 1
    waited=$((waited + 20))
  done
}
`

const ending = `${looking}
mark=$1
end "$2" "$3"
`

// The command gets a session of its own, so that whoever stays in it is known when the mark is wiped. It is not started with
// `&`, with which it could not trap SIGINT. What it left when it has ended is ended here: who asked for it need not ask again.
const supervising = `${looking}
all=$1 mark=$2; shift 2
(
  ${ProcessTree.variable}="$all $mark"; export ${ProcessTree.variable}
  if command -v setsid > /dev/null; then exec setsid "$@"; else exec "$@"; fi
)
code=$?
exec < /dev/null > /dev/null
end TERM ${ProcessTree.defaultGrace}
exit $code
`

/** A command that runs another one with a mark, ends what that leaves behind, and ends with its code. */
export const supervised = (command: ChildProcess.StandardCommand): ChildProcess.StandardCommand => {
  const { [ProcessTree.variable]: mark = "", ...env } = command.options.env ?? {}
  // The commands of a pipeline have one mark, and the first that ends is not the end of all.
  const args = ["-c", supervising, "sh", mark, `one-${randomUUID()}`, command.command, ...command.args]
  return ChildProcess.make("/bin/sh", args, { ...command.options, env })
}

/** The mark that `supervised` was given. */
export const markOf = (command: ChildProcess.StandardCommand): string => {
  const mark = command.args[3]
  return typeof mark === "string" ? mark.slice(mark.lastIndexOf(" ") + 1) : ""
}

/** Ends every process there that has the mark, with its descendants. Bounded, and silent when nobody answers. */
export const end =
  (spawn: Spawn): typeof ProcessTree.end =>
  ({ mark }, { grace, signal }) =>
    Effect.scoped(
      Effect.gen(function* () {
        const args = ["-c", ending, "sh", mark, signal.replace(/^SIG/, ""), String(Math.ceil(grace))]
        const handle = yield* spawn(ChildProcess.make("/bin/sh", args, { env: {}, stdin: "ignore" }))
        yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(handle.all)))
        yield* handle.exitCode
      })
    ).pipe(
      Effect.interruptible,
      Effect.timeoutOption(Duration.millis(grace + patience)),
      Effect.ignore,
      Effect.uninterruptible
    )

/** How long the other side may take to answer, beside the grace, in milliseconds. */
const patience = 15_000
