import type { Chosen } from '../scenario/language/schema.ts';
import { STAGES } from '../stage/stages.ts';
import { SYSTEMS } from '../systems/systems.ts';

/** What `chaos run` runs scenarios on. */
export const CHOSEN: Chosen = { system: SYSTEMS.raft, stage: STAGES.local };
