/** `tandem compact`: gives back the disk space of messages that no mailbox has any more. */
import type { JsonOption } from "../options.ts";
import { withOutput } from "../output.ts";
import { openProgress } from "../progress.ts";
import { OK } from "../run.ts";
import { withStore } from "../store-access.ts";

/** @returns the exit status. @throws TandemError. */
export function runCompact(directory: string, { json }: JsonOption): Promise<number> {
  return withStore(directory, {}, async (store) => {
    const progress = await openProgress("segments");
    let shown = { done: 0, total: 0 };
    const onStep = ({ done, total }: { done: number; total: number }): void => {
      progress.grow(total - shown.total);
      progress.tick(done - shown.done);
      shown = { done, total };
    };
    const result = await store.compact({ onStep }).finally(() => progress.stop());
    const { bodiesDropped: dropped, bytesFreed } = result;
    await withOutput((out) =>
      json
        ? out.json({ dropped, bytesFreed })
        : out.line(`${dropped} messages dropped, ${megabytes(bytesFreed)} freed`),
    );
    return OK;
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
