/** Agent files as people have them, and how tests read them. */
import * as AgentFile from "../src/AgentFile.ts"

/** As the dialogue of Claude Code writes them. */
export const reviewer = `---
name: code-reviewer
description: "Use this agent after a change: it reviews. <example>Context: a function was written.</example>"
tools: Read, Grep, Glob, Edit, Bash(git diff:*, git log:*), WebFetch, Task, mcp__github__get_issue, mcp__linear
disallowedTools:
  - mcp__linear__delete_*
  - Write
model: opus
permissionMode: acceptEdits
maxTurns: 12
mcpServers:
  - github
  - local:
      command: npx
      env:
        TOKEN: sk-live-0123456789
hooks:
  PreToolUse:
    - matcher: Bash
      hooks:
        - type: command
          command: ./scripts/check.sh
skills: [conventions]
color: purple
kind: odd
---

You review what changed since the last commit.

Say what is wrong, worst first.
`

/** As Warp documents it. */
export const implementer = `---
description: Implements scoped issues.
agentType: IMPLEMENT
runner: linux-arm64
environmentId: ENV_1
workerHost: null
credentialStrategy: EXECUTOR
secrets:
  - SENTRY_AUTH_TOKEN
mcpServers:
  sentry:
    warpId: SENTRY_MCP_SERVER_ID
harness:
  type: claude
  model: sonnet
  auth:
    source: managedSecret
    secretName: ANTHROPIC_API_KEY
---
# Implementation

You make the change that the issue describes.
`

export const house = { source: ".claude/agents/a.md", trust: "house" } as const
export const agent = (more = "", body = "Work.") =>
  `---\nname: a\ndescription: What it is for.\n${more}---\n\n${body}\n`
export const parsed = (more: string, source: string = house.source) =>
  AgentFile.parse(agent(more), { ...house, source })
