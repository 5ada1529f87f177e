/** A replacement of one piece of text in the source of the node. */
export interface Edit {
  /** Path from the root of the project. */
  readonly file: string;
  /** Text that must be in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A node without one feature, or without one part of it. */
export interface Removal {
  /** Name of the feature, as in the first column of docs/node.md. */
  readonly feature: string;
  /** Behaviour of this node, as a sentence. */
  readonly without: string;
  readonly edits: readonly Edit[];
  /** Set if clients cannot be served without the feature. Otherwise a cluster of such nodes must still serve them. */
  readonly servesNoClients?: true;
}

/** Returns the text of a file with `edit` applied. Throws unless `edit.find` is found exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const at = text.indexOf(find);
  const count = text.split(find).length - 1;
  if (count !== 1)
    throw new Error(
      `${file}: the text of an edit is found ${count} times, not once; update tools/features/table/: ${find}`,
    );
  if (find === replace) throw new Error(`${file}: this edit changes nothing: ${find}`);
  return text.slice(0, at) + replace + text.slice(at + find.length);
}
