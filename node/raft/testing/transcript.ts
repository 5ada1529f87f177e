import { encodeConfiguration, founding } from '../configuration.ts';
import type { MemberChange } from '../configuration.ts';
import type { Message } from '../message.ts';
import { nodeId, term } from '../types.ts';
import type { Entry, NodeId } from '../types.ts';
import { newDisk } from './disk.ts';
import { parseMessage } from './parse-message.ts';
import { logOf } from './server.ts';
import { ScriptStage } from './stage.ts';

const SEPARATOR = '----';

/**
 * Plays a transcript and returns it with the actual output. Each block has commands, a line `----`, and their output up
 * to an empty line. Other text between blocks is left unchanged. The format is similar to that of etcd's rafttest.
 */
export function play(transcript: string): string {
  const stage = new ScriptStage();
  const lines = transcript.split('\n');
  const played: string[] = [];
  let commands: string[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    played.push(line);
    if (line === '' || line.startsWith('#')) continue;
    if (line !== SEPARATOR) {
      commands.push(line);
      continue;
    }
    while (at + 1 < lines.length && lines[at + 1] !== '') at++;
    const outcome = commands.flatMap((command) => carryOut(stage, command));
    played.push(...(outcome.length === 0 ? ['ok'] : outcome));
    commands = [];
  }
  return played.join('\n');
}

function carryOut(stage: ScriptStage, line: string): string[] {
  const [command, ...words] = line.split(' ');
  const run = COMMANDS[command!];
  if (run === undefined) return [`no command '${command}'; there are ${Object.keys(COMMANDS).join(', ')}`];
  try {
    return run(stage, new Args(words));
  } catch (error) {
    return [String(error)];
  }
}

/** Makes the first entry of a log hold the founders. */
function foundersFirst(entry: Entry, founders: readonly NodeId[]): Entry {
  if (entry.index > 1 || founders.length === 0) return entry;
  return { ...entry, kind: 'config', data: encodeConfiguration(founding(founders)) };
}

/** Words of a command, some of them of the form `name=value`. */
class Args {
  readonly words: readonly string[];
  readonly #named: ReadonlyMap<string, string>;

  constructor(all: readonly string[]) {
    this.words = all.filter((word) => !word.includes('='));
    this.#named = new Map(
      all.filter((word) => word.includes('=')).map((word) => word.split('=', 2) as [string, string]),
    );
  }

  get ids(): NodeId[] {
    return this.words.map(nodeId);
  }

  get id(): NodeId {
    return this.ids[0]!;
  }

  number(at: number): number {
    return Number(this.words[at]);
  }

  named(name: string): string | undefined {
    return this.#named.get(name);
  }

  list(name: string): string[] {
    return this.named(name)?.split(',').filter(Boolean) ?? [];
  }

  /** True for messages on the given routes, such as `n1->n2`, `n1->` or `->n2`. Without a route: for all messages. */
  get isRoute(): (m: Message) => boolean {
    const routes = this.words.map((word) => word.split('->') as [string, string]);
    if (routes.length === 0) return () => true;
    return (m) => routes.some(([from, to]) => (from === '' || from === m.from) && (to === '' || to === m.to));
  }
}

/**
 * `add n1 n2 n3` adds servers. They are the founders, unless `founders=n1,n2` names others (empty: they have yet to
 * join). `log=1,1,2`: the terms of the log. `term=`, `vote=`, `incarnation=`, `inflight=` and `message-bytes=` set the
 * value of that name. `random=0,0.9`: the random numbers, which are repeated. `lease=10`: lease reads, for a clock
 * drift of at most 10 percent.
 */
const COMMANDS: Readonly<Record<string, (stage: ScriptStage, args: Args) => string[]>> = {
  add(stage, args) {
    const founders = args.named('founders') === undefined ? args.ids : args.list('founders').map(nodeId);
    for (const id of args.ids) {
      const disk = newDisk(Number(args.named('incarnation') ?? 0));
      disk.entries = logOf(...args.list('log').map(Number)).map((entry) => foundersFirst(entry, founders));
      const vote = args.named('vote');
      disk.hardState = {
        term: term(Number(args.named('term') ?? disk.entries.at(-1)?.term ?? 0)),
        votedFor: vote === undefined ? null : nodeId(vote),
      };
      stage.add(id, founders, disk, {
        maxInflightMessages: Number(args.named('inflight') ?? 8),
        maxMessageBytes: Number(args.named('message-bytes') ?? 1_000),
        random: drawing(args.list('random').map(Number)),
        ...(args.named('lease') === undefined
          ? {}
          : { leaseReads: { maxClockDrift: Number(args.named('lease')) / 100 } }),
      });
    }
    return [];
  },
  restart(stage, { ids }) {
    for (const id of ids) stage.restart(id);
    return [];
  },
  /** `wipe n3 incarnation=7`: n3 loses its data folder, and starts with this incarnation. */
  wipe(stage, args) {
    stage.wipe(args.id, Number(args.named('incarnation')));
    return [];
  },
  /** `pass n1 n2 50`: lets 50 ms pass for n1 and n2, with ticks. */
  pass(stage, { words }) {
    for (const id of words.slice(0, -1)) stage.pass(nodeId(id), Number(words.at(-1)));
    return [];
  },
  /** `sleep n1 200`: lets 200 ms pass in which n1 does not run. */
  sleep(stage, { words }) {
    for (const id of words.slice(0, -1)) stage.sleep(nodeId(id), Number(words.at(-1)));
    return [];
  },
  campaign: (stage, { id }) => stage.campaign(id),
  propose: (stage, { id, words }) => words.slice(1).flatMap((data) => stage.propose(id, data)),
  /** `transfer n1 n2`: n1 transfers its leadership to n2. */
  transfer: (stage, { ids }) => stage.transfer(ids[0]!, ids[1] ?? null),
  read: (stage, args) => stage.read(args.id, args.number(1)),
  /** `change n1 promote n4 remove n3`: asks n1 for both changes at once. */
  change(stage, { id, words }) {
    const changes: MemberChange[] = [];
    for (let at = 1; at < words.length; at += 2) {
      const type = words[at] as MemberChange['type'];
      const member = nodeId(words[at + 1]!);
      changes.push(
        type === 'add-learner' ? { type, id: member, address: `${member}:1` } : { type, id: member },
      );
    }
    return stage.change(id, changes);
  },
  /** `compact n1 8 keep=2`: takes a snapshot at 8, and keeps the log from 7 on. */
  compact(stage, args) {
    const index = args.number(1);
    stage.compact(args.id, index, index - Number(args.named('keep') ?? 0));
    return [];
  },
  /** `receive n1 AppendEntries from=n2 term=3 prev=2/1`: hands n1 this message, as if n2 had sent it. */
  receive(stage, args) {
    stage.receive(parseMessage({ type: args.words[1]!, to: args.id, named: (name) => args.named(name) }));
    return [];
  },
  /** `hold n1`: writes of n1 do not end before `sync n1`. */
  hold(stage, { ids }) {
    for (const id of ids) stage.hold(id);
    return [];
  },
  sync(stage, { ids }) {
    for (const id of ids) stage.sync(id);
    return [];
  },
  /** `busy n1 250`: a write on the disk of n1 has been under way for 250 ms. */
  busy(stage, args) {
    stage.busy(args.id, args.number(1));
    return [];
  },
  /** `lose n1 n2`: the connection over which n2 sends to n1 breaks. */
  lose(stage, { ids }) {
    stage.lose(ids[0]!, ids[1]!);
    return [];
  },
  duplicate(stage, { isRoute }) {
    stage.duplicate(isRoute);
    return [];
  },
  ready: (stage, { ids }) => ids.flatMap((id) => stage.ready(id)),
  deliver(stage, { isRoute }) {
    stage.deliver(isRoute);
    return [];
  },
  drop: (stage, { isRoute }) => stage.drop(isRoute),
  /** `stabilize n1 n2`: runs the named servers until they have nothing to send to each other; without names, all. */
  stabilize: (stage, { ids }) => stage.stabilize(ids.length === 0 ? stage.ids : ids),
  /** As `stabilize`, but without output. */
  settle(stage, { ids }) {
    stage.stabilize(ids.length === 0 ? stage.ids : ids);
    return [];
  },
  status: (stage, { ids }) => (ids.length === 0 ? stage.ids : ids).map((id) => stage.status(id)),
  followers: (stage, { id }) => stage.followers(id),
  stored: (stage, { ids }) => ids.flatMap((id) => [`${id}:`, ...stage.stored(id).map((line) => `  ${line}`)]),
};

function drawing(draws: readonly number[]): () => number {
  let drawn = 0;
  return () => draws[drawn++ % draws.length] ?? 0;
}
