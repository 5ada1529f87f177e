/** The value of a sample at a node's admin port whose labels contain `labels`; undefined: there is none. */
export async function sample(port: number, name: string, labels = ''): Promise<number | undefined> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const line = text
    .split('\n')
    .find((each) => each.startsWith(`chaos_node_${name}{`) && each.includes(labels));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}
