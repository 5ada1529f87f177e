import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { edited } from './removal.ts';
import type { Edit } from './removal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Not part of the program, or linked instead. */
const LEFT_OUT = new Set(['node_modules', '.git', '.cache', 'reports']);

/** The project in a folder of its own, with edits made, so that tests run on it as they are. */
export class ProjectCopy implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Throws for an edit that does not fit. */
  static async make(edits: readonly Edit[]): Promise<ProjectCopy> {
    const copy = new ProjectCopy(await fs.mkdtemp(join(tmpdir(), 'chaos-features-')));
    try {
      await fs.cp(ROOT, copy.folder, {
        recursive: true,
        filter: (path) => !LEFT_OUT.has(relative(ROOT, path)),
      });
      await fs.symlink(join(ROOT, 'node_modules'), join(copy.folder, 'node_modules'));
      for (const edit of edits) {
        const path = join(copy.folder, edit.file);
        await fs.writeFile(path, edited(await fs.readFile(path, 'utf8'), edit));
      }
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await fs.rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
