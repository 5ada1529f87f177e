import type { LogWrite } from '../../node/replica/ports.ts';
import { runNode } from '../../node/server/run-node.ts';
import { Wal } from '../../node/storage/wal.ts';

/** Set while the disk hangs. */
let hanging: PromiseWithResolvers<void> | null = null;
process.on('SIGUSR2', () => {
  hanging?.resolve();
  hanging = hanging === null ? Promise.withResolvers() : null;
});

/**
 * A disk that hangs from one SIGUSR2 to the next: writes neither succeed nor fail, as on a failing drive or a lost
 * network volume. Everything else of the node is the shipped code.
 */
class HangingWal extends Wal {
  override async write(batch: readonly LogWrite[]): Promise<void> {
    await hanging?.promise;
    await super.write(batch);
  }
}

await runNode(process.argv.slice(2), { storage: (options) => new HangingWal(options) });
