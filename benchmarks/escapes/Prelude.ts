/** What attacks in Perl begin with. Perl is on every Debian, and can call the kernel without a compiler. */

const numbers: Readonly<Record<string, readonly [x86_64: number, aarch64: number]>> = {
  mount: [165, 40],
  umount2: [166, 39],
  setns: [308, 268],
  unshare: [272, 97],
  pivot_root: [155, 41],
  mknodat: [259, 33],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  prlimit64: [302, 261],
  sched_setaffinity: [203, 122],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  fsopen: [430, 430],
  open_tree: [428, 428],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  fanotify_init: [300, 262],
  add_key: [248, 217],
  keyctl: [250, 219],
  init_module: [175, 105],
  syslog: [103, 116],
  acct: [163, 89],
  swapon: [167, 224],
  sched_setscheduler: [144, 119],
  clock_adjtime: [305, 266],
  setxattr: [188, 5]
}

const table = Object.entries(numbers)
  .map(([name, [x86, arm]]) => `${name}=>[${x86},${arm}]`)
  .join(",")

/**
 * `sys(name, …)` calls the kernel, `put` writes to `loot`, `worked` says there that the attack did, `get(socket)` sends the
 * token to a listener and keeps what it answers.
 */
export const perl = `use strict; no warnings; use Socket; my %n=(${table}); my $arm=(\`uname -m\`=~/aarch64/)?1:0;
my ($WS,$H,$TOKEN,$PID)=@ENV{qw(WS H TOKEN PID)}; $SIG{PIPE}="IGNORE"; $SIG{ALRM}=sub{exit 3}; alarm 6;
sub sys { my $k=shift; return syscall($n{$k}[$arm],@_) }
sub put { open(my $f,">>","$WS/loot"); syswrite($f,$_) for @_; close $f }
sub worked { put("worked $TOKEN"."\\n") }
sub get { my $s=shift; syswrite($s,"$TOKEN"."\\n"); my $b; sysread($s,$b,4096) and put($b) }
sub slurp { open(my $f,"<",$_[0]) or return; local $/; my $d=<$f>; put($d); return $d }
`
