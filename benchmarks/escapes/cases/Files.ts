/** The file system that a sandbox gives to the host's code and to an agent's tools. */
import { type Case, changed, looted } from "../Case.ts"

/** Puts a folder and a link to the host's in each other's place as fast as it can. */
const swap = (end: number) =>
  `mkdir d; echo harmless > d/secret.txt; echo harmless > d/target.txt; ln -s "$H/dir" d2
perl -e 'my $e=time+${end}; while(time<$e){for(1..200){rename "d","d1";rename "d2","d";rename "d","d2";rename "d1","d"}}'`

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "read-absolute",
    level: "none",
    why: "a tool that reads what it is told",
    calls: [{ method: "readFileString", words: ["$H/secret.txt"] }],
    check: looted
  },
  {
    id: "read-dots",
    level: "none",
    why: "a path with ..",
    calls: [
      { method: "readFileString", words: ["../host/secret.txt"] },
      { method: "readFileString", words: ["sub/../../host/secret.txt"] },
      { method: "readFileString", words: ["../../../../host/secret.txt"] }
    ],
    check: looted
  },
  {
    id: "read-link",
    level: "none",
    why: "a link that the agent made",
    command: `ln -s "$H/secret.txt" x`,
    calls: [{ method: "readFileString", words: ["x"] }],
    check: looted
  },
  {
    id: "read-linked-folder",
    level: "none",
    why: "a linked folder on the way",
    command: `ln -s "$H" x; ln -s x y`,
    calls: [{ method: "readFileString", words: ["y/secret.txt"] }],
    check: looted
  },
  {
    id: "read-magic-link",
    level: "none",
    why: "a magic link of /proc",
    command: `ln -s "/proc/self/root$H/secret.txt" x`,
    calls: [{ method: "readFileString", words: ["x"] }],
    check: looted
  },
  {
    id: "read-environment",
    level: "none",
    why: "the environment of the host's own process",
    setup: `ln -s "/proc/$PID/environ" x`,
    calls: [{ method: "readFileString", words: ["x"] }],
    check: looted
  },
  {
    id: "stream-link",
    level: "none",
    why: "reading as a stream",
    command: `ln -s "$H/secret.txt" x`,
    calls: [{ method: "stream", words: ["x"] }],
    check: looted
  },
  {
    id: "list-outside",
    level: "none",
    why: "the names of the host's files",
    setup: `: > "$H/name-$CANARY"; ln -s "$H" x`,
    calls: [
      { method: "readDirectory", words: ["$H"] },
      { method: "readDirectory", words: ["x"] }
    ],
    check: looted
  },
  {
    id: "copy-in",
    level: "none",
    why: "copying a file of the host's into the workspace",
    command: `ln -s "$H" x`,
    calls: [
      { method: "copyFile", words: ["$H/secret.txt", "loot"] },
      { method: "copy", words: ["x/secret.txt", "loot"] }
    ],
    check: looted
  },
  {
    id: "copy-folder-in",
    level: "none",
    why: "copying a whole folder",
    calls: [{ method: "copy", words: ["$H/dir", "taken"] }],
    check: `grep -qsaF "$CANARY" "$WS/taken/secret.txt"`
  },
  {
    id: "hard-link-in",
    level: "none",
    why: "a hard link to a file of the host is that file",
    calls: [
      { method: "link", words: ["$H/secret.txt", "x"] },
      { method: "readFileString", words: ["x"] }
    ],
    check: looted
  },
  {
    id: "write-absolute",
    level: "none",
    why: "a tool that writes where it is told",
    calls: [{ method: "writeFileString", words: ["$H/target.txt", "bad"] }],
    check: changed
  },
  {
    id: "write-link",
    level: "none",
    why: "a link that the agent made",
    command: `ln -s "$H/target.txt" x`,
    calls: [{ method: "writeFileString", words: ["x", "bad"] }],
    check: changed
  },
  {
    id: "write-dangling-link",
    level: "none",
    why: "a link to a file that is not there yet",
    command: `ln -s "$H/new" x`,
    calls: [{ method: "writeFileString", words: ["x", "bad"] }],
    check: `test -e "$H/new"`
  },
  {
    id: "sink-link",
    level: "none",
    why: "writing as a stream",
    command: `ln -s "$H/target.txt" x`,
    calls: [{ method: "sink", words: ["x", "bad"] }],
    check: changed
  },
  {
    id: "make-folder-outside",
    level: "none",
    why: "a folder on the host",
    command: `ln -s "$H" x`,
    calls: [{ method: "makeDirectory", words: ["x/new"] }],
    check: `test -d "$H/new"`
  },
  {
    id: "make-temporary-outside",
    level: "none",
    why: "a temporary folder in a folder of the host",
    calls: [{ method: "makeTempDirectory", words: ["$H/dir"] }],
    check: `[ "$(ls "$H/dir" | wc -l)" -gt 1 ]`
  },
  {
    id: "remove-outside",
    level: "none",
    why: "removing through a linked folder",
    command: `ln -s "$H" x`,
    calls: [
      { method: "remove", words: ["x/target.txt"] },
      { method: "remove", words: ["$H/target.txt"] }
    ],
    check: changed
  },
  {
    id: "rename-out",
    level: "none",
    why: "moving a file over one of the host's",
    command: `echo bad > mine`,
    calls: [{ method: "rename", words: ["mine", "$H/target.txt"] }],
    check: changed
  },
  {
    id: "rename-in",
    level: "none",
    why: "moving a file of the host's into the workspace",
    calls: [{ method: "rename", words: ["$H/target.txt", "mine"] }],
    check: changed
  },
  {
    id: "truncate-link",
    level: "none",
    why: "emptying through a link",
    command: `ln -s "$H/target.txt" x`,
    calls: [{ method: "truncate", words: ["x"] }],
    check: changed
  },
  {
    id: "chmod-link",
    level: "none",
    why: "rights through a link",
    command: `ln -s "$H/target.txt" x`,
    calls: [{ method: "chmod", words: ["x"] }],
    check: `[ "$(stat -c %a "$H/target.txt")" = 777 ]`
  },
  {
    id: "times-link",
    level: "none",
    why: "times through a link",
    command: `ln -s "$H/target.txt" x`,
    calls: [{ method: "utimes", words: ["x"] }],
    check: `[ "$(stat -c %Y "$H/target.txt")" -lt 1000000000 ]`
  },
  {
    id: "link-then-read",
    level: "none",
    why: "a link made through the file system itself",
    calls: [
      { method: "symlink", words: ["$H/secret.txt", "x"] },
      { method: "readFileString", words: ["x"] }
    ],
    check: looted
  },
  {
    id: "git-hook",
    level: "none",
    why: "a hook that git runs on the host, written with a file tool",
    calls: [
      { method: "makeDirectory", words: [".git/hooks"] },
      { method: "writeFileString", words: [".git/hooks/post-commit", "bad"] },
      { method: "writeFileString", words: [".GIT/hooks/post-commit", "bad"] },
      { method: "writeFileString", words: ["sub/../.git/hooks/post-commit", "bad"] }
    ],
    check: `grep -qs bad "$(git -C "$WS" rev-parse --git-path hooks)/post-commit" "$WS/.git/hooks/post-commit"`
  },
  {
    id: "git-replace",
    level: "none",
    why: "another repository in the place of this one",
    calls: [
      { method: "rename", words: [".git", "old"] },
      { method: "remove", words: [".git"] }
    ],
    check: `! test -e "$WS/.git"`
  },
  {
    id: "race-read",
    level: "os",
    why: "a link that is put in the place of a folder between judging and reading",
    needs: ["perl"],
    command: swap(3),
    times: 150,
    calls: [{ method: "readFileString", words: ["d/secret.txt"] }],
    check: looted
  },
  {
    id: "race-write",
    level: "os",
    why: "the same between judging and writing",
    needs: ["perl"],
    setup: `echo unchanged > "$H/dir/target.txt"`,
    command: swap(3),
    times: 150,
    calls: [{ method: "writeFileString", words: ["d/target.txt", "bad"] }],
    check: `grep -q bad "$H/dir/target.txt"`
  },
  {
    id: "race-list",
    level: "os",
    why: "the same between judging and listing",
    needs: ["perl"],
    setup: `: > "$H/dir/name-$CANARY"`,
    command: swap(3),
    times: 150,
    calls: [{ method: "readDirectory", words: ["d"] }],
    check: looted
  }
]
