/** Two sandboxes that are open at once. */
import { type Case, looted } from "../Case.ts"

/** The cases. `NEIGHBOUR` is the other's workspace. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "workspace",
    level: "os",
    why: "the other's work",
    neighbour: `echo "$CANARY" > mine; echo ready; sleep 5`,
    command: `cat "$NEIGHBOUR/mine" >> loot`,
    check: looted
  },
  {
    id: "workspace-written",
    level: "os",
    why: "changing the other's work",
    neighbour: `echo unchanged > mine; echo ready; sleep 5`,
    command: `echo bad > "$NEIGHBOUR/mine"`,
    check: `grep -q bad "$NEIGHBOUR/mine"`
  },
  {
    id: "temporary",
    level: "os",
    why: "its temporary files",
    neighbour: `echo "$CANARY" > "/tmp/escape-$TOKEN"; echo ready; sleep 5`,
    command: `cat "/tmp/escape-$TOKEN" >> loot`,
    check: looted,
    clean: `rm -f "/tmp/escape-$TOKEN"`
  },
  {
    id: "environment",
    level: "os",
    why: "the variables of its processes",
    neighbour: `echo ready; sleep 5`,
    command: `cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep CANARY >> loot`,
    check: looted
  },
  {
    id: "loopback",
    level: "os",
    why: "its servers",
    needs: ["perl"],
    neighbour: `perl -MIO::Socket::INET -e '$|=1; my $l=IO::Socket::INET->new(LocalAddr=>"127.0.0.1",LocalPort=>$ENV{FREE},Listen=>5) or exit 1; print "ready\\n"; alarm 5; while(my $c=$l->accept){ print $c "$ENV{CANARY}\\n"; close $c }'`,
    command: `perl -e "$P"'use IO::Socket::INET; my $s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$ENV{FREE},Timeout=>2) or exit 1; get($s)'`,
    check: looted
  },
  {
    id: "abstract",
    level: "os",
    why: "its sockets that are names",
    needs: ["perl"],
    neighbour: `perl -e 'use Socket; $|=1; socket(my $l,AF_UNIX,SOCK_STREAM,0); bind($l,pack_sockaddr_un(chr(0)."n-$ENV{TOKEN}")) or exit 1; listen($l,5); print "ready\\n"; alarm 5; while(accept(my $c,$l)){ syswrite($c,"$ENV{CANARY}\\n"); close $c }'`,
    command: `perl -e "$P"'socket(my $s,AF_UNIX,SOCK_STREAM,0); connect($s,pack_sockaddr_un(chr(0)."n-$TOKEN")) or exit 1; get($s)'`,
    check: looted
  },
  {
    id: "kill",
    level: "os",
    why: "ending its processes",
    neighbour: `(i=0; while [ $i -lt 100 ]; do echo . >> "$H/alive" 2>&- || echo . >> alive; sleep 0.05; i=$((i+1)); done; : "$TOKEN") & echo ready; wait`,
    command: `[ -n "$NEIGHBOUR" ] || exit; for p in /proc/[0-9]*; do [ "$(readlink $p/cwd)" = "$NEIGHBOUR" ] && kill -KILL "\${p#/proc/}"; done; : > killed; sleep 0.3; a=$(cat "$H/alive" "$NEIGHBOUR/alive" | wc -c); sleep 0.4; b=$(cat "$H/alive" "$NEIGHBOUR/alive" | wc -c); [ "$a" -gt 0 ] && [ "$a" = "$b" ] && echo "worked $TOKEN" >> loot`,
    check: `grep -q "worked $TOKEN" "$WS/loot"`
  },
  {
    id: "shared-memory",
    level: "os",
    why: "its shared memory",
    needs: ["perl"],
    neighbour: `perl -e '$|=1; my $i=shmget(hex("0x".substr($ENV{TOKEN},-6)),4096,01666); shmwrite($i,$ENV{CANARY},0,64); print "ready\\n"; sleep 5'`,
    command: `perl -e "$P"'my $i=shmget(hex("0x".substr($TOKEN,-6)),4096,0); defined $i or exit 1; my $b; shmread($i,$b,0,4096); put($b)'`,
    check: looted,
    clean: `perl -e 'my $i=shmget(hex("0x".substr($ENV{TOKEN},-6)),4096,0); shmctl($i,0,0) if defined $i'`
  }
]
