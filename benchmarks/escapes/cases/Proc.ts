/** `/proc`, which is full of links that are no links, and of other processes' secrets. */
import { type Case, claimed, looted, reached } from "../Case.ts"

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "environment",
    level: "os",
    why: "the environment of a process of the host's",
    command: `tr '\\0' '\\n' < "/proc/$PID/environ" >> loot`,
    check: looted
  },
  {
    id: "environment-of-all",
    level: "os",
    why: "the environments of all processes",
    command: `cat /proc/[0-9]*/environ 2>&- | tr '\\0' '\\n' | grep ESCAPE_ >> loot`,
    check: looted
  },
  {
    id: "environment-of-parents",
    level: "os",
    why: "who started the sandbox has the host's environment (bubblewrap#725 for the first process)",
    command: `p=$$; while [ "$p" -gt 0 ]; do tr '\\0' '\\n' < "/proc/$p/environ" | grep ESCAPE_ >> loot; p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status"); done; tr '\\0' '\\n' < /proc/1/environ | grep ESCAPE_ >> loot`,
    check: looted
  },
  {
    id: "own-environment",
    level: "none",
    why: "a variable of the host's that nobody asked for",
    command: `env >> loot; cat "/proc/$$/environ" >> loot`,
    check: looted
  },
  {
    id: "arguments-of-all",
    level: "os",
    why: "arguments of other processes",
    command: `cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' >> loot`,
    check: looted
  },
  {
    id: "folder-of-process",
    level: "os",
    why: "the folder of a process of the host's",
    command: `cat "/proc/$PID/cwd/secret.txt" >> loot`,
    check: looted
  },
  {
    id: "root-of-process",
    level: "os",
    why: "the root of a process of the host's",
    command: `cat "/proc/$PID/root$H/secret.txt" >> loot`,
    check: looted
  },
  {
    id: "root-of-all",
    level: "os",
    why: "the root of whichever process has another",
    command: `for p in /proc/[0-9]*; do cat "$p/root$H/secret.txt" >> loot && break; done`,
    check: looted
  },
  {
    id: "descriptor-of-process",
    level: "os",
    why: "a file that is open elsewhere and has no name",
    command: `cat "/proc/$PID/fd/7" >> loot`,
    check: looted
  },
  {
    id: "memory-of-process",
    level: "os",
    why: "the memory of a process of the host's",
    needs: ["perl"],
    command: `perl -e "$P"'my @s=split / /,do{open(my $f,"<","/proc/$PID/stat")or exit 1;<$f>}; open(my $m,"<","/proc/$PID/mem") or exit 1; sysseek($m,$s[49],0); my $b; sysread($m,$b,$s[50]-$s[49]); put($b)'`,
    check: looted
  },
  {
    id: "memory-written",
    level: "os",
    why: "writing into a process of the host's is running code in it",
    needs: ["perl"],
    command: `perl -e "$P"'my @s=split / /,do{open(my $f,"<","/proc/$PID/stat")or exit 1;<$f>}; open(my $m,"+<","/proc/$PID/mem") or exit 1; sysseek($m,$s[49],0); syswrite($m,"BAD=")'`,
    check: `head -c 4 "/proc/$PID/environ" | grep -q BAD=`
  },
  {
    id: "sockets-of-host",
    level: "os",
    why: "which sockets the host has",
    command: `cat /proc/net/unix >> sockets`,
    check: `grep -qF "$ABSTRACT" "$WS/sockets"`
  },
  {
    id: "ports-of-host",
    level: "os",
    why: "where the host listens",
    command: `cat /proc/net/tcp > ports`,
    check: `grep -qi ":$(printf %04X "$PORT") " "$WS/ports"`
  },
  {
    id: "mounts-of-process",
    level: "os",
    why: "how the host's disks are put together",
    command: `cat "/proc/$PID/mountinfo" > mounts`,
    check: `test -s "$WS/mounts" && [ "$(head -n 1 "$WS/mounts")" = "$(head -n 1 "/proc/$PID/mountinfo")" ]`
  },
  {
    id: "score",
    level: "os",
    why: "who is killed when memory is short",
    command: `echo 500 > "/proc/$PID/oom_score_adj"`,
    check: `[ "$(cat "/proc/$PID/oom_score_adj")" = 500 ]`
  }
]

/** Descriptors that the host's process had from its own parent, and does not know of. */
export const descriptors: ReadonlyArray<Case> = [
  {
    id: "folder",
    level: "os",
    why: "an open folder is a way to all that is in it",
    command: `cat /proc/self/fd/40/secret.txt >> loot; echo bad > /proc/self/fd/40/new; for f in /proc/$$/fd/*; do cat "$f/secret.txt" >> loot; done`,
    check: looted
  },
  {
    id: "folder-written",
    level: "os",
    why: "and writing there as well",
    command: `echo bad > "/proc/self/fd/40/new-$TOKEN"; for f in /proc/$$/fd/*; do echo bad > "$f/new-$TOKEN"; done`,
    check: `test -e "$LEAK/new-$TOKEN"`
  },
  {
    id: "folder-parent",
    level: "os",
    why: "and to the folder around it",
    needs: ["perl"],
    command: `perl -e "$P"'open(my $d,"<&=",40) or exit 1; chdir($d) or exit 1; slurp("../leak/secret.txt")'`,
    check: looted
  },
  {
    id: "file",
    level: "os",
    why: "an open file that has no name any more",
    needs: ["perl"],
    command: `perl -e "$P"'open(my $f,"<&=",41) or exit 1; sysseek($f,0,0); my $b; sysread($f,$b,4096); put($b)'`,
    check: looted
  },
  {
    id: "socket",
    level: "os",
    why: "a connection of the host's is a way out",
    needs: ["perl"],
    command: `perl -e "$P"'open(my $f,">&=",42) or exit 1; syswrite($f,"$TOKEN"."\\n")'`,
    check: `sleep 0.2; grep -qsF "$TOKEN" "$LEAK/received"`
  },
  {
    id: "any",
    level: "os",
    why: "nothing but input, output and errors is passed on",
    command: `for f in /proc/self/fd/*; do n=\${f##*/}; [ "$n" -ge 40 ] && echo "worked $TOKEN" >> loot; done`,
    check: claimed
  },
  {
    id: "terminal",
    level: "os",
    why: "the terminal from which the factory was started, by its name",
    setup: `: > "$H/received"`,
    command: `echo "$TOKEN" > "$H/received"; echo > /dev/console; ls /dev/tty[0-9]* /dev/vcs* >> devices`,
    check: `${reached} || grep -q tty "$WS/devices"`
  }
]
