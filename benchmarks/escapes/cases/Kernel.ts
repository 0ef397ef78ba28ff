/** Calls of the kernel that no build needs, and that weak spots were found behind; and, as root, its settings. */
import { type Case, claimed } from "../Case.ts"

const calling = (id: string, why: string, code: string): Case => ({
  id,
  level: "os",
  why,
  needs: ["perl"],
  command: `perl -e "$P"'${code}'`,
  check: claimed
})

/** The cases: who calls them gets through to the kernel, or does not. */
export const cases: ReadonlyArray<Case> = [
  calling("bpf", "programs in the kernel", `my $a=pack("IIII",2,4,4,1).("\\0"x64); sys("bpf",0,$a,80)>=0 and worked()`),
  calling(
    "perf",
    "what other processes do",
    `my $a=pack("IIQ",1,128,0).("\\0"x112); sys("perf_event_open",$a,0,-1,-1,0)>=0 and worked()`
  ),
  calling("page-faults", "halting the kernel in the middle of a copy", `sys("userfaultfd",1)>=0 and worked()`),
  calling("rings", "calls around every filter of calls", `my $p="\\0"x120; sys("io_uring_setup",4,$p)>=0 and worked()`),
  calling("watch-all", "which files the host opens", `sys("fanotify_init",0,0)>=0 and worked()`),
  calling(
    "modules",
    "code in the kernel",
    `my($i,$e)=("not a module",""); sys("init_module",$i,12,$e); my $n=$!+0; ($n==8||$n==22) and worked()`
  ),
  calling(
    "log",
    "the kernel's log, with addresses",
    `my $b="\\0"x4096; my $r=sys("syslog",3,$b,4096); $r>0 and worked()`
  ),
  calling(
    "accounting",
    "what every process did, to a file",
    `my $p="$WS/nope/x"; sys("acct",$p); ($!+0)==2 and worked()`
  ),
  calling("swap", "swap of one's own", `my $p="$WS/nope/x"; sys("swapon",$p,0); ($!+0)==2 and worked()`),
  calling(
    "clock",
    "the machine's clock",
    `my $t=pack("I",0x2000|0x1)."\\0"x300; my $z="\\0"x208; substr($z,0,4)=pack("I",0x0002); substr($z,16,8)=pack("q",0); open(my $f,"<","/proc/self/status"); my $c=join("",<$f>)=~/CapEff:\\s*(\\S+)/?hex($1):0; ($c>>25)&1 and worked()`
  ),
  calling(
    "real-time",
    "before everybody else on the processor",
    `my $p=pack("i",1); sys("sched_setscheduler",0,1,$p)==0 and worked(); $p=pack("i",0); sys("sched_setscheduler",0,0,$p)`
  ),
  calling(
    "privileges",
    "any of the rights of root over the machine",
    `open(my $f,"<","/proc/self/status"); my $s=join("",<$f>); my($c)=$s=~/CapEff:\\s*(\\S+)/; my($b)=$s=~/CapBnd:\\s*(\\S+)/; my $bad=(1<<21)|(1<<16)|(1<<17)|(1<<19)|(1<<12); ((hex($c)|hex($b))&$bad) and worked()`
  ),
  calling(
    "new-privileges",
    "programs that give rights to whoever starts them",
    `open(my $f,"<","/proc/self/status"); join("",<$f>)=~/NoNewPrivs:\\s*0/ and worked()`
  )
]

/** The cases of who is root: the kernel takes some of its settings from every root, whatever namespace he is in. */
export const root: ReadonlyArray<Case> = [
  {
    id: "core-pattern",
    level: "os",
    why: "a program that the kernel starts as root on the host when a process crashes",
    command: `v=$(cat /proc/sys/kernel/core_pattern) && printf %s "$v" > /proc/sys/kernel/core_pattern && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "settings",
    level: "os",
    why: "the kernel's settings, which are those of the host",
    command: `for f in kernel/printk_ratelimit kernel/modprobe kernel/panic vm/swappiness fs/file-max kernel/randomize_va_space; do f=/proc/sys/$f; v=$(cat $f) && printf %s "$v" > $f && echo "worked $TOKEN" >> loot; done`,
    check: claimed
  },
  {
    id: "settings-again",
    level: "os",
    why: "the same through a second mount of proc, or the root of a process",
    command: `for r in /proc/self/root /proc/1/root "/proc/$PID/root"; do f=$r/proc/sys/kernel/printk_ratelimit; v=$(cat $f) && printf %s "$v" > $f && echo "worked $TOKEN" >> loot; done; mkdir -p m; mount -t proc proc m && printf %s "$(cat m/sys/kernel/printk_ratelimit)" > m/sys/kernel/printk_ratelimit && echo "worked $TOKEN" >> loot`,
    check: claimed,
    clean: `umount -l "$WS/m" 2>&-; :`
  },
  {
    id: "keys-of-machine",
    level: "os",
    why: "restart and halt by a letter",
    command: `test -e /proc/sysrq-trigger && { : >> /proc/sysrq-trigger; } && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "interrupts",
    level: "os",
    why: "which processor serves which device",
    command: `for f in /proc/irq/default_smp_affinity /proc/irq/*/smp_affinity; do test -w "$f" && { : >> "$f"; } && echo "worked $TOKEN" >> loot && break; done`,
    check: claimed
  },
  {
    id: "release-agent",
    level: "os",
    why: "a program that the kernel starts as root on the host when a control group is empty",
    command: `mkdir -p m; for t in "cgroup -o pids" "cgroup -o memory" "cgroup -o rdma" cgroup2; do mount -t $t none m 2>&- && echo "worked $TOKEN" >> loot && break; done; for f in /sys/fs/cgroup/*/release_agent; do test -w "$f" && { : >> "$f"; } && echo "worked $TOKEN" >> loot; done`,
    check: claimed,
    clean: `umount -l "$WS/m" 2>&-; :`
  },
  {
    id: "control-groups",
    level: "os",
    why: "control groups: raising one's own limits, freezing the host's programs",
    command: `for d in /sys/fs/cgroup/pids /sys/fs/cgroup/freezer /sys/fs/cgroup/unified /sys/fs/cgroup; do mkdir "$d/escape-$TOKEN" 2>&- && echo "worked $TOKEN" >> loot; done`,
    check: `[ -n "$(find /sys/fs/cgroup -maxdepth 5 -name "escape-$TOKEN" 2>&-)" ]`,
    clean: `find /sys/fs/cgroup -maxdepth 5 -depth -name "escape-$TOKEN" -exec rmdir {} + 2>&-; :`
  },
  {
    id: "set-user-id",
    level: "os",
    why: "a program in the workspace that makes whoever starts it on the host its owner",
    command: `cp /bin/true suid; chmod 4755 suid`,
    check: `test -u "$WS/suid"`
  },
  {
    id: "file-capabilities",
    level: "os",
    why: "the same by capabilities of a file",
    needs: ["perl"],
    command: `cp /bin/true cap; perl -e "$P"'my($p,$n,$v)=("$WS/cap","security.capability",pack("IIIII",0x02000001,0x200000,0,0,0)); sys("setxattr",$p,$n,$v,20,0)'`,
    check: `perl -e 'my($p,$n,$v)=($ARGV[0],"security.capability","\\0"x64); exit(syscall((\`uname -m\`=~/aarch64/)?8:191,$p,$n,$v,64)==20?0:1)' "$WS/cap"`
  },
  {
    id: "owner",
    level: "os",
    why: "files of other users",
    command: `echo x > other; chown 12345 other`,
    check: `[ "$(stat -c %u "$WS/other")" = 12345 ]`
  },
  {
    id: "host-name",
    level: "os",
    why: "the name of the machine",
    command: `printf %s "$(cat /proc/sys/kernel/hostname)" > /proc/sys/kernel/hostname && [ "$(cat /proc/sys/kernel/hostname)" = "$HOSTNAME_OF_HOST" ] && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "debugging",
    level: "os",
    why: "the kernel's debugging and tracing",
    needs: ["mount"],
    command: `mkdir -p m; { mount -t tracefs none m || mount -t debugfs none m || mount -t securityfs none m; } && echo "worked $TOKEN" >> loot`,
    check: claimed,
    clean: `umount -l "$WS/m" 2>&-; :`
  }
]
