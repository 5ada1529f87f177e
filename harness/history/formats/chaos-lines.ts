import { readChaosHistory } from '../read.ts';
import type { HistoryFormat } from './history.ts';

/** Our own `history.jsonl`: one JSON object per line. */
export const chaosLines: HistoryFormat = {
  name: 'chaos',
  example: `{"index":0,"id":0,"process":0,"type":"invoke","f":"write","key":"x","value":"1","time":0,"node":"n1"}
{"index":1,"id":0,"process":0,"type":"ok","f":"write","key":"x","value":"1","time":1000000,"node":"n1"}
`,
  looksLike: (head) => /^\{\s*"/.test(head),
  read: readChaosHistory,
};
