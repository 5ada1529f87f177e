import { decodeCommand } from './command.ts';
import type { InSession } from './command.ts';
import { Registers } from './registers.ts';
import type { Register } from './registers.ts';
import { Sessions } from './sessions.ts';
import type { SessionRecord } from './sessions.ts';
import { decodeBlock, encodeState } from './state-codec.ts';
import type { Outcome, StateCapture, StateMachine, StateRestore } from './state-machine.ts';

const NEVER_WRITTEN: Register = { present: false, value: null };
const DONE: Outcome = { type: 'done' };
/** Maximum size of a value after an append in bytes, the same as for a write (`MAX_VALUE_BYTES` of the protocol). */
const MAX_GROWN_BYTES = 1 << 20;

/**
 * The key-value store: registers that are written, compared and set, deleted (leaving a tombstone) and
 * appended to.
 */
export class KvStore implements StateMachine {
  #registers = new Registers();
  readonly #sessions: Sessions<Outcome>;

  constructor(sessions: Sessions<Outcome> = new Sessions()) {
    this.#sessions = sessions;
  }

  apply(index: number, data: Uint8Array): Outcome {
    const command = decodeCommand(data);
    if (command.type === 'expire-sessions') {
      this.#sessions.expire(command.clockMs, command.idleMs);
      return DONE;
    }
    if (command.type === 'open-session' || command.type === 'open-session-within') {
      this.#sessions.open(index, command.type === 'open-session' ? undefined : command.cap);
      return { type: 'session', session: index };
    }
    const { session, seq } = command;
    const recall = this.#sessions.recall(session, seq);
    switch (recall.type) {
      case 'answered':
        return recall.outcome;
      case 'expired':
        return {
          type: 'error',
          code: 'session-expired',
          message: `session ${session} does not exist: it was never opened, or was removed because it was not used`,
        };
      case 'stale':
        return {
          type: 'error',
          code: 'stale-seq',
          message: `seq ${seq} of session ${session} is too late: seq ${recall.lastSeq} was applied already`,
        };
      case 'new': {
        const outcome = this.#change(command);
        this.#sessions.remember(session, seq, outcome);
        return outcome;
      }
      default:
        return recall satisfies never;
    }
  }

  read(key: string): Register {
    return this.#registers.get(key) ?? NEVER_WRITTEN;
  }

  get sessions(): { readonly size: number; readonly clockMs: number } {
    return this.#sessions;
  }

  capture(): StateCapture {
    const registers = this.#registers;
    const { clockMs } = this.#sessions;
    // The number of sessions is limited, so a copy takes only a short time.
    const sessions = this.#sessions.records();
    registers.freeze();
    return { blocks: encodeState(clockMs, sessions, registers), release: () => registers.thaw() };
  }

  restoring(): StateRestore {
    const registers = new Map<string, Register>();
    const sessions: SessionRecord<Outcome>[] = [];
    let clockMs = 0;
    return {
      push: (block) =>
        decodeBlock(block, {
          clock: (ms) => (clockMs = ms),
          session: (record) => sessions.push(record),
          register: (key, register) => registers.set(key, register),
        }),
      finish: () => {
        this.#registers = new Registers(registers);
        this.#sessions.replace(clockMs, sessions);
      },
    };
  }

  #change(command: InSession): Outcome {
    switch (command.type) {
      case 'write':
        return this.#set(command.key, command.value);
      case 'delete':
        this.#registers.set(command.key, { present: false, value: command.tombstone });
        return DONE;
      case 'cas': {
        const found = this.read(command.key);
        if (found.value === command.from) return this.#set(command.key, command.to);
        return { type: 'error', code: 'cas-mismatch', message: 'the value is not `from`', found };
      }
      case 'append': {
        const grown = (this.read(command.key).value ?? '') + command.value;
        if (grown.length * 3 > MAX_GROWN_BYTES && Buffer.byteLength(grown) > MAX_GROWN_BYTES) {
          return {
            type: 'error',
            code: 'bad-request',
            message: `the value after the append would have more than ${MAX_GROWN_BYTES} bytes`,
          };
        }
        return this.#set(command.key, grown);
      }
      default:
        return command satisfies never;
    }
  }

  #set(key: string, value: string): Outcome {
    this.#registers.set(key, { present: true, value });
    return DONE;
  }
}
