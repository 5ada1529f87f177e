import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { createApi, VERSION } from './api.ts';
import { ByteCounters } from './byte-counters.ts';
import { Proxies } from './proxies.ts';

/**
 * The built-in Toxiproxy: the real server's flags (in Go's form, with one dash), API and toxics. Only this server has
 * `-end-with-stdin`: it ends when the process that started it ends, even by a crash.
 */
const { values } = parseArgs({
  args: process.argv.slice(2).map((arg) => arg.replace(/^-(?=[a-z])/, '--')),
  options: {
    host: { type: 'string', default: 'localhost' },
    port: { type: 'string', default: '8474' },
    config: { type: 'string', default: '' },
    'proxy-metrics': { type: 'boolean', default: false },
    'runtime-metrics': { type: 'boolean', default: false },
    version: { type: 'boolean', default: false },
    'end-with-stdin': { type: 'boolean', default: false },
  },
});

if (values.version) {
  console.log(`toxiproxy-server version ${VERSION}`);
  process.exit(0);
}

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
if (values['end-with-stdin']) {
  process.stdin.once('end', () => process.exit(0)).once('error', () => process.exit(0));
  process.stdin.resume();
}

const counters = new ByteCounters();
const proxies = new Proxies(counters);
if (values.config !== '') {
  try {
    const { error } = await proxies.populate(readFileSync(values.config, 'latin1'));
    if (error !== null) console.error(`Failed to populate proxies from file: ${error.message}`);
  } catch (error) {
    console.error(`Error reading config file: ${(error as Error).message}`);
  }
}
const server = createApi(proxies, counters, values['proxy-metrics'] || values['runtime-metrics']);
server.once('error', (error) => {
  console.error(`Server finished with error: ${error.message}`);
  process.exit(1);
});
server.listen(Number(values.port), values.host);
