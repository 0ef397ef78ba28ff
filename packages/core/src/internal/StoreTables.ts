/**
 * The tables of a store as an ordered list of versions. A new store runs all of them, an older one those that it does
 * not have yet. What is in the list never changes; a change of the tables is one more version at its end.
 */

const first = `
  create table meta (key text primary key, value text not null) strict, without rowid;
  create table journal (seq integer primary key, key text unique, run text, event text not null) strict;
  create index journal_run on journal (run) where run is not null;
  create table executions (
    id text primary key, workflow text not null, payload text not null, parent text, runner text,
    status text not null check (status in ('running', 'suspended', 'complete')),
    wake integer not null default 0, interrupted integer not null default 0, result text
  ) strict, without rowid;
  create index executions_runner on executions (runner, status);
  create table activities (
    execution text not null, name text not null, attempt integer not null, result text not null,
    primary key (execution, name, attempt)
  ) strict;
  create table deferreds (
    execution text not null, name text not null, exit text not null, primary key (execution, name)
  ) strict;
  create table clocks (
    execution text not null, name text not null, due integer not null, primary key (execution, name)
  ) strict, without rowid;
`

/** Large texts once, by their digest, and which executions refer to them; shorter results packed in their row. What is looked for often has an index. */
const second = `
  alter table activities add column packed blob;
  create table blobs (digest text primary key, body blob not null) strict;
  create table blob_uses (execution text not null, digest text not null, primary key (execution, digest))
    strict, without rowid;
  create index blob_uses_digest on blob_uses (digest);
  create index clocks_due on clocks (due);
  create index executions_workflow on executions (workflow, status);
  create index executions_parent on executions (parent) where parent is not null;
`

/** What brings a store from version n (as an index) to version n + 1. */
export const versions: ReadonlyArray<string> = [first, second]

/** The version of the tables that this package reads and writes. */
export const current: number = versions.length

/** What a file has when it is a store of any version. */
export const landmarks: ReadonlyArray<string> = ["meta", "journal", "executions"]
