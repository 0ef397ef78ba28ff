/** The terminal that the factory was started from. */
import type { Case } from "../Case.ts"

/** The cases. The host's process has a terminal; `TYPESCRIPT` is a record of what is shown there. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "typed",
    level: "os",
    why: "characters typed into the host's terminal, for the shell that reads there next (TIOCSTI)",
    needs: ["perl"],
    command: `perl -e "$P"'for my $d ("/dev/tty","/proc/self/fd/0","/proc/self/fd/2") { open(my $t,"+<",$d) or next; ioctl($t,0x5412,$_) for split //,"$TOKEN"."\\n"; last }'`,
    check: `timeout --foreground 1 head -n 1 < /dev/tty | grep -q "$TOKEN"`
  },
  {
    id: "shown",
    level: "os",
    why: "what is shown there, with all that a terminal can be told",
    command: `echo "$TOKEN" > /dev/tty`,
    check: `sleep 0.1; grep -qsaF "$TOKEN" "$TYPESCRIPT"`
  }
]
