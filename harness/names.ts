/** Patterns of names in scenarios, each in one place. */

const NODE_ID_SOURCE = String.raw`n[1-9]\d*`;
const NAME_SOURCE = '[a-z][a-z0-9-]*';

/** The id of a node: n1, n2 and so on. */
export const NODE_ID: RegExp = new RegExp(`^${NODE_ID_SOURCE}$`);

/** A link: `n1->n2`, or `clients->n1`. */
export const LINK_NAME: RegExp = new RegExp(`^(clients|${NODE_ID_SOURCE})->(${NODE_ID_SOURCE})$`);

/** A name that a scenario gives, with `as:` or `bind:`. */
export const NAME: RegExp = new RegExp(`^${NAME_SOURCE}$`);

/** Every `$name` in a text; group 1 is the name. */
export const NAME_REFERENCES: RegExp = new RegExp(String.raw`\$(${NAME_SOURCE})`, 'g');

/** `> $old.term`: an operator (group 1), a name (2) and a figure of what it names (3). */
export const FIGURE_REFERENCE: RegExp = new RegExp(
  String.raw`^(<=|>=|<|>|=)?\s*\$(${NAME_SOURCE})\.(term|commit-index)$`,
);

/** `unchanged-since(cut)`; group 1 is the name of the fault. */
export const UNCHANGED_SINCE: RegExp = new RegExp(String.raw`^unchanged-since\((${NAME_SOURCE})\)$`);
