/** Writes outside of the workspace. */
import { type Case, changed, claimed } from "../Case.ts"

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  { id: "absolute", level: "os", why: "an absolute path", command: `echo bad > "$H/target.txt"`, check: changed },
  {
    id: "append",
    level: "os",
    why: "adding to a log or a list of keys",
    command: `echo bad >> "$H/target.txt"`,
    check: changed
  },
  {
    id: "link",
    level: "os",
    why: "a link in the workspace that leads out",
    command: `ln -s "$H/target.txt" x; echo bad > x`,
    check: changed
  },
  {
    id: "link-folder",
    level: "os",
    why: "a linked folder",
    command: `ln -s "$H" x; echo bad > x/target.txt`,
    check: changed
  },
  {
    id: "dots",
    level: "os",
    why: "a path with ..",
    command: `p=; i=0; while [ $i -lt 12 ]; do p=../$p; i=$((i+1)); done; echo bad > "$p$H/target.txt"`,
    check: changed
  },
  { id: "truncate", level: "os", why: "emptying a file", command: `: > "$H/target.txt"`, check: changed },
  { id: "remove", level: "os", why: "removing a file", command: `rm -f "$H/target.txt"`, check: changed },
  {
    id: "remove-tree",
    level: "os",
    why: "rm -rf with a wrong variable",
    command: `rm -rf "$H/dir"`,
    check: `! test -e "$H/dir/secret.txt"`
  },
  {
    id: "move-in",
    level: "os",
    why: "taking a file away",
    command: `mv "$H/target.txt" taken`,
    check: changed
  },
  {
    id: "move-over",
    level: "os",
    why: "replacing a file by renaming",
    command: `echo bad > mine; mv mine "$H/target.txt"`,
    check: changed
  },
  {
    id: "hard-link",
    level: "os",
    why: "a hard link to a file of the host is that file",
    command: `ln "$H/target.txt" x && echo bad > x`,
    check: changed
  },
  {
    id: "chmod",
    level: "os",
    why: "making a key readable for all",
    command: `chmod 0777 "$H/target.txt"`,
    check: `[ "$(stat -c %a "$H/target.txt")" = 777 ]`
  },
  {
    id: "touch",
    level: "os",
    why: "hiding a change from a build by its time",
    command: `touch -d 2001-01-01 "$H/target.txt"`,
    check: `[ "$(stat -c %Y "$H/target.txt")" -lt 1000000000 ]`
  },
  {
    id: "new-file",
    level: "os",
    why: "a file beside the workspace",
    command: `echo bad > "$H/new"`,
    check: `test -e "$H/new"`
  },
  {
    id: "beside",
    level: "os",
    why: "a file in the folder that the workspace is in",
    command: `echo bad > "$WS/../escaped-$TOKEN"`,
    check: `find "$H/.." -maxdepth 6 -name "escaped-$TOKEN" 2>&- | grep -q .`
  },
  {
    id: "shell-start",
    level: "os",
    why: "what the user's next shell runs",
    command: `echo 'echo bad' >> "$H/home/.bashrc"`,
    check: `grep -q bad "$H/home/.bashrc"`
  },
  {
    id: "key-list",
    level: "os",
    why: "who may log in",
    command: `echo ssh-ed25519 AAAA >> "$H/home/.ssh/authorized_keys"`,
    check: `test -e "$H/home/.ssh/authorized_keys"`
  },
  {
    id: "system",
    level: "os",
    why: "the machine's configuration",
    command: `echo bad > "/etc/escape-$TOKEN"`,
    check: `test -e "/etc/escape-$TOKEN"`,
    clean: `rm -f "/etc/escape-$TOKEN"`
  },
  {
    id: "programs",
    level: "os",
    why: "a program that the host runs by its name",
    command: `echo bad > "/usr/local/bin/escape-$TOKEN"`,
    check: `test -e "/usr/local/bin/escape-$TOKEN"`,
    clean: `rm -f "/usr/local/bin/escape-$TOKEN"`
  },
  {
    id: "temporary",
    level: "os",
    why: "the temporary folder that programs of the host trust",
    command: `echo bad > "/tmp/escape-$TOKEN"`,
    check: `test -e "/tmp/escape-$TOKEN"`,
    clean: `rm -f "/tmp/escape-$TOKEN"`
  },
  {
    id: "shared-memory-file",
    level: "os",
    why: "shared memory is files",
    command: `echo bad > "/dev/shm/escape-$TOKEN"`,
    check: `test -e "/dev/shm/escape-$TOKEN"`,
    clean: `rm -f "/dev/shm/escape-$TOKEN"`
  },
  {
    id: "node",
    level: "os",
    why: "the runtime of the factory itself",
    needs: ["node"],
    command: `n=$(node -p process.execPath) && touch -c "$n" && echo "worked $TOKEN" >> loot`,
    check: claimed
  }
]
