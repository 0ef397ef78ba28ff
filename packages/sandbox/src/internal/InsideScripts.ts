/**
 * The shell texts of `InsideFileSystem`, for dash, bash, BusyBox and BSD's sh alike. They are fixed: what varies comes as an
 * argument or on standard input.
 *
 * A path is never used as it was given. The shell goes to the folder (`cd -P`), asks where it really is, judges that, and
 * then names the thing by one word from there; a file is judged again by what was really opened. So a link that takes
 * the place of a folder or a file meanwhile leads nowhere.
 */

/** What an exit code of a script means. Others are those of the tools. */
export const codes = {
  60: ["NotFound", "No such file or folder"],
  61: ["PermissionDenied", "The rights inside do not allow it"],
  62: ["PermissionDenied", "It leads out of the workspace; only paths below it are answered"],
  63: ["PermissionDenied", "It belongs to the sandbox and can only be read"],
  64: ["PermissionDenied", "The workspace itself can not be taken away or replaced"],
  65: ["AlreadyExists", "It is there already"],
  66: ["BadResource", "It is not of the kind that this needs: a file, a folder, or a link that ends"],
  67: ["PermissionDenied", "It is a pipe, a socket or a device, and only files and folders are opened"]
} as const

/** The words before the script's own: protected names (as patterns, parted by `/`), and its arguments. Then come the roots. */
export const parameters = 4

const prelude = `
protect=$1 a=$2 b=$3 c=$4 d=$5; shift 5
set -f
within() {
  use=$1 found=; shift
  for root do case $P in
    "$root") found=1; [ "$use" != replace ] || exit 64;;
    "$root"/*) found=1; [ "$use" = read ] || free "\${P#"$root"/}";;
  esac; done
  [ "$found" ] || exit 62
}
free() {
  first=$1; first=\${first%%/*}; IFS=/
  for pattern in $protect; do case $first in $pattern) exit 63;; esac; done
  unset IFS
}
hop() {
  links=$((links + 1)); [ "$links" -le 40 ] || exit 66
  target=$(readlink -n -- "$1" && echo x) || exit 61
  target=\${target%x}
}
walk() {
  rest=$1 links=0; cd /
  while [ "$rest" ]; do
    case $rest in /*) rest=\${rest#/}; continue;; esac
    name=\${rest%%/*}
    if [ -L "./$name" ]; then
      hop "./$name"; rest=$target\${rest#"$name"}
      case $target in /*) cd /;; esac
    elif cd -P -- "./$name" 2> /dev/null; then rest=\${rest#"$name"}
    else P=\${PWD%/}/$name; return
    fi
  done
  P=$PWD
}
astray() {
  walk "$1"; shift
  within "$wanted" "$@"
  [ "$rest" ] || exit 61
  [ -e "./$name" ] || exit 60
  [ ! -d "./$name" ] || exit 61
  exit 66
}
follow() {
  path=$1 wanted=$2 links=0; shift 2
  while ! cd -P -- "$path" 2> /dev/null; do
    while case $path in */) true;; *) false;; esac; do path=\${path%/}; done
    folder=\${path%/*} T=./\${path##*/}
    cd -P -- "$folder/" 2> /dev/null || astray "$folder" "$@"
    P=\${PWD%/}/\${path##*/}
    if [ ! -L "$T" ]; then within "$wanted" "$@"; return; fi
    hop "$T"
    case $target in /*) path=$target;; *) path=$PWD/$target;; esac
  done
  P=$PWD T=.
  within "$wanted" "$@"
}
entry() {
  folder=\${1%/*} T=./\${1##*/} wanted=$2; shift 2
  cd -P -- "$folder/" 2> /dev/null || astray "$folder" "$@"
  P=\${PWD%/}/\${T#./}
  within "$wanted" "$@"
}
there() { [ -e "$T" ] || [ -L "$T" ]; }
plain() {
  [ "$T" != . ] || exit 66
  [ -f "$T" ] || { ! there || exit 67; }
}
opened() {
  [ -d /proc/self/fd ] || return 0
  P=$(readlink -n /proc/self/fd/3 && echo x) || exit 61
  P=\${P%x}; within "$wanted" "$@"
}
input() {
  plain; [ -f "$T" ] || exit 60
  command exec 3< "$T" || exit 61
  opened "$@"
}
output() {
  flag=$1 mode=$2; shift 2
  plain
  if [ -f "$T" ]; then
    case $flag in
      *x*) exit 65;;
      r*) command exec 3<> "$T" || exit 61;;
      *) command exec 3>> "$T" || exit 61;;
    esac
  else
    case $flag in r*) exit 60;; esac
    mask=$(umask); [ -z "$mode" ] || umask 077
    set -C; command exec 3> "$T" || { ! there || exit 65; exit 61; }; set +C
    umask "$mask"
    [ -z "$mode" ] || chmod "$(printf %o $((0$mode & ~0$mask)))" "$T" || exit 61
  fi
  opened "$@"
  case $flag in w*) empty;; esac
}
empty() { if [ -d /proc/self/fd ]; then : > /proc/self/fd/3; else : > "$T"; fi; }
at() { command exec 5< . 2> /dev/null && [ -d /proc/self/fd ] && H=/proc/self/fd/5/\${1#./} || H=$P; }
seek() { [ "$1" = 0 ] || dd bs=1 "$2=$1" count=0 conv=notrunc 2> /dev/null; }
exact=; [ ! -d /proc/self ] || exact=T
info() {
  if [ -d /proc/self ]; then stat -c '%f %d %i %h %u %g %t %T %s %o %b %x|%y|%w' -- "$1"
  else stat -f '%Xp %d %i %l %u %g 0 0 %z %k %b %Fa|%Fm|%FB' -- "$1"; fi || exit 61
}
`

const script = (body: string): string => `${prelude}${body}`

const list = `
follow "$a" read "$@"; [ "$T" = . ] || { ! there || exit 66; exit 60; }
`

/** Every operation. `$a` to `$d` are its arguments. */
export const scripts = {
  access: script(`
    follow "$a" read "$@"; [ -e "$T" ] || exit 60
    case $b in *r*) [ -r "$T" ] || exit 61;; esac
    case $b in *w*) [ -w "$T" ] || exit 61;; esac`),
  chmod: script(`
    follow "$a" write "$@"; [ -e "$T" ] || exit 60
    if [ -f "$T" ] && [ -d /proc/self/fd ] && command exec 3< "$T"; then opened "$@"; T=/proc/self/fd/3; fi 2> /dev/null
    chmod "$b" "$T" || exit 61`),
  chown: script(`
    follow "$a" write "$@"; [ -e "$T" ] || exit 60
    chown -h "$b" "$T" || exit 61`),
  // What is there already is gone through here: the tools disagree about what they then do.
  copy: script(`
    merge() {
      if [ -d "$1" ] && [ ! -L "$1" ]; then
        if [ -L "$2" ] || [ ! -d "$2" ]; then [ ! -e "$2" ] && [ ! -L "$2" ] || exit 66; mkdir -- "$2" || exit 61; fi
        for one in "$1"/* "$1"/.[!.]* "$1"/..?*; do
          [ -e "$one" ] || [ -L "$one" ] || continue
          merge "$one" "$2/\${one##*/}"
        done
      else
        if [ -e "$2" ] || [ -L "$2" ]; then
          [ "$c" ] || return 0
          [ ! -d "$2" ] || [ -L "$2" ] || exit 66
          rm -f -- "$2"
        fi
        cp -P$d -- "$1" "$2" || exit 61
      fi
    }
    follow "$a" read "$@"; there || exit 60
    if [ "$T" = . ]; then source=$P; at ""; H=\${H%/}/. kind=folder; else plain; at "$T"; source=$P kind=file; fi
    follow "$b" replace "$@"
    case $P/ in "$source"/*) [ "$kind" = file ] || exit 66; [ "$P" != "$source" ] || exit 0;; esac
    [ "$kind" = folder ] || [ "$T" != . ] || exit 66
    if there; then
      [ "$kind" = file ] || [ "$T" = . ] || exit 66
      set +f; merge "$H" "$T"
    else
      cp -RP$d -- "$H" "$T" || exit 61
    fi`),
  copyFile: script(`
    follow "$a" read "$@"; input "$@"; exec 4<&3
    rights=$(if [ -d /proc/self ]; then stat -c %a -- "$T"; else stat -f %Lp -- "$T"; fi)
    source=$P
    follow "$b" write "$@"; [ "$P" != "$source" ] || exit 0
    plain; [ ! "$T" -ef /proc/self/fd/4 ] || exit 0
    output w "$rights" "$@"
    cat <&4 >&3`),
  entries: script(`${list}
    set +f
    for one in * .[!.]* ..?*; do
      if [ -L "$one" ]; then kind=l
      elif [ -f "$one" ]; then kind=f
      elif [ -d "$one" ]; then kind=d
      elif [ -p "$one" ]; then kind=p
      elif [ -S "$one" ]; then kind=s
      elif [ -b "$one" ]; then kind=b
      elif [ -c "$one" ]; then kind=c
      elif [ -e "$one" ]; then kind=u
      else continue; fi
      printf '%s%s\\0' "$kind" "$one"
    done`),
  link: script(`
    entry "$a" write "$@"; there || exit 60
    at "$T"; entry "$b" write "$@"; ! there || exit 65
    ln \${exact:+-T} -- "$H" "$T" || exit 61`),
  lstat: script(`entry "$a" read "$@"; there || exit 60; info "$T"`),
  makeDirectory: script(`
    follow "$a" write "$@"; ! there || exit 65
    mkdir \${b:+-m "$b"} -- "$T" || exit 61`),
  makeDirectories: script(`
    walk "$a"; within write "$@"
    while [ "$rest" ]; do
      case $rest in /*) rest=\${rest#/}; continue;; esac
      name=\${rest%%/*}; rest=\${rest#"$name"}
      [ -d "./$name" ] || mkdir \${b:+-m "$b"} -- "./$name" 2> /dev/null || [ -d "./$name" ] || {
        [ ! -e "./$name" ] || { [ -z "\${rest%/}" ] || exit 66; exit 65; }; exit 61; }
      cd -P -- "./$name" || exit 61
      P=$PWD; within write "$@"
    done`),
  // `$a` is the root, `$b` the folder that was asked for, if any, `$c` the name, `$d` the kind.
  temporary: script(`
    if [ "$b" ]; then follow "$b" write "$@"; [ "$T" = . ] || { ! there || exit 66; exit 60; }
    else
      follow "$a/.millwright" write "$@"
      [ "$T" = . ] || mkdir -- "$T" 2> /dev/null || [ -d "$T" ] || exit 61
      cd -P -- "$T" || exit 61
      P=$PWD; within write "$@"
      [ -e .gitignore ] || [ -L .gitignore ] || { set -C; echo "*" > .gitignore; set +C; } 2> /dev/null
    fi
    umask 077; set -C
    if [ "$d" = folder ]; then mkdir -- "./$c"; else true > "./$c"; fi || { [ ! -e "./$c" ] || exit 65; exit 61; }
    printf %s "\${PWD%/}/$c"`),
  open: script(`
    if [ "$d" ]; then entry "$a" "\${d}" "$@"; [ ! -L "$T" ] || exit 66
    else case $b in r) follow "$a" read "$@";; *) follow "$a" write "$@";; esac; fi
    if [ "$b" = r ]; then [ "$T" = . ] || [ -d "$T" ] || input "$@"; else output "$b" "$c" "$@"; fi
    printf %s "$P"`),
  read: script(`
    follow "$a" read "$@"; input "$@"
    seek "$b" skip <&3
    if [ "$c" ]; then head -c "$c" <&3; else cat <&3; fi`),
  readDirectory: script(`${list}
    find . -print0`),
  readLink: script(`
    entry "$a" read "$@"
    [ -L "$T" ] || { ! there || exit 66; exit 60; }
    readlink -n -- "$T"`),
  realPath: script(`follow "$a" read "$@"; there || exit 60; printf %s "$P"`),
  remove: script(`
    entry "$a" replace "$@"
    there || { [ "$c" ] && exit 0; exit 60; }
    if [ -d "$T" ] && [ ! -L "$T" ]; then [ "$b" ] || exit 66; rm -rf -- "$T"; else rm -f -- "$T"; fi || exit 61`),
  rename: script(`
    entry "$a" replace "$@"; there || exit 60
    kind=file; [ ! -d "$T" ] || [ -L "$T" ] || kind=folder
    source=$P; at "$T"
    entry "$b" replace "$@"
    [ "$P" != "$source" ] || exit 0
    case $P in "$source"/*) exit 66;; esac
    if [ -d "$T" ] && [ ! -L "$T" ]; then
      [ "$kind" = folder ] || exit 66
      rmdir -- "$T" 2> /dev/null || exit 65
    elif there; then [ "$kind" = file ] || exit 66; fi
    mv -f$exact -- "$H" "$T" || exit 61`),
  stat: script(`follow "$a" read "$@"; there || exit 60; info "$T"`),
  symlink: script(`
    entry "$b" write "$@"; ! there || exit 65
    case $a in /*) path=$a;; *) path=$PWD/$a;; esac
    (follow "$path" read "$@")
    [ $? != 62 ] || exit 62
    ln -s$exact -- "$a" "$T" || exit 61`),
  sync: script(`follow "$a" read "$@"; sync -f "$T" 2> /dev/null || sync`),
  truncate: script(`
    follow "$a" write "$@"; output r+ "" "$@"
    file=$T; [ ! -d /proc/self/fd ] || file=/proc/self/fd/3
    dd if=/dev/null of="$file" bs=1 seek="$b" count=0 2> /dev/null`),
  // GNU's and BSD's `touch` take fractions of a second, BusyBox's does not.
  utimes: script(`
    follow "$a" write "$@"; [ -e "$T" ] || exit 60
    set_time() {
      short=\${2%.*}
      touch -c -h "$1" -d "$2" -- "$T" 2> /dev/null || touch -c -h "$1" -d "\${short%T*} \${short#*T}" -- "$T" || exit 61
    }
    set_time -a "$b"; set_time -m "$c"`),
  watch: script(`
    follow "$a" read "$@"; there || exit 60
    depth=; [ "$b" ] || depth="-maxdepth 1"
    while :; do
      find "$T" $depth -exec sh -c '
        look() { if [ -d /proc/self ]; then stat -c "%f %i %s %y %z" -- "$@"; else stat -f "%Xp %i %z %Fm %Fc" -- "$@"; fi; }
        if seen=$(look "$@" 2> /dev/null); then printf "%s\\0" "$#" "$@" "$seen"; exit; fi
        for one do seen=$(look "$one" 2> /dev/null) && printf "%s\\0" 1 "$one" "$seen"; done; :' sh {} +
      printf '0\\0'
      sleep "$c" 2> /dev/null || sleep 1
    done`),
  write: script(`
    follow "$a" write "$@"; output "$b" "$c" "$@"
    cat >&3`),
  writeAt: script(`
    follow "$a" write "$@"; output r+ "" "$@"
    seek "$b" seek >&3
    cat >&3`)
} as const

/** The name of an operation. */
export type Operation = keyof typeof scripts
