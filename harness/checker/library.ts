/**
 * The checker as a library, for histories from other programs: `import { checkLinearizable, models } from
 * 'chaos/checker'`. Everything else in this folder may change.
 */
export {
  type CheckOptions,
  checkLinearizable,
  type KeyResult,
  type LinearizabilityResult,
  type ModelOptions,
} from './linearizable.ts';
export type { CasFail } from './steps.ts';
export type { Effect, Model, Operation } from './model.ts';
export { listElement, listValue, ModelError, models, type RegisterModel } from './models.ts';
export type { Op, OpFunction, OpOutcome, RegisterValue } from '../history/op.ts';
export type { Violation } from '../result.ts';
