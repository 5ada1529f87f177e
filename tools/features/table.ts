import type { Removal } from './removal.ts';
import { CLIENTS } from './table/clients.ts';
import { EDGES } from './table/edges.ts';
import { ELECTIONS } from './table/elections.ts';
import { MEMBERS } from './table/members.ts';
import { REPLICATION } from './table/replication.ts';
import { SNAPSHOTS } from './table/snapshots.ts';
import { STORAGE } from './table/storage.ts';

/** One or more removals per feature of docs/node.md. */
export const REMOVALS: readonly Removal[] = [
  ...ELECTIONS,
  ...REPLICATION,
  ...SNAPSHOTS,
  ...MEMBERS,
  ...CLIENTS,
  ...STORAGE,
  ...EDGES,
];
