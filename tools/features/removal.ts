/** One place in the source of the node, and what stands there instead. */
export interface Edit {
  /** Path from the top of the project. */
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A node without one feature, or without one part of it. */
export interface Removal {
  /** The feature, as the first column of docs/node.md has it. */
  readonly feature: string;
  /** What this node does, or does not do. */
  readonly without: string;
  readonly edits: readonly Edit[];
  /** Only where nobody is served without the feature: else a cluster of such nodes must still serve clients. */
  readonly servesNobody?: true;
}

/** The text of a file with `edit` made. Throws, with the place, unless `edit.find` stands there exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const at = text.indexOf(find);
  const count = text.split(find).length - 1;
  if (count !== 1)
    throw new Error(
      `${file}: the text of an edit stands there ${count} times, not once; bring tools/features/table/ up to date: ${find}`,
    );
  if (find === replace) throw new Error(`${file}: an edit that changes nothing: ${find}`);
  return text.slice(0, at) + replace + text.slice(at + find.length);
}
