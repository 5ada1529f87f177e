import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { identityOf, placeOfProcesses } from './process-identity.ts';

const processSchema = z.object({ pid: z.number().int().positive(), identity: z.string(), what: z.string() });
const proxySchema = z.object({ url: z.string(), name: z.string() });
const journalSchema = z.object({
  owner: z.string(),
  place: z.string(),
  processes: z.array(processSchema),
  proxies: z.array(proxySchema),
  folders: z.array(z.string()),
});

/** Everything that a process has started or created and that must not outlive it. `owner`: identity of the process. */
export type Journal = z.infer<typeof journalSchema>;
type ProcessRecord = z.infer<typeof processSchema>;
type ProxyRecord = z.infer<typeof proxySchema>;

/** The journal that this process writes, for one folder of the cache. */
interface OwnJournal {
  /** Path of the journal; null if no folder is writable. */
  readonly file: string | null;
  readonly owner: string;
  readonly processes: Set<ProcessRecord>;
  readonly proxies: Set<ProxyRecord>;
  readonly folders: Set<string>;
}
const journals = new Map<string, Promise<OwnJournal>>();
/** The same journals, for `killRecorded`, which cannot wait for a promise. */
const opened = new Set<OwnJournal>();

/**
 * Records that this process started process `pid`, so that `chaos clean` can end it if this process is killed first.
 * `what`: a name for people, such as "toxiproxy-server". Returns a function that removes the record.
 */
export async function recordPid(cacheDir: string, pid: number, what: string): Promise<() => void> {
  const [journal, identity] = await Promise.all([ownJournal(cacheDir), identityOf(pid)]);
  return record(journal, journal.processes, identity === null ? [] : [{ pid, identity, what }]);
}

/** The same for proxies in a Toxiproxy server that another program started. Must be called before they are created. */
export async function recordProxies(
  cacheDir: string,
  url: string,
  names: readonly string[],
): Promise<() => void> {
  const journal = await ownJournal(cacheDir);
  return record(
    journal,
    journal.proxies,
    names.map((name) => ({ url, name })),
  );
}

/** The same for a folder that is removed at the end. Must be called before it is created. */
export async function recordFolder(cacheDir: string, path: string): Promise<() => void> {
  const journal = await ownJournal(cacheDir);
  return record(journal, journal.folders, [path]);
}

/** Returns null if a journal can be written, else the reason why not, as a sentence without a full stop. */
export async function missingJournal(cacheDir: string): Promise<string | null> {
  const { file } = await ownJournal(cacheDir);
  if (file !== null) return null;
  return `no journal can be written (tried ${journalFolders(cacheDir).join(', ')}): if this run is killed, chaos clean cannot find what it leaves behind`;
}

/** Sends SIGKILL to every recorded process, without waiting. For an end of this process that cannot wait. */
export function killRecorded(): void {
  for (const { pid } of [...opened].flatMap(({ processes }) => [...processes])) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

/**
 * Candidate folders for journals; the first writable one is used. The cache folder is not writable in a read-only
 * checkout or in one of another user. The others are two folders of the user.
 */
export function journalFolders(cacheDir: string): readonly string[] {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? '';
  return [
    join(cacheDir, 'runs'),
    ...(runtime === '' ? [] : [join(runtime, 'chaos-runs')]),
    join(tmpdir(), `chaos-runs-${process.getuid?.() ?? 'user'}`),
  ];
}

/** Process id and name of every journal in a folder, also of those whose writer was killed while it wrote. */
export function listJournals(folder: string): readonly { readonly pid: number; readonly file: string }[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      const pid = /^(\d+)-[0-9a-f]+\.json(?:\.draft)?$/.exec(name)?.[1];
      return pid === undefined ? [] : [{ pid: Number(pid), file: join(folder, name) }];
    });
  } catch {
    return [];
  }
}

/** Returns null if the file is gone, or is not a journal. @throws Error if it cannot be read. */
export function readJournal(file: string): Journal | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return journalSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function ownJournal(cacheDir: string): Promise<OwnJournal> {
  const known = journals.get(cacheDir) ?? openJournal(cacheDir);
  journals.set(cacheDir, known);
  return known;
}

async function openJournal(cacheDir: string): Promise<OwnJournal> {
  const folder = journalFolders(cacheDir).find((each, i) => canWrite(each, i === 0));
  // The random part distinguishes this journal from that of a later process with the same id.
  const name = `${process.pid}-${randomBytes(6).toString('hex')}.json`;
  const journal: OwnJournal = {
    file: folder === undefined ? null : join(folder, name),
    owner: (await identityOf(process.pid)) ?? '',
    processes: new Set(),
    proxies: new Set(),
    folders: new Set(),
  };
  opened.add(journal);
  return journal;
}

/** Creates the folder, for this user only, and tries to write into it. A folder of another user is not trusted. */
function canWrite(folder: string, isCache: boolean): boolean {
  try {
    // Parents are created only for the cache. If the temporary folder itself does not exist, the user should notice it.
    if (isCache) mkdirSync(folder, { recursive: true, mode: 0o700 });
    else if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    const { uid } = lstatSync(folder);
    if (uid !== (process.getuid?.() ?? uid)) return false;
    const probe = join(folder, `probe-${randomBytes(6).toString('hex')}`);
    writeFileSync(probe, 'x');
    rmSync(probe);
    return true;
  } catch {
    return false;
  }
}

function record<T>(journal: OwnJournal, records: Set<T>, added: readonly T[]): () => void {
  for (const each of added) records.add(each);
  save(journal);
  return () => {
    for (const each of added) records.delete(each);
    save(journal);
  };
}

/** Writes a draft and renames it, so that a reader never sees a part of a journal. */
function save({ file, owner, processes, proxies, folders }: OwnJournal): void {
  if (file === null) return;
  if (processes.size + proxies.size + folders.size === 0) {
    rmSync(file, { force: true });
    return;
  }
  const journal: Journal = {
    owner,
    place: placeOfProcesses(),
    processes: [...processes],
    proxies: [...proxies],
    folders: [...folders],
  };
  const draft = `${file}.draft`;
  try {
    writeFileSync(draft, JSON.stringify(journal), { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    // A full disk: the run goes on with the journal as it was, and other losses are reported elsewhere.
  }
}
