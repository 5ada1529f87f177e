import { readFileSync } from 'node:fs';

/** TCP services that Go knows on every system. */
const GO_SERVICES: Readonly<Record<string, number>> = {
  domain: 53,
  ftp: 21,
  ftps: 990,
  gopher: 70,
  http: 80,
  https: 443,
  imap2: 143,
  imap3: 220,
  imaps: 993,
  pop3: 110,
  pop3s: 995,
  smtp: 25,
  submissions: 465,
  ssh: 22,
  telnet: 23,
};

/**
 * Number of a port that is given as a number or by the name of its service; '' is 0. @throws Error with Go's message.
 */
export function lookupPort(service: string): number {
  if (!/^[+-]?\d*$/.test(service)) {
    const known = services().get(service.toLowerCase());
    if (known === undefined) throw new Error(`lookup tcp/${service}: unknown port`);
    return known;
  }
  const port = Number(service);
  // A sign without digits counts as zero, as in Go.
  if (Number.isNaN(port)) return 0;
  if (port < 0 || port > 65_535) throw new Error(`address ${service}: invalid port`);
  return port;
}

let known: ReadonlyMap<string, number> | null = null;

/**
 * Go's services and those of /etc/services, by name and alias. The file is read once, when the first name is looked up.
 */
function services(): ReadonlyMap<string, number> {
  known ??= new Map([...Object.entries(GO_SERVICES), ...systemServices()]);
  return known;
}

function systemServices(): readonly (readonly [name: string, port: number])[] {
  let text: string;
  try {
    text = readFileSync('/etc/services', 'utf8');
  } catch {
    // Not every system has this file.
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const [name, where, ...aliases] = line.replace(/#.*$/, '').trim().split(/\s+/);
    const port = /^(\d+)\/tcp$/.exec(where ?? '')?.[1];
    return port === undefined
      ? []
      : [name!, ...aliases].map((each) => [each.toLowerCase(), Number(port)] as const);
  });
}
