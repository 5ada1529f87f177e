import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Makes a new temporary folder before each test of the calling file or block, and removes it after the test. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' };
  beforeEach(() => void (folder.path = mkdtempSync(join(tmpdir(), 'chaos-test-'))));
  afterEach(() => rmSync(folder.path, { recursive: true, maxRetries: 3 }));
  return folder;
}
