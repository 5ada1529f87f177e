import { promises as fs } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { edited } from './removal.ts';
import type { Edit } from './removal.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Folders that are not part of the program, or are linked instead of copied. */
const NOT_COPIED = new Set(['node_modules', '.git', '.cache', 'reports']);

/** A copy of the project in a temporary folder, with edits applied, so that its unchanged tests run on them. */
export class ProjectCopy implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Throws if an edit does not fit its file. */
  static async make(edits: readonly Edit[]): Promise<ProjectCopy> {
    const copy = new ProjectCopy(await fs.mkdtemp(join(tmpdir(), 'chaos-features-')));
    try {
      await fs.cp(ROOT, copy.folder, {
        recursive: true,
        filter: (path) => !NOT_COPIED.has(relative(ROOT, path)),
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
