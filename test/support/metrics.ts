/** A sample of those at a node's admin port, as they were read, whose labels contain `labels`; undefined: none. */
export type Samples = (name: string, labels?: string) => number | undefined;

export async function samples(port: number): Promise<Samples> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const lines = text.split('\n');
  return (name, labels = '') => {
    const line = lines.find((each) => each.startsWith(`chaos_node_${name}{`) && each.includes(labels));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  };
}

/** One of them, as it is now. */
export async function sample(port: number, ...which: Parameters<Samples>): Promise<number | undefined> {
  return (await samples(port))(...which);
}
