import type { Op, RegisterValue } from '../../history/op.ts';
import { began, deed, ended, nameOf, showValue } from './describe.ts';
import type { Block, Contradiction, PlacedStep, Side } from '../decide/evidence.ts';
import type { Step } from '../steps.ts';

/**
 * A proof in words, and the steps that it depends on. Together with their support (`Evidence.support`) these steps have
 * no order by themselves.
 */
export interface Explanation {
  readonly anomaly: string;
  readonly prose: string;
  readonly steps: readonly Step[];
  /** Further steps that justify only the name of the anomaly and are not part of the proof. */
  readonly alsoShown?: readonly Step[];
}

/**
 * Names a contradiction and describes it in prose. `failed` gives the key's operations that definitely did not happen,
 * from which a value may have come nevertheless; it is called only for a value without a writer. `hasAppends` is true
 * if a value may continue another one.
 */
export function explain(
  contradiction: Contradiction,
  { failed, hasAppends }: { readonly failed: () => Iterable<Op>; readonly hasAppends: boolean },
): Explanation {
  switch (contradiction.type) {
    case 'impossible':
      return {
        anomaly: 'cas refused its own value',
        prose: `${deed(contradiction.step)}, which is exactly what it asked for.`,
        steps: [contradiction.step],
      };
    case 'nowhere':
      return explainNowhere(
        contradiction.step,
        [...failed()].filter((op) => leftBy(op, contradiction.value, hasAppends)),
      );
    case 'repeats':
      return {
        anomaly: 'duplicate append',
        prose: `${needs(contradiction.step)}, in which ${showValue(contradiction.token.to)} occurs more than once, but ${nameOf(contradiction.token)} appended it once: the append was applied twice.`,
        steps: [contradiction.token, contradiction.step],
      };
    case 'fork':
      return explainFork(contradiction);
    case 'twice':
      return explainTwice(contradiction.token, contradiction.seen);
    case 'cycle': {
      const ring = contradiction.nodes.map((node) => node.producer!);
      return {
        anomaly: 'cas cycle',
        prose: `${ring.map(deed).join('; ')}: each needs the value that another of them leaves, so none could be the first.`,
        steps: ring,
      };
    }
    case 'inversion':
      return explainInversion(contradiction.early, contradiction.late);
    case 'blocks':
      return explainBlocks(contradiction.back, contradiction.over);
    case 'split':
      return explainSplit(...contradiction.sides);
    default:
      return contradiction satisfies never;
  }
}

const needs = (step: Step): string =>
  step.kind === 'cas'
    ? `${nameOf(step)} ${step.certain ? 'succeeded' : 'took effect'} from ${showValue(step.from)}`
    : deed(step);

/** `sources` are failed operations that would have left the value. */
function explainNowhere(step: Step, sources: readonly Op[]): Explanation {
  const source = sources.find((op) => op.call <= step.ret);
  const later = sources[0];
  if (source === undefined) {
    // The value cannot come from an operation that had not begun yet.
    const told =
      later === undefined
        ? ''
        : ` ${later.f}#${later.id} (${later.node}) would have left it, but began later, and failed.`;
    return {
      anomaly: 'value from nowhere',
      prose: `${needs(step)}, a value that no operation on this key can have left there.${told}`,
      steps: [step],
    };
  }
  if (source.id === step.op.id) {
    return {
      anomaly: 'retry applied twice',
      prose: `${deed(step)}, its own value: it was refused because it had taken effect already, in an earlier attempt (${step.op.attempts} in all).`,
      steps: [step],
    };
  }
  return {
    anomaly: 'dirty read of a failed write',
    prose: `${needs(step)}, which only ${source.f}#${source.id} (${source.node}) can have left there, and that operation was told that it failed (${source.error ?? 'no reason given'}).`,
    steps: [step],
  };
}

/** True if a failed operation would explain the value, had it taken effect. */
function leftBy(op: Op, value: Step['from'], hasAppends: boolean): boolean {
  if (op.outcome !== 'fail' || op.f === 'read') return false;
  const left = op.f === 'cas' && Array.isArray(op.input) ? (op.input[1] as RegisterValue) : op.input;
  if (typeof left !== 'string' || left === '' || value === null) return false;
  if (value === left) return true;
  return op.f === 'append' ? value.includes(left) : hasAppends && value.startsWith(left);
}

type Fork = Extract<Contradiction, { type: 'fork' }>;

function explainFork({ state, heirs, shownBy, bothShown, apart }: Fork): Explanation {
  const [a, b] = heirs.map((heir) => heir.producer!) as [Step, Step];
  const steps = unique([a, b, ...shownBy.filter((step) => step !== null)]);
  const held = `${showValue(state.value)} was the value only once`;
  if (a.kind === 'cas' && b.kind === 'cas') {
    return {
      anomaly: 'two CAS winners',
      prose: `${deed(a)}, and ${deed(b)}: both succeeded, although ${held}.`,
      steps,
    };
  }
  if (apart !== null) {
    const [ofA, ofB] = apart;
    return {
      anomaly: 'split brain',
      prose: `${deed(a)} and ${deed(b)}, each directly after ${showValue(state.value)}; then ${deed(ofA)} and ${deed(ofB)}, each without the other, although both had taken effect: ${a.op.node} and ${b.op.node} each continued alone.`,
      steps,
      alsoShown: apart,
    };
  }
  const seen = shownBy.map((step) => (step === null ? '' : ` (${needs(step)})`));
  return {
    anomaly: bothShown ? 'append reorder' : 'lost write',
    prose: `${deed(a)}${seen[0]}, and ${deed(b)}${seen[1]}: each is seen to have come directly after ${showValue(state.value)}, although that ${held.slice(held.indexOf('was'))}.`,
    steps,
  };
}

function explainTwice(token: Step, seen: readonly [Step, Step]): Explanation {
  const [first, second] = seen;
  return {
    anomaly: 'append reorder',
    prose: `${deed(token)} once, but ${needs(first)} while ${needs(second)}: it comes after different values in these two.`,
    steps: unique([token, first, second]),
  };
}

function explainInversion(early: PlacedStep, late: PlacedStep): Explanation {
  const steps = unique([...withProducer(early), ...withProducer(late)]);
  const times = `${ended(late.step)}, before ${began(early.step)}`;
  const chained =
    early.node === late.node
      ? ''
      : ` The value became ${showValue(late.node.value)} only after it had been ${showValue(early.node.value)}.`;
  if (late.step.kind === 'read' && early.step === late.node.producer) {
    return {
      anomaly: 'read from the future',
      prose: `${deed(late.step)}, but ${times}, and ${deed(early.step)}.`,
      steps,
    };
  }
  if (early.step.kind === 'read') {
    return {
      anomaly: 'stale read',
      prose: `${deed(early.step)}, but ${deed(late.step)} before: ${times}.${chained}`,
      steps,
    };
  }
  const anomaly =
    early.step.kind === 'append' && late.step.kind === 'append' ? 'append reorder' : 'read from the future';
  return { anomaly, prose: `${deed(early.step)} and ${deed(late.step)}, but ${times}.${chained}`, steps };
}

/** Two blocks that must each precede the other: `back` shows a value again that `over` had already replaced. */
function explainBlocks(back: Block, over: Block): Explanation {
  const again = back.lastBegin!;
  // The proof uses the writes themselves if possible, else the step that ended first or began last.
  const root = placedRoot(over);
  const between = root !== null && root.step.ret < back.last ? root : over.firstEnd!;
  const opening = root !== null && back.first < root.step.call ? root : over.lastBegin!;
  const backRoot = placedRoot(back);
  const closing = backRoot !== null && backRoot.step.ret < opening.step.call ? backRoot : back.firstEnd;
  const steps = unique(
    [again, between, opening, ...(closing === null ? [] : [closing])].flatMap(withProducer),
  );
  const anomaly = again.step.kind === 'read' && over.observed ? 'stale read' : 'lost write';
  const value = ({ node }: PlacedStep): string => showValue(node.value);
  const before =
    closing === null
      ? `${value(between)} came after the key's initial state`
      : `${ended(closing.step)} (it ${verb(closing.step)}) before ${began(opening.step)}, so ${value(closing)} came before ${value(opening)}`;
  return {
    anomaly,
    prose: `${deed(again.step)} after ${deed(between.step)}: ${ended(between.step)} before ${began(again.step)}. Yet ${before}: ${anomaly}.`,
    steps,
  };
}

/** Each side alone is a stale read, and the first one is the proof; both together show two leaders at once. */
function explainSplit(x: Side, y: Side): Explanation {
  const told = ({ older, newer }: Side): string => {
    const [again, between] = [older.lastBegin!.step, newer.firstEnd!.step];
    return `${deed(again)} after ${deed(between)}: ${ended(between)} before ${began(again)}`;
  };
  const proven = ({ older, newer }: Side): Step[] =>
    unique([older.firstEnd!, older.lastBegin!, newer.firstEnd!, placedRoot(newer)!].flatMap(withProducer));
  const [atX, atY] = [x, y].map(({ older }) => older.root.producer!.op.node);
  return {
    anomaly: 'split brain',
    prose: `${told(x)}. Likewise ${told(y)}. Each time the older value came first, so ${atX} and ${atY} each continued from its own writes without those of the other: split brain.`,
    steps: proven(x),
    alsoShown: proven(y),
  };
}

const placedRoot = ({ root }: Block): PlacedStep | null =>
  root.producer === null ? null : { step: root.producer, node: root };

/** The steps that stand for a step in a proof: itself, and the step that made its state. */
const withProducer = ({ step, node }: PlacedStep): Step[] =>
  node.producer === null ? [step] : [node.producer, step];

const verb = (step: Step): string => deed(step).slice(nameOf(step).length + 1);

const unique = (steps: readonly Step[]): Step[] =>
  [...new Set(steps)].sort((a, b) => a.call - b.call || a.op.id - b.op.id);
