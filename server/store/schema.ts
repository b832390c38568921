/**
 * The tables of a store. A *file* has a path within its world; its bytes are *pieces*, one behind another: short ones in
 * the row, long ones as a blob in the blob store, which `blob` names. `dead` are blobs that no piece names any more, until
 * they are removed.
 *
 * `lease` says who owns a world. The term grows with every owner. It is never smaller than the second in which the owner
 * came, so that it also grows over a store that was lost. Time is the database's alone.
 *
 * `spare` says who waits for a world: when it was `seen` last, and for how long it has reached its broker without a break.
 */
export const SCHEMA: readonly string[] = [
  'create schema if not exists regrow',
  `create table if not exists regrow.lease (
    world text primary key,
    holder text not null,
    term bigint not null,
    expires timestamptz not null,
    frame bigint not null)`,
  `create table if not exists regrow.spare (
    world text not null,
    holder text not null,
    seen timestamptz not null,
    broker_ms bigint not null,
    primary key (world, holder))`,
  `create table if not exists regrow.file (
    id bigserial primary key,
    world text not null,
    path text not null,
    bytes bigint not null,
    unique (world, path))`,
  `create table if not exists regrow.piece (
    file bigint not null references regrow.file (id) on delete cascade,
    at bigint not null,
    bytes integer not null,
    content bytea,
    blob text,
    primary key (file, at),
    check ((content is null) <> (blob is null)))`,
  'create table if not exists regrow.dead (world text not null, blob text not null, primary key (world, blob))',
];
