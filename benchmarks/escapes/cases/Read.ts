/** Reads outside of the workspace. */
import { type Case, looted } from "../Case.ts"

const reading = (id: string, path: string, why: string): Case => ({
  id,
  level: "os",
  why,
  command: `cat ${path} >> loot`,
  check: looted
})

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  reading("absolute", `"$H/secret.txt"`, "any file of the host"),
  reading("ssh-key", `"$H/home/.ssh/id_ed25519"`, "a key of the user"),
  reading("netrc", `"$H/home/.netrc"`, "passwords for hosts"),
  reading("cloud", `"$H/home/.aws/credentials"`, "the cloud account"),
  reading("git-credentials", `"$H/home/.git-credentials"`, "what git pushes with"),
  reading("registry-token", `"$H/home/.npmrc"`, "what packages are published with"),
  reading("root-link", `"/proc/self/root$H/secret.txt"`, "the root as a magic link"),
  reading("init-root", `"/proc/1/root$H/secret.txt"`, "the root of the first process"),
  reading(
    "cwd-link",
    `"/proc/self/cwd/../host/secret.txt" "/proc/self/cwd/../../../../host/secret.txt"`,
    "the folder as a magic link"
  ),
  {
    id: "link",
    level: "os",
    why: "a link in the workspace that leads out",
    command: `ln -s "$H/secret.txt" x; cat x >> loot`,
    check: looted
  },
  {
    id: "link-of-repository",
    level: "os",
    why: "a link that was in the repository before",
    setup: `ln -s "$H/secret.txt" x`,
    command: `cat x >> loot`,
    check: looted
  },
  {
    id: "names",
    level: "os",
    why: "the names of the host's files",
    setup: `: > "$H/name-$CANARY"`,
    command: `ls "$H" >> loot`,
    check: looted
  },
  {
    id: "beside-repository",
    level: "os",
    workspace: "Checkout",
    why: "the .env of the checkout that the workspace is made from",
    before: `echo "$CANARY" > .env`,
    command: `cat "$REPOSITORY/.env" > out; cat out; grep -q . out && git hash-object -w out && git add out && git -c user.name=a -c user.email=a@b commit -qm taken`,
    check: `git -C "$REPOSITORY" log --all --format=%H -S"$CANARY" -- out | grep -q .`
  },
  {
    id: "shadow",
    level: "os",
    why: "the password hashes of the machine",
    command: `cat /etc/shadow > shadow`,
    check: `test -s "$WS/shadow" && head -c 64 /etc/shadow | cmp -s - "$WS/shadow" -n 64`
  },
  {
    id: "machine-id",
    level: "os",
    why: "which machine it is",
    command: `cat /etc/machine-id /var/lib/dbus/machine-id > machine`,
    check: `test -s /etc/machine-id && grep -qf /etc/machine-id "$WS/machine"`
  },
  {
    id: "host-logs",
    level: "os",
    why: "what the machine's programs did",
    command: `ls /var/log > logs`,
    check: `grep -q . "$WS/logs" && [ "$(ls /var/log)" = "$(cat "$WS/logs")" ]`
  },
  {
    id: "find-canary",
    level: "os",
    why: "a search of the disk",
    command: `find "$H/../.." -maxdepth 4 -name "canary-$TOKEN" -exec cat {} + >> loot`,
    setup: `cp "$H/secret.txt" "$H/dir/canary-$TOKEN"; rm -f "$WS/canary-$TOKEN"`,
    check: looted
  }
]
