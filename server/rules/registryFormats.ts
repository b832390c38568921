/** The tables of a registry, and how a file of an earlier format becomes one of today's. */

/**
 * The n-th entry makes format n of format n - 1; the first makes the tables of an empty file. A new table, or a new
 * column with a default, is a new entry at the end: an entry that has been released never changes, as files of its
 * format exist.
 *
 * A rule's bytes are in its row, so that a crash leaves all of it or nothing. A row of `swaps` is both an order and its
 * outcome: the rule in force of a species is that of its newest swap that holds. `bans` is format 1's; its rows become
 * `sanctions` at the next start. A species whose drawing has withered or was removed has no rule in force.
 */
export const FORMATS: readonly string[] = [
  `
CREATE TABLE rules (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  parent INTEGER REFERENCES rules (id),
  origin TEXT NOT NULL CHECK (origin IN ('shipped', 'uploaded', 'trained', 'tuned')),
  status TEXT NOT NULL CHECK (status IN ('ready', 'candidate', 'rejected')),
  sha256 TEXT NOT NULL UNIQUE,
  metrics TEXT NOT NULL,
  created TEXT NOT NULL,
  file BLOB NOT NULL,
  UNIQUE (name, version)
) STRICT;
CREATE TABLE swaps (
  id INTEGER PRIMARY KEY,
  species TEXT NOT NULL,
  rule INTEGER NOT NULL REFERENCES rules (id),
  scope TEXT NOT NULL CHECK (scope IN ('organism', 'species', 'planted')),
  organism INTEGER,
  status TEXT NOT NULL CHECK
    (status IN ('wanted', 'watched', 'in force', 'refused', 'rolled back', 'superseded')),
  reason TEXT NOT NULL,
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  created TEXT NOT NULL
) STRICT;
CREATE INDEX swaps_of_species ON swaps (species, id);
CREATE TABLE bans (
  address TEXT PRIMARY KEY,
  until TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  who TEXT NOT NULL,
  address TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
`,
  `
CREATE TABLE admins (
  name TEXT PRIMARY KEY COLLATE NOCASE,
  role TEXT NOT NULL CHECK (role IN ('owner', 'moderator')),
  hash TEXT NOT NULL UNIQUE,
  created TEXT NOT NULL,
  used TEXT NOT NULL
) STRICT;
CREATE TABLE reports (
  id INTEGER PRIMARY KEY,
  at TEXT NOT NULL,
  about TEXT NOT NULL CHECK (about IN ('body', 'name')),
  reason TEXT NOT NULL,
  text TEXT NOT NULL,
  by_guest TEXT NOT NULL,
  by_name TEXT NOT NULL,
  by_address TEXT NOT NULL,
  guest TEXT NOT NULL,
  name TEXT NOT NULL,
  organism INTEGER,
  species TEXT NOT NULL,
  x INTEGER,
  y INTEGER,
  handled TEXT NOT NULL,
  handled_by TEXT NOT NULL,
  outcome TEXT NOT NULL
) STRICT;
ALTER TABLE audit ADD COLUMN role TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
`,
  `
CREATE TABLE guests (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  seen TEXT NOT NULL,
  strokes INTEGER NOT NULL,
  plantings INTEGER NOT NULL,
  energy REAL NOT NULL
) STRICT;
CREATE TABLE sanctions (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('mute', 'ban')),
  guest TEXT NOT NULL,
  address TEXT NOT NULL,
  name TEXT NOT NULL,
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  reason TEXT NOT NULL,
  who TEXT NOT NULL
) STRICT;
`,
  `
CREATE TABLE drawings (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  species TEXT NOT NULL UNIQUE,
  drawing TEXT NOT NULL,
  guest TEXT NOT NULL,
  maker TEXT NOT NULL,
  address TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('waiting', 'queued', 'learning', 'ready', 'refused', 'withdrawn', 'withered', 'removed')),
  reason TEXT NOT NULL,
  rule INTEGER REFERENCES rules (id),
  result TEXT NOT NULL,
  failures INTEGER NOT NULL,
  created TEXT NOT NULL,
  begun TEXT NOT NULL,
  changed TEXT NOT NULL
) STRICT;
`,
];

export const FORMAT = FORMATS.length;
