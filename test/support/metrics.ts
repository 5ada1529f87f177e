/** Looks up a metric by its name and a part of its labels. Undefined: there is none. */
export type Samples = (name: string, labels?: string) => number | undefined;

/** Reads all metrics at a node's admin port. */
export async function samples(port: number): Promise<Samples> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n');
  return (name, labels = '') => {
    const line = lines.find((each) => each.startsWith(`chaos_node_${name}{`) && each.includes(labels));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
}

/** Reads the current value of one metric. */
export async function sample(port: number, ...which: Parameters<Samples>): Promise<number | undefined> {
  return (await samples(port))(...which);
}
