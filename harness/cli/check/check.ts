import { closest, distance } from 'fastest-levenshtein';
import { type CasFail, checkLinearizable, models, type RegisterModel } from '../../checker/library.ts';
import { partedHistory, PartsBuilder } from '../../checker/parts.ts';
import { writtenValue } from '../../history/chaos-reader.ts';
import { chaosLines } from '../../history/formats/chaos-lines.ts';
import type { ImportedHistory } from '../../history/formats/history.ts';
import { detectFormat, formatNamed } from '../../history/formats/registry.ts';
import { formatProblems, HistoryError } from '../../history/history-error.ts';
import { exitCodeOf, type JudgedHistory, proseByClock } from '../../report/judged-history.ts';
import { historyPage } from '../../report/page/history-page.ts';
import { EXIT } from '../../result.ts';
import { otherMeaning, unprovenCas } from './failed-cas.ts';
import { initialHint } from './initial-hint.ts';
import { checkJson, failedJson, unreadJson } from './json.ts';
import { writePage } from './page-file.ts';
import { MemoryLimitError, readHistory } from './read-history.ts';
import { openSource, SourceError } from './source.ts';
import { checkText } from './text.ts';
import { printable, printableJson } from '../../printable.ts';
import { complain } from '../print.ts';

export interface CheckFlags {
  /** Name of a history format, or `auto`. */
  readonly format: string;
  readonly model?: string;
  readonly casFail?: CasFail;
  readonly limit: number;
  /** Undefined: 512 MB for searches, and more for reading. */
  readonly memory?: number;
  readonly json?: true;
  readonly html?: string;
  readonly key?: string;
  readonly initial?: string;
  readonly allowEmpty?: true;
}

export const MODELS: Readonly<Record<string, RegisterModel>> = Object.fromEntries(
  Object.values(models).map((model) => [model.name, model]),
);

const DEFAULT_WIDTH = 100;
const LEAST_WIDTH = 60;

/** `chaos check`: checks a history from any source. Returns the exit code. */
export async function check(path: string | undefined, flags: CheckFlags): Promise<number> {
  const file = path ?? '-';
  try {
    const judged = await judge(path, flags);
    const width = Math.max(LEAST_WIDTH, process.stdout.columns ?? DEFAULT_WIDTH);
    console.log(flags.json ? printableJson(JSON.stringify(checkJson(judged))) : checkText(judged, width));
    return pageCode(judged, path, flags.html) ?? exitCodeOf(judged.result);
  } catch (error) {
    if (error instanceof MemoryLimitError) {
      console.log(
        flags.json
          ? printableJson(JSON.stringify(unreadJson(file, error)))
          : printable(`? ${error.message} To check it, ${error.mend}.`),
      );
      return EXIT.inconclusive;
    }
    if (!(error instanceof HistoryError) && !(error instanceof SourceError)) throw error;
    if (flags.json) console.log(printableJson(JSON.stringify(failedJson(file, error))));
    complain(
      error instanceof HistoryError ? formatProblems(error) : `${error.message}\n      = ${error.mend}`,
    );
    return EXIT.usage;
  }
}

/**
 * Writes the requested page, after the verdict was printed. Returns an exit code of its own only if the page cannot be
 * written and the verdict was a pass, because any other verdict matters more.
 */
function pageCode(judged: JudgedHistory, path: string | undefined, html: string | undefined): number | null {
  if (html === undefined) return null;
  const fromStdin = path === undefined || path === '-';
  const refused = writePage(html, fromStdin ? null : judged.file, () => historyPage(judged));
  if (refused === null) return null;
  complain(`chaos: ${refused}`);
  return exitCodeOf(judged.result) === EXIT.pass ? EXIT.usage : null;
}

/** Default memory limit in MB: for searches, and for the operations of a history. */
const SEARCH_MB = 512;
const READING_MB = 3_072;

/** Reads and judges. @throws SourceError, HistoryError, MemoryLimitError */
export async function judge(path: string | undefined, flags: CheckFlags): Promise<JudgedHistory> {
  const began = performance.now();
  const source = await openSource(path);
  const asked = flags.model === undefined ? undefined : MODELS[flags.model];
  const format =
    flags.format === 'auto' ? detectFormat(source.head.toString('utf8')) : formatNamed(flags.format);
  const { casFail } = flags;
  // In other formats the initial values are known only after the file has been read.
  const isOurs = format?.name === chaosLines.name;
  const parts =
    flags.key === undefined && isOurs ? new PartsBuilder(casFail, writtenValue(flags.initial)) : null;
  const whole = await readHistory(source, {
    memoryMb: flags.memory ?? READING_MB,
    format: format?.name,
    model: asked,
    initial: flags.initial,
    onOp: parts === null ? undefined : (op, position) => parts.add(op, position),
  });
  const history = flags.key === undefined ? whole : ofKey(whole, flags.key, source.name);
  const { initial } = history;
  const toJudge = parts?.finish(whole.ops) ?? partedHistory(history.ops, casFail, initial);
  const readMs = performance.now() - began;
  const model = asked ?? modelOf(history);
  const limits = { limitMs: flags.limit, memoryMb: flags.memory ?? SEARCH_MB };
  const options = { model, initial, ...limits };
  const checked = await checkLinearizable(toJudge, casFail === undefined ? options : { ...options, casFail });
  // Nothing was judged, and nothing is known, unless an empty history is what the user expects.
  const isUnknown = history.ops.length === 0 && flags.allowEmpty !== true;
  const result = isUnknown ? { ...checked, verdict: 'unknown' as const } : checked;
  const hint = flags.initial === undefined ? initialHint(history, result.violations) : null;
  const byClock = (prose: string): string => proseByClock(prose, history.clock);
  return {
    file: source.name,
    history,
    model: model.name,
    casFail,
    otherMeaning: await otherMeaning({ history, model, casFail, result, ...limits }),
    unprovenCas: unprovenCas(history.ops),
    allowEmpty: flags.allowEmpty === true,
    hints: hint === null ? [] : [hint],
    result: {
      ...result,
      detail: byClock(result.detail),
      keys: result.keys.map((key) => ({ ...key, detail: byClock(key.detail) })),
      violations: result.violations.map((each) => ({ ...each, prose: byClock(each.prose) })),
    },
    ...limits,
    readMs,
  };
}

/** The narrowest model that knows every function that occurs. */
function modelOf({ ops, lists }: ImportedHistory): RegisterModel {
  if (lists) return models.listAppend;
  const seen = new Set(ops.map((op) => op.f));
  const narrow = [models.register, models.casRegister];
  return narrow.find(({ functions }) => [...seen].every((f) => functions.includes(f))) ?? models.kv;
}

function ofKey(history: ImportedHistory, key: string, file: string): ImportedHistory {
  const kept = history.ops.flatMap((op, i) => (op.key === key ? [i] : []));
  if (kept.length === 0) {
    const keys = [...new Set(history.ops.map((op) => op.key))];
    throw new SourceError(`${file} has no operation on key ${JSON.stringify(key)}`, keyHint(key, keys));
  }
  const { calls, returns } = history.lines;
  return {
    ...history,
    ops: kept.map((i) => history.ops[i]!),
    lines: { calls: kept.map((i) => calls[i]!), returns: kept.map((i) => returns[i]!) },
  };
}

const MOST_KEYS_NAMED = 10;

function keyHint(key: string, keys: readonly string[]): string {
  if (keys.length === 0) return 'it has no operations at all';
  const near = closest(key, keys);
  if (distance(key, near) <= Math.min(2, key.length - 1)) return `did you mean ${JSON.stringify(near)}?`;
  const more = keys.length > MOST_KEYS_NAMED ? `, … (${keys.length} in all)` : '';
  return `its keys: ${keys.slice(0, MOST_KEYS_NAMED).join(', ')}${more}`;
}
