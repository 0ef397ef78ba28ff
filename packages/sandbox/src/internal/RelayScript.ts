/**
 * The **relay**: a shell script that runs on a machine which can only be asked "run this text, and tell me what it printed".
 * It gives commands there what such a machine lacks: input, and binary output that streams and waits for its reader.
 *
 * Each command has a folder below the relay's own. Output is cut into numbered segments that stay until the host says that it
 * has them, input arrives in numbered parts, and starting names the command: so each call can be repeated when its
 * answer was lost, and nothing runs or arrives twice. A command's own folder that is there already is never started again, so
 * one that is dropped before it was started never starts.
 *
 * It needs a POSIX shell, `setsid`, `mkfifo`, `dd` and `base64`: GNU's or BusyBox's. Without the `-f` of
 * util-linux's `setsid`, as in BusyBox, commands ignore SIGINT and SIGQUIT.
 */

/** How many segments of 64 KiB one answer holds at most, for each of the two outputs. */
export const segments = 8

/** What starts an answer, and what ends it: one that was cut off is told from one that is whole. */
export const header = "relay1"
/** The last line of an answer. */
export const footer = "."

/** The script. Its first argument is the relay's own folder, the second what to do. */
export const script = `
mask=$(umask); umask 077
base=$1 verb=$2; shift 2

nap() { if [ "$1" -gt 25 ]; then sleep 0.1; else sleep 0.02; fi 2>/dev/null || sleep 1; }

# Cuts what arrives into segments, and waits when the host has fallen behind.
pump() {
  exec 3< "$1"
  n=0
  while :; do
    dd bs=65536 count=1 of="$1.part" <&3 2>/dev/null
    [ -s "$1.part" ] || break
    n=$((n + 1))
    mv "$1.part" "$1.$n" || break
    while [ -e "$1.$((n - ${2 * segments}))" ]; do sleep 0.02 2>/dev/null || sleep 1; done
  done
  echo "$n" > "$1.part"; mv "$1.part" "$1.end"
}

feed() {
  exec 4> in
  last=0
  while read -r n <&5; do
    [ "$n" = end ] && break
    # It is told twice, and may be written twice, when the call that did it was cut off and repeated.
    if [ "$n" -le "$last" ]; then rm -f "in.$n"; continue; fi
    [ -e "in.$n" ] || continue
    last=$n
    cat "in.$n" >&4 2>/dev/null
    echo "$n" > fed.part; mv fed.part fed; rm -f "in.$n"
  done
}

# Prints whole segments of an output that come after the last one that the host has, and sets count and ended.
look() {
  n=$2 list="" count=0 ended=0
  while [ -e "$1.$n" ]; do rm -f "$1.$n"; n=$((n - 1)); done
  [ "$3" = 1 ] || return
  n=$(($2 + 1))
  while [ "$count" -lt ${segments} ] && [ -e "$1.$n" ]; do list="$list $1.$n" count=$((count + 1)) n=$((n + 1)); done
  if [ -e "$1.end" ]; then read -r last < "$1.end"; [ "$last" -lt "$n" ] && ended=1; fi
}

# Waits until there is something that the host does not know, and tells it.
pull() {
  outHas=$1 errHas=$2 wantOut=$3 wantErr=$4 knowsExit=$5 left=$6 turn=0
  while :; do
    code=-
    if [ -e exit ]; then read -r code < exit; fi
    look out "$outHas" "$wantOut"; outList=$list outCount=$count outEnded=$ended
    look err "$errHas" "$wantErr"; errList=$list errCount=$count errEnded=$ended
    if [ "$outCount$errCount$outEnded$errEnded" != 0000 ]; then break; fi
    if [ "$code" != - ] && [ "$knowsExit" = 0 ]; then break; fi
    [ "$turn" -ge "$left" ] && break
    if [ ! -e up ] && [ "$turn" -gt 50 ]; then code=lost; break; fi
    turn=$((turn + 1)); nap "$turn"
  done
  pid=0
  if [ -e pid ]; then read -r pid < pid; fi
  echo "${header} $pid $code $outCount $outEnded $errCount $errEnded"
  # In one line: to read a hundred thousand of them takes the host more memory than what is in them.
  if [ -n "$outList" ]; then cat $outList | base64 | tr -d '\\n'; echo; fi
  echo -
  if [ -n "$errList" ]; then cat $errList | base64 | tr -d '\\n'; echo; fi
  echo "${footer}"
}

case $verb in
start)
  id=$1 left=$2; shift 2
  if mkdir "$base/$id" 2>/dev/null; then
    cd "$base/$id" || exit 1
    if setsid -f true 2>/dev/null; then
      setsid -f sh "$0" "$base" supervise "$id" "$mask" "$@" < /dev/null > /dev/null 2>&1
    else
      setsid sh "$0" "$base" supervise "$id" "$mask" "$@" < /dev/null > /dev/null 2>&1 &
    fi
  fi
  cd "$base/$id" && pull 0 0 1 1 0 "$left"
  ;;
supervise)
  id=$1 mask=$2 input=$3 output=$4 errors=$5; shift 5
  cd "$base/$id" || exit 1
  echo $$ > supervisor
  exec 5<> /dev/null
  if [ "$input" = pipe ]; then
    mkfifo in bell; exec 5<> bell
    feed &
    feeder=$!
  else ln -s /dev/null in; fi
  for name in out err; do
    kind=$output; [ "$name" = err ] && kind=$errors
    if [ "$kind" = pipe ]; then mkfifo "$name"; pump "$name" 5<&- &
    else ln -s /dev/null "$name"; echo 0 > "$name.end"; fi
  done
  : > up
  umask "$mask"
  "$@" < in > out 2> err 5<&-
  code=$?
  umask 077
  echo "$code" > exit.part; mv exit.part exit
  [ -n "$feeder" ] && kill "$feeder" 2>/dev/null
  wait
  ;;
pull)
  id=$1; shift
  if cd "$base/$id" 2>/dev/null; then pull "$@"
  else echo "${header} 0 lost 0 0 0 0"; echo -; echo "${footer}"; fi
  ;;
push)
  id=$1 n=$2 file=$3
  cd "$base/$id" 2>/dev/null || { echo gone; exit 0; }
  turn=0
  while [ ! -e up ] && [ "$turn" -lt 60 ]; do turn=$((turn + 1)); nap "$turn"; done
  if [ "$n" = end ]; then : > in.end; echo end 1<> bell; echo ok; exit 0; fi
  fed=0
  if [ -e fed ]; then read -r fed < fed; fi
  if [ "$fed" -lt "$n" ]; then
    if [ -e "in.$n" ]; then :
    elif [ -n "$file" ]; then mv "$file" "in.$n"
    else base64 -d > "in.part.$$"; mv "in.part.$$" "in.$n"; fi
    echo "$n" 1<> bell
  fi
  turn=0
  while [ -e "in.$((n - 1))" ] || [ -e "in.$((n - 2))" ]; do
    if [ -e exit ]; then echo gone; exit 0; fi
    if [ "$turn" -gt 100 ]; then echo busy; exit 0; fi
    turn=$((turn + 1)); nap "$turn"
  done
  if [ -e exit ]; then echo gone; else echo ok; fi
  ;;
reset)
  for file in "$base"/*/supervisor; do
    [ -e "$file" ] || continue
    read -r group < "$file"; kill -s KILL -- "-$group" 2>/dev/null
  done
  rm -rf "\${base:?}"/*/ "\${base:?}"/text*
  for name in "$PATH" "$HOME" "\${LANG:-C.UTF-8}" "\${TMPDIR:-/tmp}" "\${TERM:-dumb}" "$(id -un 2>/dev/null || echo nobody)"; do
    printf '%s' "$name" | base64 | tr -d '\\n'; echo
  done
  echo ok
  ;;
drop)
  for id in "$@"; do
    mkdir "$base/$id" 2>/dev/null
    if [ -e "$base/$id/supervisor" ]; then
      read -r group < "$base/$id/supervisor"; kill -s KILL -- "-$group" 2>/dev/null
      rm -rf "\${base:?}/$id"
    fi
  done
  echo ok
  ;;
esac
`
