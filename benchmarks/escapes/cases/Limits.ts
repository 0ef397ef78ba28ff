/** What the spec limits; and what has to have an end all the same. */
import { type Case, claimed } from "../Case.ts"

/** The cases. All attacks are small; what they would be without a bound, they say. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "processes",
    level: "none",
    why: "a fork bomb",
    spec: { limits: { processes: 48 } },
    needs: ["perl"],
    command: `perl -e "$P"'my $n=0; for(1..120){ my $p=fork; last unless defined $p; if(!$p){ sleep 2; exec "true" } $n++ } worked() if $n>=100; sleep 1'`,
    check: claimed
  },
  {
    id: "memory",
    level: "none",
    why: "memory without end",
    spec: { limits: { memory: 96_000_000 } },
    needs: ["perl"],
    command: `perl -e "$P"'my $s="x"x250_000_000; worked() if length $s==250_000_000'`,
    check: claimed
  },
  {
    id: "memory-of-many",
    level: "none",
    why: "the same, shared out among processes",
    spec: { limits: { memory: 96_000_000 } },
    needs: ["perl"],
    command: `for i in 1 2 3 4 5; do perl -e "$P"'my $s="x"x50_000_000; sleep 1; open(my $f,">>","$WS/many"); print $f "x"' & done; wait; [ "$(wc -c < many)" = 5 ] && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "memory-file",
    level: "none",
    why: "the same in files that are memory",
    spec: { limits: { memory: 96_000_000 } },
    needs: ["perl"],
    command: `for d in /dev/shm /run /tmp; do head -c 200000000 /dev/zero > "$d/escape-$TOKEN" 2>&-; [ "$(stat -c %s "$d/escape-$TOKEN")" = 200000000 ] && [ "$(stat -f -c %T "$d")" = tmpfs ] && echo "worked $TOKEN" >> loot; rm -f "$d/escape-$TOKEN"; done`,
    check: claimed
  },
  {
    id: "wall",
    level: "none",
    why: "a command that never ends",
    spec: { limits: { wall: 700 } },
    command: `trap '' TERM INT HUP; sleep 2.5; echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "disk",
    level: "none",
    why: "a disk that is full for everybody",
    spec: { limits: { disk: 20_000_000 } },
    command: `head -c 80000000 /dev/zero > big; [ "$(stat -c %s big)" = 80000000 ] && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "processor",
    level: "none",
    why: "all processors for oneself",
    spec: { limits: { cpus: 0.05 } },
    needs: ["perl"],
    command: `perl -e "$P"'use POSIX (); my @a=POSIX::times(); my $e=$a[0]+300; my $i=0; while((POSIX::times())[0]<$e){ $i++ for 1..10000 } my @b=POSIX::times(); worked() if ($b[1]+$b[2]-$a[1]-$a[2])>40'`,
    check: claimed
  }
]
