/** Processes that live on when the sandbox has closed. */
import { type Case, ticking } from "../Case.ts"

/** Writes to the workspace for some seconds, whatever happens. */
const tick = `i=0; while [ $i -lt 60 ]; do echo . >> "$WS/tick"; sleep 0.05; i=$((i+1)); done`
const begun = `i=0; while ! test -s tick && [ $i -lt 40 ]; do sleep 0.05; i=$((i+1)); done`
const quiet = `> /dev/null 2>&1 < /dev/null`

const living = (id: string, level: Case["level"], why: string, start: string, needs?: ReadonlyArray<string>): Case => ({
  id,
  level,
  why,
  ...(needs && { needs }),
  setup: `cat > tick.sh <<'END'\n${tick}\nEND`,
  command: `${start}\n${begun}`,
  check: ticking
})

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  living("background", "none", "a server that was started with &", `sh tick.sh ${quiet} &`),
  living("no-hang-up", "none", "one that was started to survive", `nohup sh tick.sh ${quiet} &`),
  living("session", "none", "a session of its own", `setsid sh tick.sh ${quiet} &`, ["setsid"]),
  living("double-fork", "none", "a daemon: two forks and a session", `( setsid sh -c 'sh tick.sh ${quiet} &' & )`, [
    "setsid"
  ]),
  living("deaf", "none", "one that takes no signal", `sh -c 'trap "" TERM INT HUP QUIT USR1; . ./tick.sh' ${quiet} &`),
  living(
    "renamed",
    "none",
    "under another name",
    `perl -e '$0="[kworker/0:1]"; fork and exit; exec "sh","tick.sh"' ${quiet} &`,
    ["perl"]
  ),
  living(
    "no-environment",
    "none",
    "with an empty environment, in the same session",
    `env -i WS="$WS" sh tick.sh ${quiet} &`
  ),
  living(
    "no-trace",
    "os",
    "with an empty environment, a session of its own, and no living parent",
    `env -i WS="$WS" setsid sh -c 'env -i WS="$WS" setsid sh -c "sh tick.sh & exit" ${quiet} & exit' ${quiet}`,
    ["setsid"]
  ),
  living(
    "runs-away",
    "os",
    "one that forks and ends all the time, so that its number is another one when it is killed",
    `perl -e 'use POSIX; open STDOUT,">/dev/null"; open STDERR,">/dev/null"; open STDIN,"</dev/null"; my $w=$ENV{WS}; %ENV=(); $0="x"; POSIX::setsid(); my $e=time+4; while(time<$e){ my $p=fork; defined $p or next; if($p){ POSIX::_exit(0) } POSIX::setsid(); open(my $f,">>","$w/tick"); print $f "."; close $f; select(undef,undef,undef,0.002) }' &`,
    ["perl"]
  ),
  living(
    "stopped",
    "none",
    "one that is halted when it is asked to end",
    `setsid sh -c 'kill -STOP $$; . ./tick.sh' ${quiet} & p=$!; sleep 0.1; (env -i setsid sh -c "sleep 1; kill -CONT $p" ${quiet} &); echo . >> tick`,
    ["setsid"]
  )
].map((one) => (one.id === "stopped" ? { ...one, check: `sleep 1.4; ${one.check}` } : one))
