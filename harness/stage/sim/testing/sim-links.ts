import { randomStream } from '../../../random.ts';
import { SimLinks } from '../links.ts';
import { VirtualTime } from '../time.ts';

/** Links between nodes that do not exist. */
export const simLinks = (nodes: readonly string[], time = new VirtualTime()): SimLinks =>
  new SimLinks({ nodes, time, random: randomStream(1, 'link-weather') });
