/** Other processes, and the memory that they share. */
import { type Case, looted } from "../Case.ts"

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "kill",
    level: "os",
    why: "ending a process of the host's",
    command: `kill -KILL "$PID"`,
    check: `! kill -0 "$PID" 2>&- || grep -q '^State:.Z' "/proc/$PID/status"`
  },
  {
    id: "kill-found",
    level: "os",
    why: "the same, found by what it is called",
    command: `for p in /proc/[0-9]*; do case "$(tr '\\0' ' ' < $p/cmdline)" in *"escape-$TOKEN "*) kill -KILL "\${p#/proc/}";; esac; done`,
    check: `! kill -0 "$PID" 2>&- || grep -q '^State:.Z' "/proc/$PID/status"`
  },
  {
    id: "stop",
    level: "os",
    why: "halting it",
    command: `kill -STOP "$PID"; sleep 0.1`,
    check: `grep -q '^State:.T' "/proc/$PID/status"`,
    clean: `kill -CONT "$PID" 2>&-; :`
  },
  {
    id: "parent",
    level: "os",
    why: "the host's process that started the sandbox",
    command: `p=$$; while [ "$p" -gt 1 ]; do p=$(sed -n 's/^PPid:[^0-9]*//p' "/proc/$p/status"); [ "$p" = "$RUNNER" ] && kill -USR2 "$p"; done; kill -USR2 "$RUNNER"`,
    check: `test -e "$H/signalled"`
  },
  {
    id: "trace",
    level: "os",
    why: "a debugger on a process of the host's",
    needs: ["perl"],
    command: `perl -e "$P"'sys("ptrace",16,$PID+0,0,0)==0 or exit 1; waitpid($PID,0x40000000); my @s=split / /,do{open(my $f,"<","/proc/$PID/stat");<$f>}; my $w="\\0"x8; for my $i (0..511){ sys("ptrace",1,$PID+0,$s[49]+8*$i,$w)==0 or last; put($w) } sys("ptrace",17,$PID+0,0,0)'`,
    check: looted
  },
  {
    id: "foreign-memory",
    level: "os",
    why: "its memory, without a debugger",
    needs: ["perl"],
    command: `perl -e "$P"'my @s=split / /,do{open(my $f,"<","/proc/$PID/stat") or exit 1;<$f>}; my $l=$s[50]-$s[49]; my $b="\\0"x$l; my $i=pack("PQ",$b,$l); my $r=pack("QQ",$s[49],$l); sys("process_vm_readv",$PID+0,$i,1,$r,1,0)>0 and put($b)'`,
    check: looted
  },
  {
    id: "foreign-descriptor",
    level: "os",
    why: "its open files, without a debugger",
    needs: ["perl"],
    command: `perl -e "$P"'my $p=sys("pidfd_open",$PID+0,0); exit 1 if $p<0; my $f=sys("pidfd_getfd",$p,7,0); exit 1 if $f<0; open(my $h,"<&=",$f); sysseek($h,0,0); my $b; sysread($h,$b,4096); put($b)'`,
    check: looted
  },
  {
    id: "priority",
    level: "os",
    why: "its place on the processor",
    needs: ["perl"],
    command: `perl -e "$P"'setpriority(0,$PID,7)'`,
    check: `[ "$(cut -d' ' -f19 "/proc/$PID/stat")" = 7 ]`
  },
  {
    id: "limits",
    level: "os",
    why: "its limits",
    needs: ["perl"],
    command: `perl -e "$P"'my $l=pack("QQ",77,77); sys("prlimit64",$PID+0,4,$l,0)'`,
    check: `grep -q 'core file size *77 ' "/proc/$PID/limits"`
  },
  {
    id: "processors",
    level: "os",
    why: "which processors it runs on",
    needs: ["perl"],
    command: `perl -e "$P"'my $m=pack("Q",1); sys("sched_setaffinity",$PID+0,8,$m)'`,
    check: `[ "$(nproc --all)" -gt 1 ] && grep -q '^Cpus_allowed_list:.0$' "/proc/$PID/status"`
  },
  {
    id: "shared-memory",
    level: "os",
    why: "memory that the host's programs share (System V)",
    needs: ["perl"],
    setup: `perl -e 'my $i=shmget(hex("0x".substr($ENV{TOKEN},-6)),4096,01666); shmwrite($i,$ENV{CANARY},0,64)'`,
    command: `perl -e "$P"'my $i=shmget(hex("0x".substr($TOKEN,-6)),4096,0); defined $i or exit 1; my $b; shmread($i,$b,0,4096); put($b)'`,
    check: looted,
    clean: `perl -e 'my $i=shmget(hex("0x".substr($ENV{TOKEN},-6)),4096,0); shmctl($i,0,0) if defined $i'`
  },
  {
    id: "message-queue",
    level: "os",
    why: "messages between the host's programs (System V)",
    needs: ["perl"],
    setup: `perl -e 'my $i=msgget(hex("0x".substr($ENV{TOKEN},-6)),01666); msgsnd($i,pack("l! a*",1,$ENV{CANARY}),2048)'`,
    command: `perl -e "$P"'my $i=msgget(hex("0x".substr($TOKEN,-6)),0); defined $i or exit 1; my $b; msgrcv($i,$b,4096,0,2048); put($b)'`,
    check: looted,
    clean: `perl -e 'my $i=msgget(hex("0x".substr($ENV{TOKEN},-6)),0); msgctl($i,0,0) if defined $i'`
  },
  {
    id: "shared-memory-file",
    level: "os",
    why: "memory that the host's programs share (POSIX)",
    setup: `echo "$CANARY" > "/dev/shm/escape-$TOKEN"`,
    command: `cat "/dev/shm/escape-$TOKEN" >> loot`,
    check: looted,
    clean: `rm -f "/dev/shm/escape-$TOKEN"`
  },
  {
    id: "key-ring",
    level: "os",
    why: "keys that the kernel keeps for the user",
    needs: ["perl"],
    setup: `perl -e "$P"'my($t,$d,$v)=("user","escape-$TOKEN",$ENV{CANARY}); my $k=sys("add_key",$t,$d,$v,length $v,-4); sys("keyctl",5,$k,0x3f3f3f3f)'`,
    command: `perl -e "$P"'my($t,$d)=("user","escape-$TOKEN"); my $k=sys("keyctl",10,-4,$t,$d,0); exit 1 if $k<0; my $b="\\0"x256; sys("keyctl",11,$k,$b,256); put($b)'`,
    check: looted,
    clean: `perl -e "$P"'my($t,$d)=("user","escape-$TOKEN"); my $k=sys("keyctl",10,-4,$t,$d,0); sys("keyctl",9,$k,-4) if $k>0'`
  },
  {
    id: "list",
    level: "os",
    why: "what runs on the host",
    command: `cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' > processes`,
    check: `grep -q "escape-$TOKEN" "$WS/processes"`
  }
]
