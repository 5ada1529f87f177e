import { EdnError } from './edn.ts';
import type { HistoryFormat } from './history.ts';
import { ednEvents, looksLikeEdn } from './jepsen-edn.ts';
import { readJepsenEvents } from './jepsen-events.ts';

/**
 * Porcupine's key-value logs: maps with `:key` beside `:value`, functions `:get`, `:put`, `:append`; a key that was
 * never written holds "".
 */
export const porcupineKv: HistoryFormat = {
  name: 'porcupine-kv',
  example: `{:process 0, :type :invoke, :f :put, :key "x", :value "1"}
{:process 0, :type :ok, :f :put, :key "x", :value "1"}
`,
  looksLike: (head) => looksLikeEdn(head) && firstHasKey(head),
  read: (text, options) =>
    readJepsenEvents(
      { format: 'porcupine-kv', text, events: () => ednEvents(text), emptyAtFirst: true },
      options,
    ),
};

/** True if the first event has a key. Porcupine has it next to the value, Jepsen has it inside the value. */
function firstHasKey(text: string): boolean {
  try {
    for (const { key } of ednEvents(text)) return key !== undefined;
  } catch (error) {
    if (!(error instanceof EdnError)) throw error;
  }
  return false;
}
